// One rule as the API prints it: what it says, where its force comes from, how sure and how old the reading is. With
// every rule stands that it is not legal advice. Used by a country's page and by the reference.
import { IconArrowDownRight, IconArrowRight, IconArrowUpRight, IconQuestionMark } from "@tabler/icons-react";
import type { ReactNode } from "react";
import type { Schemas } from "@/api/client";
import { countryName, useFormat } from "@/frame/format";
import type { Tone } from "@/frame/theme";
import { StateBadge } from "./Badges";
import { CountryLink } from "./Links";
import css from "./RuleCard.module.css";
import { wordsOf } from "./states";

export type RuleBrief = Schemas["RuleBrief"];

const KIND: Record<string, string> = {
  law: "Law",
  recommendation: "Recommendation",
  carrier_policy: "Carrier policy",
  report: "Report of practice",
};
const KIND_HINT: Record<string, string> = {
  law: "A law or a regulator's act",
  recommendation: "Advised, not commanded",
  carrier_policy: "A carrier's terms: they bind its customers, not the country",
  report: "Somebody describes the practice; no text of a rule was read",
};
const TREND: Record<string, { mark: typeof IconArrowRight; tone: Tone }> = {
  tightening: { mark: IconArrowUpRight, tone: "warn" },
  stable: { mark: IconArrowRight, tone: "idle" },
  loosening: { mark: IconArrowDownRight, tone: "ok" },
};
const FRESH: Record<string, string> = { green: "read lately", amber: "read over 180 days ago", red: "read over a year ago" };

export const kindWords = (kind: string) => KIND[kind] ?? wordsOf(kind);

/** Where a rule is moving: an arrow and the word. */
export function Trend({ trend }: { trend: string }) {
  const { mark: Mark, tone } = TREND[trend] ?? { mark: IconQuestionMark, tone: "idle" as Tone };
  return (
    <span className={css.trend} style={{ color: tone === "idle" ? "var(--fl-dim)" : `var(--fl-${tone}-text)` }}>
      <Mark size={14} aria-hidden />
      {trend === "unknown" ? "not known" : trend}
    </span>
  );
}

/** How old the reading of the sources is: green, amber after 180 days, red after 365. */
export function Freshness({ freshness, asOf }: { freshness: string | null | undefined; asOf?: string }) {
  const format = useFormat();
  if (!freshness) return <span className="fl-dim">nothing read</span>;
  return <StateBadge plain state={freshness} label={asOf ? `as of ${format.date(asOf)}` : FRESH[freshness]} hint={asOf ? `Freshness ${freshness}: ${FRESH[freshness] ?? ""}` : undefined} />;
}

interface Props {
  rule: RuleBrief;
  /** Said under it: what disputes it, whether it decides the stance. */
  note?: ReactNode;
  /** With the jurisdiction's name: for lists over countries. */
  where?: boolean;
}

export function RuleCard({ rule, note, where }: Props) {
  return (
    <article className={css.rule} aria-label={`Rule ${rule.id}`}>
      <div className={css.head}>
        <StateBadge state={rule.stance} />
        <b>{wordsOf(rule.topic)}</b>
        {where && (rule.jurisdiction === "EU" ? <span>{jurisdiction("EU")}</span> : <CountryLink code={rule.jurisdiction} />)}
        <span className={css.kind} title={KIND_HINT[rule.kind]}>
          {kindWords(rule.kind)}
          {rule.authority && <> · {rule.authority}</>}
        </span>
      </div>
      <p className={css.summary}>{rule.summary}</p>
      <dl className={css.facts}>
        <div>
          <dt>Confidence</dt>
          <dd>{rule.confidence}</dd>
        </div>
        <div>
          <dt>Trend</dt>
          <dd>
            <Trend trend={rule.trend} />
          </dd>
        </div>
        <div>
          <dt>Reading</dt>
          <dd>
            <Freshness freshness={rule.freshness} asOf={rule.as_of} />
          </dd>
        </div>
        <div>
          <dt>{rule.sources.length === 1 ? "Source" : "Sources"}</dt>
          <dd>{rule.sources.join(" · ") || "none named"}</dd>
        </div>
      </dl>
      <div className={css.foot}>
        {note && <span className={css.note}>{note}</span>}
        <span>Not legal advice.</span>
        <span className={css.id}>{rule.id}</span>
      </div>
    </article>
  );
}

export function jurisdiction(code: string): string {
  return code === "EU" ? "European Union" : countryName(code);
}
