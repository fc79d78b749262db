// The four questions of every change and operation: delivered? acknowledged? confirmed? can it be rolled back?
import { Tooltip } from "@mantine/core";
import { IconCheck, IconClock, IconMinus, IconX } from "@tabler/icons-react";
import type { Tone } from "@/frame/theme";
import css from "./parts.module.css";
import { toneStyle } from "./tone";

export type Answer = "yes" | "no" | "waiting" | "none";
export interface Tick {
  answer: Answer;
  words: string; // "1,204 of 1,310"
}
export interface Ticks {
  delivered: Tick;
  acknowledged: Tick;
  confirmed: Tick;
  rollback: Tick;
}

const QUESTIONS: [keyof Ticks, string][] = [
  ["delivered", "Delivered"],
  ["acknowledged", "Acknowledged"],
  ["confirmed", "Confirmed by facts"],
  ["rollback", "Can be rolled back"],
];
const TONE: Record<Answer, Tone> = { yes: "ok", no: "bad", waiting: "move", none: "idle" };
const WORD: Record<Answer, string> = { yes: "yes", no: "no", waiting: "not yet", none: "nothing to say" };
const MARK = { yes: IconCheck, no: IconX, waiting: IconClock, none: IconMinus };

/** `size`: compact (four marks in a table cell), row, large (a card each). */
export function FourTicks({ ticks, size = "row" }: { ticks: Ticks; size?: "compact" | "row" | "large" }) {
  return (
    <ul className={css.ticks} data-compact={size === "compact" || undefined} data-large={size === "large" || undefined} aria-label="The four questions">
      {QUESTIONS.map(([key, question]) => {
        const { answer, words } = ticks[key];
        const Mark = MARK[answer];
        const said = `${question}? ${WORD[answer]}${words ? ` (${words})` : ""}`;
        return (
          <li key={key} className={css.tick}>
            <Tooltip label={said} disabled={size === "large"}>
              <span className={css.tickMark} style={toneStyle(TONE[answer])} role="img" aria-label={said}>
                <Mark size={11} stroke={3} aria-hidden />
              </span>
            </Tooltip>
            {size !== "compact" && (
              <span>
                {question} <span className={css.tickWords}>{words || WORD[answer]}</span>
              </span>
            )}
          </li>
        );
      })}
    </ul>
  );
}

function share(value: unknown, number: (n: number) => string): Tick {
  const { yes = 0, of = 0 } = (value ?? {}) as { yes?: number; of?: number };
  if (of === 0) return { answer: "none", words: "no operation yet" };
  return { answer: yes >= of ? "yes" : "waiting", words: `${number(yes)} of ${number(of)}` };
}

/** The ticks of a Change's `questions`. `ended`: what is not there now will not come. */
export function ticksOfChange(questions: Record<string, unknown>, number: (n: number) => string, ended = false): Ticks {
  const back = (questions.can_be_rolled_back ?? {}) as { moves?: number };
  const began = ((questions.delivered ?? {}) as { of?: number }).of || back.moves;
  const read = (name: string): Tick => {
    const tick = share(questions[name], number);
    return ended && tick.answer === "waiting" ? { ...tick, answer: "no" } : tick;
  };
  return {
    delivered: read("delivered"),
    acknowledged: read("acknowledged"),
    confirmed: read("confirmed"),
    rollback: !began ? { answer: "none", words: "nothing has moved" } : back.moves ? { answer: "yes", words: `${number(back.moves)} moves` } : { answer: "no", words: "nothing to take back" },
  };
}

const REACHED: Record<string, number> = { pending: 0, dispatched: 0, unknown: 0, delivered: 1, acknowledged: 2, verified: 3 };
const ENDED_BADLY = new Set(["failed", "refused", "expired"]);

/** The ticks of one operation. `undo`: exact, forward-only or none. */
export function ticksOfOperation(state: string, undo?: string | null): Ticks {
  const reached = REACHED[state] ?? 0;
  const tick = (step: number): Tick => {
    if (reached >= step) return { answer: "yes", words: "" };
    if (ENDED_BADLY.has(state)) return { answer: "no", words: state };
    if (state === "superseded") return { answer: "none", words: "superseded" };
    return { answer: "waiting", words: state === "unknown" ? "outcome unknown" : "" };
  };
  return {
    delivered: tick(1),
    acknowledged: tick(2),
    confirmed: tick(3),
    rollback: state === "refused" ? { answer: "none", words: "nothing was done" } : undo == null ? { answer: "none", words: "" } : undo === "exact" ? { answer: "yes", words: "exactly" } : { answer: "no", words: undo },
  };
}
