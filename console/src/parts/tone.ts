import type { CSSProperties } from "react";
import type { Tone } from "@/frame/theme";

/** A tone as the three variables that style sheets of parts use. */
export function toneStyle(tone: Tone): CSSProperties {
  return { "--tone": `var(--fl-${tone})`, "--tone-text": `var(--fl-${tone}-text)`, "--tone-soft": `var(--fl-${tone}-soft)` } as CSSProperties;
}
