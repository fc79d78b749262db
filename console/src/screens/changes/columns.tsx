import { useMemo } from "react";
import type { Schemas } from "@/api/client";
import { api, ok, useMay, usePages, useSession } from "@/api/queries";
import { Age, ChangeLink, type Column, Instant, Person, Progress, StateBadge } from "@/parts";
import css from "./changes.module.css";

export type Listed = Schemas["ChangeListed"];

export function useChanges(state: Listed["state"] | undefined, open: boolean | undefined) {
  return usePages<Listed>(["changes", "list", state, open], (cursor) => ok(api.GET("/v1/changes", { params: { query: { state, open, counts: true, cursor, limit: 50 } } })));
}

export function useColumns(): Column<Listed>[] {
  const session = useSession();
  const forbidden = useMay("changes.approve");
  return useMemo(
    () => [
      {
        id: "title",
        header: "Title",
        width: 260,
        grow: true,
        cell: (one) => (
          <ChangeLink change={one.id}>
            <b className={css.title}>{one.title}</b>
          </ChangeLink>
        ),
      },
      { id: "state", header: "State", width: 118, cell: (one) => <StateBadge state={one.state} /> },
      {
        id: "waits",
        header: "Approvals",
        width: 184,
        cell: (one) => {
          if (one.approvals_needed === 0) return <span className="fl-dim">none asked</span>;
          const words = `${one.approvals_given ?? 0} of ${one.approvals_needed}`;
          if (one.state !== "planned") return words;
          if (forbidden === undefined && one.author !== session.principal) return <StateBadge state="" tone="warn" label={`${words}, waits for you`} />;
          return <StateBadge state="" tone="info" label={`${words}, waits`} hint={forbidden ? `You cannot decide: it ${forbidden}` : "You asked for it: another person must decide"} />;
        },
      },
      { id: "progress", header: "Devices", width: 270, cell: (one) => <Progress bare moves={one.moves ?? {}} /> },
      { id: "author", header: "Author", width: 150, cell: (one) => <Person id={one.author} /> },
      { id: "created", header: "Created", width: 118, cell: (one) => <Age at={one.created_at} /> },
      { id: "waves", header: "Waves", width: 70, right: true, cell: (one) => (one.waves > 0 ? one.waves : <span className="fl-dim">–</span>) },
      { id: "ends", header: "Ends", width: 120, hidden: true, cell: (one) => <Age at={one.ends_at} never="does not end" /> },
      { id: "settled", header: "Settled", width: 160, hidden: true, cell: (one) => <Instant at={one.settled_at} /> },
      { id: "reason", header: "Reason", width: 220, hidden: true, cell: (one) => one.reason },
      { id: "kind", header: "Kind", width: 90, hidden: true, cell: (one) => one.kind },
    ],
    [session.principal, forbidden],
  );
}
