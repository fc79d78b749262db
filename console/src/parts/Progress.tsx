// How far a Change is: its moves by state, as one bar and in words.
import { useFormat } from "@/frame/format";
import type { Tone } from "@/frame/theme";
import css from "./plan.module.css";
import { toneStyle } from "./tone";

const PARTS: { states: string[]; tone: Tone; word: string }[] = [
  { states: ["verified"], tone: "ok", word: "verified" },
  { states: ["failed", "stuck"], tone: "bad", word: "failed" },
  { states: ["undone"], tone: "warn", word: "taken back" },
  { states: ["undoing"], tone: "info", word: "going back" },
  { states: ["running"], tone: "move", word: "under way" },
  { states: ["waiting"], tone: "idle", word: "waiting" },
  { states: ["superseded"], tone: "idle", word: "superseded" },
];

/** `moves`: a Change's moves by state, as the API counts them. `bare`: on one line, for a table; `first`: said before the words, in place of the sum. */
export function Progress({ moves, bare, first }: { moves: Record<string, number>; bare?: boolean; first?: string }) {
  const format = useFormat();
  const total = Object.values(moves).reduce((sum, n) => sum + n, 0);
  if (total === 0) return <span className={css.progressWords}>{first ?? "no move yet"}</span>;
  const parts = PARTS.map((part) => ({ ...part, n: part.states.reduce((sum, state) => sum + (moves[state] ?? 0), 0) })).filter((part) => part.n > 0);
  const words = parts.map((part) => `${format.number(part.n)} ${part.word}`).join(" · ");
  return (
    <div style={bare ? { display: "grid", gridTemplateColumns: "minmax(3rem, 5rem) 1fr", alignItems: "center", gap: "0.625rem" } : { display: "grid", gap: "0.375rem" }}>
      <div className={css.progress} role="img" aria-label={`${words}, of ${format.number(total)}`}>
        {parts.map((part) => (
          <span key={part.word} style={{ ...toneStyle(part.tone), flexGrow: part.n, flexBasis: 0 }} />
        ))}
      </div>
      <span className={css.progressWords} style={bare ? { overflow: "hidden", textOverflow: "ellipsis" } : undefined}>
        {first !== undefined && `${first} · `}
        {words}
        {!bare && first === undefined && ` · ${format.number(total)} in all`}
      </span>
    </div>
  );
}
