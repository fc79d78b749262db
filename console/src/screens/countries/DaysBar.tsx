// Days left as one bar: what is past the limit at the left, what has no clock at the right.
import { useFormat } from "@/frame/format";
import css from "./countries.module.css";
import { BUCKETS, type There } from "./days";

export function DaysBar({ here, thick }: { here: There; thick?: boolean }) {
  const format = useFormat();
  const parts = BUCKETS.filter(({ key }) => (here[key] ?? 0) > 0);
  if (parts.length === 0) return <span className="fl-dim">–</span>;
  const said = parts.map(({ key, name }) => `${format.number(here[key] ?? 0)} ${name}`).join(", ");
  return (
    <span className={css.days} data-thick={thick || undefined} role="img" aria-label={said} title={said}>
      {parts.map(({ key, tone, solid }) => (
        <span key={key} data-none={key === "no_clock" || undefined} style={{ flexGrow: here[key] ?? 0, background: key === "no_clock" ? undefined : `var(--fl-${tone})`, opacity: solid || tone !== "bad" ? 1 : 0.6 }} />
      ))}
    </span>
  );
}
