// What happened, newest first, one line a moment.
import type { ReactNode } from "react";
import type { Tone } from "@/frame/theme";
import { Instant } from "./Badges";
import css from "./parts.module.css";
import { toneStyle } from "./tone";

export interface Moment {
  id: string;
  at: string;
  title: ReactNode;
  detail?: ReactNode;
  tone?: Tone;
}

export function Timeline({ moments, zone, label }: { moments: Moment[]; zone?: string | null; label: string }) {
  return (
    <ol className={css.timeline} aria-label={label}>
      {moments.map((moment) => (
        <li key={moment.id} className={css.moment}>
          <span className={css.momentTime}>
            <Instant at={moment.at} zone={zone} />
          </span>
          <span className={css.momentDot} style={toneStyle(moment.tone ?? "idle")} aria-hidden />
          <div className={css.momentBody}>
            {moment.title}
            {moment.detail && <div className={css.momentDetail}>{moment.detail}</div>}
          </div>
        </li>
      ))}
    </ol>
  );
}
