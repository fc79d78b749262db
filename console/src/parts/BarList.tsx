// Words with counts, the largest first, each with a short bar: for a panel, where a chart would be too much.
import type { ReactNode } from "react";
import { useFormat } from "@/frame/format";
import type { Tone } from "@/frame/theme";
import css from "./plan.module.css";
import { toneStyle } from "./tone";

export interface Bar {
  key: string;
  name: ReactNode;
  value: number;
  tone?: Tone;
}

/** `most`: how many are shown; the rest is counted in one line. */
export function BarList({ label, bars, most = 8 }: { label: string; bars: Bar[]; most?: number }) {
  const format = useFormat();
  const sorted = [...bars].sort((a, b) => b.value - a.value);
  const largest = Math.max(1, ...sorted.map((one) => one.value));
  const rest = sorted.slice(most);
  return (
    <div className={css.barBox}>
      <h3 className={css.barTitle}>{label}</h3>
      {sorted.length === 0 && <span className="fl-dim">nothing</span>}
      <ul className={css.bars} aria-label={label}>
        {sorted.slice(0, most).map((one) => (
          <li key={one.key} className={css.bar} style={toneStyle(one.tone ?? "info")}>
            <span className={css.barName}>{one.name}</span>
            <span className={css.barTrack} aria-hidden>
              <span className={css.barFill} style={{ width: `${(100 * one.value) / largest}%` }} />
            </span>
            <span className={css.barValue}>{format.number(one.value)}</span>
          </li>
        ))}
      </ul>
      {rest.length > 0 && (
        <p className={css.barRest}>
          and {format.number(rest.length)} more with {format.number(rest.reduce((sum, one) => sum + one.value, 0))}
        </p>
      )}
    </div>
  );
}
