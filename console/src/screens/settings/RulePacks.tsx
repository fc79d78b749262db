// The rules that this server reads, with their age: what a stance rests on, and how old that is.
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import type { Schemas } from "@/api/client";
import { api, ok, useMay, wholeList } from "@/api/queries";
import { useFormat } from "@/frame/format";
import { type Column, DataTable, Empty, Facts, Figures, Loading, Panel, Problem, StateBadge, TextLink, toneOf, wordsOf } from "@/parts";
import css from "./settings.module.css";

type Rule = Schemas["RuleBrief"];

const FRESHNESS: [string, string][] = [
  ["green", "read within 180 days"],
  ["amber", "180 to 365 days old"],
  ["red", "older than a year"],
];

export function RulePacks() {
  const forbidden = useMay("reference.read");
  const format = useFormat();
  const rules = useQuery({ queryKey: ["rules"], queryFn: () => ok(api.GET("/v1/rules")), enabled: !forbidden, staleTime: 300_000 });
  const reference = useQuery({ queryKey: ["reference", "brief"], queryFn: () => ok(api.GET("/v1/reference")), enabled: !forbidden, staleTime: 300_000 });
  const items = rules.data?.items ?? [];
  const columns = useMemo(
    (): Column<Rule>[] => [
      { id: "id", header: "Rule", width: 190, sort: (one) => one.id, cell: (one) => one.id },
      { id: "topic", header: "Topic", width: 152, sort: (one) => one.topic, cell: (one) => wordsOf(one.topic) },
      { id: "stance", header: "Says", width: 122, sort: (one) => one.stance, cell: (one) => <StateBadge state={one.stance} plain /> },
      { id: "as_of", header: "As of", width: 118, sort: (one) => one.as_of, cell: (one) => format.date(one.as_of) },
      { id: "freshness", header: "Freshness", width: 94, sort: (one) => one.freshness, cell: (one) => <StateBadge state={one.freshness} plain /> },
      { id: "confidence", header: "Confidence", width: 104, sort: (one) => one.confidence, cell: (one) => <StateBadge state={one.confidence} plain /> },
      { id: "summary", header: "In short", width: 180, grow: true, cell: (one) => <span className={css.cut} title={one.summary}>{one.summary}</span> },
      { id: "kind", header: "Kind", width: 100, hidden: true, sort: (one) => one.kind, cell: (one) => wordsOf(one.kind) },
      { id: "authority", header: "Authority", width: 120, hidden: true, sort: (one) => one.authority, cell: (one) => one.authority ?? "–" },
      { id: "sources", header: "Sources", width: 260, hidden: true, cell: (one) => one.sources.join("; ") },
      { id: "disputes", header: "Says otherwise", width: 180, hidden: true, cell: (one) => one.disputes.join(", ") || "–" },
    ],
    [format],
  );
  if (forbidden)
    return (
      <Panel title="Rule packs">
        <Empty title="Not yours to see">Reading rules {forbidden}.</Empty>
      </Panel>
    );
  const dates = items.map((one) => one.as_of).sort();
  return (
    <>
      <Figures
        label="Rules by their age"
        items={[
          { name: "Rules", value: rules.isPending ? "…" : format.number(items.length), },
          ...FRESHNESS.map(([word, note]) => ({ name: note, value: rules.isPending ? "…" : format.number(items.filter((one) => one.freshness === word).length), tone: toneOf(word) })),
        ]}
      />
      <DataTable id="rules" title="Rules in force here" label="Rules" noun="rules" height={420} columns={columns} pages={wholeList({ ...rules, data: rules.data?.items })} rowKey={(one) => one.id} note={rules.data && `read from ${format.date(dates[0])} to ${format.date(dates.at(-1))} · not legal advice`} empty={<Empty title="This server has no rules">Rules come with the server's reference data.</Empty>} />
      {rules.data && <p className={css.small} style={{ margin: 0 }}>{rules.data.notice}</p>}
      <Panel title="The reference data they come with" right={<TextLink fz="xs" to="/reference">All tables</TextLink>}>
        {reference.isPending ? (
          <Loading what="Reading sources" />
        ) : reference.error ? (
          <Problem error={reference.error} retry={reference.refetch} />
        ) : (
          <Facts items={Object.entries(reference.data.sources).map(([name, source]) => [name, `${source.name}, ${format.date(source.date)}${source.licence ? ` · ${source.licence}` : ""}`])} />
        )}
      </Panel>
    </>
  );
}
