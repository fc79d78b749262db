// One question and its answer: state, figure, a small chart where it says more, a sentence, its age, and where to look.
import { IconArrowRight } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { useFormat } from "@/frame/format";
import { parseSearch } from "@/frame/url";
import type { Tone } from "@/frame/theme";
import { Age, StateBadge } from "@/parts";
import css from "./home.module.css";
import type { Answer, State } from "./queries";

export const TONE: Record<State, Tone> = { ok: "ok", warn: "warn", bad: "bad", unknown: "idle", not_built: "idle" };
const WORD: Record<State, string> = { ok: "fine", warn: "look at it", bad: "act on it", unknown: "not known", not_built: "not built yet" };
const AREA: Record<string, string> = { fleet: "Fleet", countries: "Countries", changes: "Changes", connectivity: "Connectivity", findings: "Findings", policies: "Policies", journal: "Journal" };

interface Props {
  question: string;
  answer: Answer;
  now: string;
  /** Instead of the headline. */
  figure?: ReactNode;
  children?: ReactNode;
}

export function Card({ question, answer, now, figure, children }: Props) {
  const { state, headline, sentence, age_s, link } = answer;
  const area = AREA[link.screen];
  return (
    <section className={css.card} data-state={state} aria-label={question}>
      <header className={css.head}>
        <h2>{question}</h2>
        <StateBadge state={state === "unknown" ? null : state} tone={TONE[state]} label={WORD[state]} />
      </header>
      <div className={css.body}>
        {figure ?? <Headline headline={headline} state={state} />}
        <p className={css.sentence}>{sentence}</p>
        {children && <div className={css.more}>{children}</div>}
      </div>
      <footer className={css.foot}>
        <span>{state === "not_built" || answer.needs || (age_s === null && headline.value === null) ? "" : age_s === null ? "asked just now" : <Age at={new Date(Date.parse(now) - age_s * 1_000).toISOString()} what="Counted" />}</span>
        {area && (
          <Link to={`/${link.screen}` as "/fleet"} search={parseSearch(link.query)} className={css.look} aria-label={`Look further in ${area}: ${question}`}>
            Look further in {area} <IconArrowRight size={13} aria-hidden />
          </Link>
        )}
      </footer>
    </section>
  );
}

function Headline({ headline, state }: { headline: Answer["headline"]; state: State }) {
  const format = useFormat();
  if (state === "not_built") return null;
  const { value, unit } = headline;
  if (value === null) return <div className={css.figure}><span className={css.none}>–</span></div>;
  return (
    <div className={css.figure}>
      {typeof value === "number" ? format.number(value) : format.money(value, "")} <span className={css.unit}>{value === 1 ? unit.replace(/s$/, "") : unit}</span>
    </div>
  );
}

export interface Share {
  name: string;
  value: number;
  tone: Tone;
  /** Where these are listed. */
  to?: { screen: "/fleet" | "/changes"; search: Record<string, string> };
}

/** Parts of a whole as one bar, with their names and numbers. */
export function Shares({ parts, label }: { parts: Share[]; label: string }) {
  const format = useFormat();
  const shown = parts.filter((one) => one.value > 0);
  if (shown.length === 0) return null;
  return (
    <div className={css.shares} role="group" aria-label={label}>
      <span className={css.bar} aria-hidden>
        {shown.map((one) => (
          <span key={one.name} style={{ flexGrow: one.value, background: `var(--fl-${one.tone})` }} />
        ))}
      </span>
      <ul>
        {shown.map((one) => {
          const body = (
            <>
              <span className={css.dot} style={{ background: `var(--fl-${one.tone})` }} aria-hidden />
              {one.name} <b>{format.number(one.value)}</b>
            </>
          );
          return <li key={one.name}>{one.to ? <Link to={one.to.screen} search={one.to.search}>{body}</Link> : body}</li>;
        })}
      </ul>
    </div>
  );
}
