// All rules of all packs. Those that say otherwise are named at both.
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { useFormat } from "@/frame/format";
import { Empty, type Filter, FilterChips, jurisdiction, kindWords, Loading, Panel, Problem, RuleCard, TextLink, wordsOf } from "@/parts";
import { has, rulesQuery } from "./queries";
import css from "./reference.module.css";
import type { Url } from "./search";

type Key = "jurisdiction" | "topic" | "stance" | "kind" | "confidence" | "freshness";
const KEYS: { key: Key; label: string; read: (value: string) => string }[] = [
  { key: "jurisdiction", label: "Jurisdiction", read: jurisdiction },
  { key: "topic", label: "Topic", read: wordsOf },
  { key: "stance", label: "Stance", read: wordsOf },
  { key: "kind", label: "Kind", read: kindWords },
  { key: "confidence", label: "Confidence", read: wordsOf },
  { key: "freshness", label: "Reading", read: (value) => ({ green: "fresh", amber: "over 180 days", red: "over a year" })[value] ?? value },
];

export function Rules({ url, setUrl }: { url: Url; setUrl: (patch: Partial<Url>) => void }) {
  const rules = useQuery(rulesQuery);
  const format = useFormat();
  const all = rules.data?.items ?? [];
  const filters = useMemo(
    (): Filter[] =>
      KEYS.map(({ key, label, read }) => {
        const counts = new Map<string, number>();
        for (const rule of all) counts.set(rule[key], (counts.get(rule[key]) ?? 0) + 1);
        return { key, label, show: read, options: [...counts].map(([value, count]) => ({ value, label: read(value), count })).sort((a, b) => a.label.localeCompare(b.label)) };
      }),
    [all],
  );
  if (rules.error) return <Panel><Problem error={rules.error} retry={rules.refetch} /></Panel>;
  if (rules.isPending) return <Panel><Loading what="Reading the rules" /></Panel>;
  const shown = all.filter((rule) => KEYS.every(({ key }) => url[key] === undefined || rule[key] === url[key]) && has([rule.id, rule.summary, rule.authority, rule.topic, jurisdiction(rule.jurisdiction), ...rule.sources], url.q));
  return (
    <div className="fl-stack">
      <div className="fl-row">
        <FilterChips filters={filters} values={Object.fromEntries(KEYS.map(({ key }) => [key, url[key]]))} onChange={(patch) => setUrl(patch as Partial<Url>)} />
        <span className="fl-dim" aria-live="polite" style={{ marginLeft: "auto", fontSize: "var(--mantine-font-size-xs)" }}>
          {format.number(shown.length)} of {format.number(all.length)} rules
        </span>
      </div>
      <Panel flush>
        {shown.length === 0 && (
          <div className={css.pad}>
            <Empty title="No rule is like that">Take a filter away. A country that no rule names has the stance unknown, which is a warning and never a permission.</Empty>
          </div>
        )}
        <div className={css.rules}>
          {shown.map((rule) => (
            <RuleCard
              key={rule.id}
              rule={rule}
              where
              note={
                rule.disputes.length > 0 && (
                  <>
                    Contradicted by{" "}
                    {rule.disputes.map((id, index) => (
                      <span key={id}>
                        {index > 0 && ", "}
                        <TextLink fz="inherit" underline="always" to="/reference" search={{ tab: "rules", q: id }}>{id}</TextLink>
                      </span>
                    ))}
                  </>
                )
              }
            />
          ))}
        </div>
      </Panel>
    </div>
  );
}
