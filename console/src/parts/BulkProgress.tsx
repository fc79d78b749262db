// How far a bulk action is: its lines by the state of their operation, as one bar and in words.
import { useFormat } from "@/frame/format";
import type { Tone } from "@/frame/theme";
import css from "./plan.module.css";
import { toneStyle } from "./tone";

const PARTS: { states: string[]; tone: Tone; word: string }[] = [
  { states: ["verified"], tone: "ok", word: "came true" },
  { states: ["refused"], tone: "bad", word: "refused" },
  { states: ["failed", "expired"], tone: "bad", word: "failed" },
  { states: ["unknown"], tone: "warn", word: "unknown" },
  { states: ["superseded"], tone: "idle", word: "dropped" },
  { states: ["dispatched", "delivered", "acknowledged"], tone: "move", word: "under way" },
  { states: ["pending"], tone: "idle", word: "not asked yet" },
];

/** `bare`: on one line, for a table. */
export function BulkProgress({ counts, bare }: { counts: Record<string, number>; bare?: boolean }) {
  const format = useFormat();
  const total = Object.values(counts).reduce((sum, n) => sum + n, 0);
  if (total === 0) return <span className={css.progressWords}>no line</span>;
  const parts = PARTS.map((part) => ({ ...part, n: part.states.reduce((sum, state) => sum + (counts[state] ?? 0), 0) })).filter((part) => part.n > 0);
  const words = parts.map((part) => `${format.number(part.n)} ${part.word}`).join(" · ");
  return (
    <div style={bare ? { display: "grid", gridTemplateColumns: "minmax(3rem, 5rem) minmax(0, 1fr)", alignItems: "center", gap: "0.625rem" } : { display: "grid", gap: "0.375rem" }}>
      <div className={css.progress} role="img" aria-label={`${words}, of ${format.number(total)} lines`}>
        {parts.map((part) => (
          <span key={part.word} style={{ ...toneStyle(part.tone), flexGrow: part.n, flexBasis: 0, opacity: part.word === "not asked yet" ? 0.35 : undefined }} />
        ))}
      </div>
      <span className={css.progressWords} title={bare ? words : undefined} style={bare ? { overflow: "hidden", textOverflow: "ellipsis" } : undefined}>
        {words}
        {!bare && ` · ${format.number(total)} ${total === 1 ? "line" : "lines"} in all`}
      </span>
    </div>
  );
}
