// What should be: every kept policy, strategy and other resource, with whom each holds. Also where a new one is written.
import { Button, Menu, SegmentedControl } from "@mantine/core";
import { IconChevronDown, IconPlus } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useMemo } from "react";
import { api, ok, useMay, usePages } from "@/api/queries";
import { useFormat } from "@/frame/format";
import { useUrl } from "@/frame/url";
import { ActionButton, ChangeLink, type Column, DataTable, Empty, Instant, PolicyLink, Screen, StateBadge } from "@/parts";
import { countOf, isKind, type KeptPolicy, KINDS, policyCountsQuery, SAYS } from "../policy/api";
import { PolicyEditor } from "../policy/Editor";
import css from "../policy/policy.module.css";
import { NotYours } from "../policy/NotYours";
import { search } from "./search";

export default function PoliciesScreen() {
  const [url, setUrl] = useUrl(search);
  const forbidden = useMay("policies.read");
  if (forbidden) return <NotYours title="Policies" why={forbidden} />;
  if (isKind(url.new)) return <PolicyEditor key={`${url.new}/${url.from ?? ""}`} kind={url.new} template={url.from} />;
  return <Kept kind={isKind(url.kind) ? url.kind : undefined} onKind={(kind) => setUrl({ kind })} onNew={(kind) => setUrl({ new: kind })} />;
}

interface KeptProps {
  kind: (typeof KINDS)[number] | undefined;
  onKind: (kind: string | undefined) => void;
  onNew: (kind: string) => void;
}

