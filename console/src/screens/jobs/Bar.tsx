// How far a job is: a bar where its end is known, and always in words.
import type { Job } from "@/api/queries";
import { useFormat } from "@/frame/format";
import { toneOf } from "@/parts";
import css from "./jobs.module.css";

export function Bar({ job, wide }: { job: Job; wide?: boolean }) {
  const format = useFormat();
  const share = job.state === "done" ? 1 : job.total ? Math.min(1, job.done / job.total) : null;
  const words = job.total ? `${format.number(job.done)} of ${format.number(job.total)}` : job.state === "running" ? `${format.number(job.done)} so far` : format.number(job.done);
  return (
    <div className={css.progress} data-wide={wide || undefined}>
      <div className={css.bar} role="progressbar" aria-label={`${job.kind}: ${words}`} aria-valuenow={share === null ? undefined : Math.round(share * 100)} aria-valuemin={0} aria-valuemax={100} data-unknown={(share === null && job.state === "running") || undefined}>
        <span style={{ width: `${(share ?? (job.state === "running" ? 0.3 : 0)) * 100}%`, background: `var(--fl-${job.state === "running" ? "info" : toneOf(job.state)})` }} />
      </div>
      <span className={css.words}>
        {words}
        {wide && share !== null && ` · ${format.percent(share)}`}
      </span>
    </div>
  );
}
