// Plans, newest first: what was looked at and perhaps never applied.
import { useNavigate } from "@tanstack/react-router";
import type { Plan } from "@/api/plans";
import { useHouseNow } from "@/api/clock";
import { api, ok, usePages } from "@/api/queries";
import { useFormat } from "@/frame/format";
import { Age, ChangeLink, type Column, DataTable, Empty, Person, PlanLink, StateBadge } from "@/parts";
import css from "./changes.module.css";

export function Plans() {
  const navigate = useNavigate();
  const format = useFormat();
  const now = useHouseNow();
  const pages = usePages<Plan>(["plans", "list"], async (cursor) => {
    const page = await ok(api.GET("/v1/plans", { params: { query: { cursor, limit: 50 } } }));
    return { ...page, items: page.items as unknown as Plan[] };
  });
  const columns: Column<Plan>[] = [
    {
      id: "what",
      header: "What it would do",
      width: 300,
      grow: true,
      cell: (one) => (
        <PlanLink plan={one.id}>
          <b className={css.title}>{one.summary.resources.map((resource) => `${{ create: "+", update: "~", remove: "−" }[resource.verb] ?? ""} ${resource.name}`).join("  ") || "nothing"}</b>
        </PlanLink>
      ),
    },
    { id: "devices", header: "Devices", width: 90, right: true, cell: (one) => format.number(one.summary.devices) },
    { id: "blocked", header: "Blocked", width: 90, right: true, cell: (one) => format.number(one.summary.devices - one.summary.movable) },
    {
      id: "became",
      header: "Became",
      width: 150,
      cell: (one) => (one.applied ? <ChangeLink change={one.applied}>a change</ChangeLink> : Date.parse(one.expires_at) <= now ? <StateBadge state="expired" tone="idle" /> : <StateBadge state="" tone="info" label="can be applied" />),
    },
    { id: "author", header: "Author", width: 150, cell: (one) => <Person id={one.author} /> },
    { id: "created", header: "Made", width: 118, cell: (one) => <Age at={one.created_at} /> },
    { id: "expires", header: "Expires", width: 118, cell: (one) => <Age at={one.expires_at} /> },
  ];
  return (
    <DataTable
      fill
      id="plans"
      label="Plans"
      noun="plans"
      columns={columns}
      pages={pages}
      rowKey={(one) => one.id}
      onOpen={(one) => void navigate({ to: "/plans/$plan", params: { plan: one.id } })}
      empty={
        <Empty title="No plan has been made yet">
          A plan says what would happen, and moves nothing. One is made wherever devices are selected for an action, and by <code>fairlead plan -f policy.yaml</code>. It is kept for seven days.
        </Empty>
      }
    />
  );
}