function Kept({ kind, onKind, onNew }: KeptProps) {
  const format = useFormat();
  const navigate = useNavigate();
  const counts = useQuery(policyCountsQuery);
  const pages = usePages<KeptPolicy>(["policies", "list", kind ?? "all"], async (cursor) => {
    const page = await ok(api.GET("/v1/policies", { params: { query: { kind, cursor, limit: 200 } } }));
    return { ...page, items: page.items as unknown as KeptPolicy[] };
  });

  const columns = useMemo((): Column<KeptPolicy>[] => {
    const figure = (one: KeptPolicy, which: "in_force" | "waiting_in" | "waiting_out" | "barred" | "held_out") => countOf(counts.data, one.kind, one.name)?.[which];
    const few = (n: number | null | undefined, tone: "warn" | "idle") => (n ? <StateBadge state="" tone={tone} label={format.number(n)} plain /> : <span className="fl-dim">{format.number(n)}</span>);
    return [
      { id: "name", header: "Name", width: 160, sort: (one) => one.name, cell: (one) => <PolicyLink kind={one.kind} policy={one.name} /> },
      { id: "kind", header: "Kind", width: 112, sort: (one) => one.kind, cell: (one) => one.kind },
      { id: "marks", header: "State", width: 120, cell: (one) => <Mark one={one} /> },
      { id: "priority", header: "Priority", width: 76, right: true, sort: (one) => one.about.priority, cell: (one) => format.number(one.about.priority) },
      { id: "sets", header: "Sets", width: 126, cell: (one) => one.about.sets?.join(", ") ?? "–" },
      { id: "match", header: "Whom it is for", width: 160, grow: true, cell: (one) => <span className={css.cut}>{one.about.match ? <code title={one.about.match}>{one.about.match}</code> : <span className="fl-dim">{SAYS[one.kind]}</span>}</span> },
      { id: "in", header: "In it", width: 66, right: true, sort: (one) => figure(one, "in_force"), cell: (one) => (one.kind === "Policy" ? format.number(figure(one, "in_force")) : "–") },
      { id: "waiting", header: "Waiting", width: 76, right: true, sort: (one) => (figure(one, "waiting_in") ?? 0) + (figure(one, "waiting_out") ?? 0), cell: (one) => (one.kind === "Policy" && counts.data ? few((figure(one, "waiting_in") ?? 0) + (figure(one, "waiting_out") ?? 0), "idle") : "–") },
      { id: "barred", header: "Barred", width: 72, right: true, sort: (one) => figure(one, "barred"), cell: (one) => (one.kind === "Policy" && counts.data ? few(figure(one, "barred") ?? 0, "warn") : "–") },
      { id: "since", header: "Kept since", width: 168, sort: (one) => one.since, cell: (one) => <Instant at={one.since} /> },
      { id: "revision", header: "Revision", width: 80, right: true, hidden: true, sort: (one) => one.revision, cell: (one) => one.revision },
      { id: "change", header: "Standing Change", width: 250, hidden: true, cell: (one) => <ChangeLink change={one.change} /> },
      { id: "reason", header: "Reason", width: 260, hidden: true, cell: (one) => <span className={css.cut} title={one.about.reason}>{one.about.reason ?? "–"}</span> },
    ];
  }, [counts.data, format]);

  return (
    <Screen
      fill
      title="Policies"
      subtitle="What should be. A new text moves nothing until its plan is applied."
      actions={
        <Menu position="bottom-end" width={330} withInitialFocusPlaceholder={false}>
          <Menu.Target>
            <Button variant="filled" leftSection={<IconPlus size={14} aria-hidden />} rightSection={<IconChevronDown size={14} aria-hidden />}>
              New
            </Button>
          </Menu.Target>
          <Menu.Dropdown>
            {KINDS.map((one) => (
              <Menu.Item key={one} fz="sm" py={5} onClick={() => onNew(one)}>
                <b>{one}</b> <span className="fl-dim">{SAYS[one]}</span>
              </Menu.Item>
            ))}
          </Menu.Dropdown>
        </Menu>
      }
    >
      <SegmentedControl size="xs" style={{ alignSelf: "flex-start" }} aria-label="Which kind" value={kind ?? ""} onChange={(value) => onKind(value || undefined)} data={[{ value: "", label: "All kinds" }, ...KINDS.map((one) => ({ value: one, label: one }))]} />
      <DataTable
        fill
        id="policies"
        label="Policies"
        noun="policies"
        columns={columns}
        pages={pages}
        rowKey={(one) => `${one.kind}/${one.name}`}
        onOpen={(one) => void navigate({ to: "/policies/$kind/$name", params: { kind: one.kind, name: one.name } })}
        note={counts.data === null ? "Figures are for callers of the whole tenant; you are bound to departments" : counts.data && !counts.data.counted ? "The fleet is too large to be counted just now: devices in it are not known" : undefined}
        empty={
          <Empty
            title={kind ? `No ${kind} is kept` : "Nothing is kept yet"}
            action={
              <ActionButton permission="plans.make" leftSection={<IconPlus size={14} aria-hidden />} onClick={() => onNew(kind ?? "Policy")}>
                Write the first {kind ?? "Policy"}
              </ActionButton>
            }
          >
            {kind ? `A ${kind} says ${SAYS[kind]}. ` : "A policy says what should be on the devices that match it. "}
            It is kept when the Change that its plan became has gone through.
          </Empty>
        }
      />
    </Screen>
  );
}

function Mark({ one }: { one: KeptPolicy }) {
  if (one.no_driver_yet) return <StateBadge state="" tone="warn" plain label="no driver yet" hint="It is checked, tested and kept; no driver acts on this kind yet, so nothing follows from it" />;
  if (one.about.observe) return <StateBadge state="" tone="info" plain label="observing" hint="It only records what it would have done" />;
  if (one.kind === "Strategy") return <StateBadge state="" tone="ok" plain label="answers" hint="It answers which way in each country takes; policies do the moving" />;
  return one.change ? <StateBadge state="standing" plain hint="Devices that come to match are let in by its Change" /> : <StateBadge state="" tone="idle" plain label="kept" hint="It holds for the devices in it; its Change is closed and lets nobody else in" />;
}
