// A state as colour and word; an age as words with the exact instant behind it.
import { Tooltip } from "@mantine/core";
import type { ReactNode } from "react";
import { useHouseNow } from "@/api/clock";
import type { Result } from "@/api/results";
import { span, useFormat } from "@/frame/format";
import type { Tone } from "@/frame/theme";
import css from "./parts.module.css";
import { toneOf, wordsOf } from "./states";
import { toneStyle } from "./tone";

interface StateProps {
  /** The API's word; its tone comes from `states.ts`. Null is shown as "unknown". */
  state: string | null | undefined;
  /** Where the word alone does not say it. */
  label?: ReactNode;
  tone?: Tone;
  /** A sentence behind it. */
  hint?: string;
  /** No background: for dense tables. */
  plain?: boolean;
}

export function StateBadge({ state, label, tone, hint, plain }: StateProps) {
  const badge = (
    <span className={css.badge} style={toneStyle(tone ?? toneOf(state))} data-hollow={state == null || undefined} data-plain={plain || undefined} tabIndex={hint ? 0 : undefined}>
      {label ?? wordsOf(state)}
    </span>
  );
  return hint ? <Tooltip label={hint}>{badge}</Tooltip> : badge;
}

interface AgeProps {
  /** An instant of the API; null means never. */
  at: string | null | undefined;
  /** From when on it is shown as old. */
  oldAfterS?: number;
  /** Said in the tooltip before the instant: "seen by the carrier". */
  what?: string;
  never?: string;
  zone?: string | null;
}

export function Age({ at, oldAfterS, what, never = "never", zone }: AgeProps) {
  const now = useHouseNow();
  const format = useFormat(zone);
  if (!at) return <span className={css.age}>{never}</span>;
  const seconds = (now - Date.parse(at)) / 1000;
  const words = seconds >= -5 ? (seconds < 5 ? "just now" : `${span(seconds)} ago`) : `in ${span(-seconds)}`;
  return (
    <Tooltip label={`${what ? `${what}: ` : ""}${format.exact(at)}`}>
      <time dateTime={at} className={css.age} data-old={(oldAfterS !== undefined && seconds > oldAfterS) || undefined}>
        {words}
      </time>
    </Tooltip>
  );
}

/** An instant in the viewer's zone, its age in the tooltip. */
export function Instant({ at, zone, never = "–" }: { at: string | null | undefined; zone?: string | null; never?: string }) {
  const now = useHouseNow();
  const format = useFormat(zone);
  if (!at) return <span className={css.none}>{never}</span>;
  const seconds = (now - Date.parse(at)) / 1000;
  return (
    <Tooltip label={`${format.exact(at)} · ${seconds >= 0 ? `${span(seconds)} ago` : `in ${span(-seconds)}`}`}>
      <time dateTime={at}>{format.instant(at)}</time>
    </Tooltip>
  );
}

/** Days left on a roaming clock: words and a tone that gets louder. */
export function DaysLeft({ at }: { at: string | null | undefined }) {
  const now = useHouseNow();
  if (!at) return <span className={css.none}>no clock</span>;
  const days = Math.max(0, Math.ceil((Date.parse(at) - now) / 86_400_000));
  const tone: Tone = days === 0 ? "bad" : days <= 7 ? "bad" : days <= 30 ? "warn" : days <= 90 ? "info" : "idle";
  return <StateBadge state="" tone={tone} label={days === 0 ? "breached" : days === 1 ? "1 day left" : `${days} days left`} plain={days > 90} />;
}

/** What became of a row in the Change that was asked for on this screen; why, behind it. */
export function Became({ result }: { result: Result | undefined }) {
  if (!result) return <span className={css.none}>–</span>;
  return <StateBadge state={result.state} plain hint={result.outcome && result.outcome !== result.state ? result.outcome : undefined} />;
}
