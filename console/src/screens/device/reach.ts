// How the eight facets are read: their names, what of a document fits a line, and how far each is.
import type { Schemas } from "@/api/client";
import type { Tone } from "@/frame/theme";

export type Facet = Schemas["FacetShown"];

export const FACETS: { facet: string; name: string; keys: string[] }[] = [
  { facet: "network", name: "Active profile", keys: ["carrier", "method", "iccid", "apn", "slot"] },
  { facet: "config", name: "Configuration", keys: ["version"] },
  { facet: "firmware", name: "Firmware", keys: ["version"] },
  { facet: "flags", name: "Feature flags", keys: [] },
  { facet: "credential", name: "Credential", keys: ["kind", "not_after"] },
  { facet: "traffic", name: "Traffic posture", keys: ["posture", "mode"] },
  { facet: "subscription", name: "Subscription", keys: ["state", "plan"] },
  { facet: "life", name: "Life", keys: ["state", "wipe", "subscription"] },
];

export interface Word {
  name: string;
  value: string;
}

/** The few words of a document that fit a line: its known keys first, then the others. */
export function words(document: unknown, keys: string[], most = 3): { shown: Word[]; more: number } {
  if (document === null || document === undefined) return { shown: [], more: 0 };
  if (typeof document !== "object" || Array.isArray(document)) return { shown: [{ name: "", value: JSON.stringify(document) }], more: 0 };
  const entries = Object.entries(document as Record<string, unknown>).filter(([, value]) => value !== null);
  const place = (name: string) => (keys.includes(name) ? keys.indexOf(name) : keys.length);
  entries.sort(([a], [b]) => place(a) - place(b));
  return {
    shown: entries.slice(0, most).map(([name, value]) => ({ name, value: typeof value === "string" ? value : JSON.stringify(value) })),
    more: Math.max(0, entries.length - most),
  };
}

export interface Reach {
  word: string;
  tone: Tone;
  hint: string;
}

/** How far a facet is, from what the API says of it: `move`, `in_sync` and `proved`. */
export function reachOf(facet: Facet | undefined, seenElsewhere = false): Reach {
  if (!facet && seenElsewhere) return { word: "not managed", tone: "idle", hint: "No policy sets it; the inventory or the carrier says what is so" };
  if (!facet) return { word: "nothing known", tone: "idle", hint: "No policy sets it, and the device has reported nothing of it" };
  if (facet.move) {
    const words = facet.move.direction === "back" ? "going back" : "under way";
    return { word: words, tone: "move", hint: `Step ${facet.move.step} of ${facet.move.of} of its Change; the move is ${facet.move.state}` };
  }
  if (facet.desired === null || facet.desired === undefined) return { word: "not managed", tone: "idle", hint: "No policy sets it: what the device reports is shown, and left as it is" };
  const generations = `Generation ${facet.generation} is wanted, ${facet.offered_generation} was offered, ${facet.observed_generation} is what the device has`;
  if (facet.in_sync && facet.proved) return { word: "verified", tone: "ok", hint: `Generation ${facet.generation} is there, and it was proved` };
  if (facet.proved) return { word: "drifted", tone: "bad", hint: `It was proved, and the device has since reported something else. ${generations}` };
  if (facet.in_sync) return { word: "shown, not proved", tone: "info", hint: `The device shows it; no fact has proved it yet. ${generations}` };
  if (facet.offered_generation >= facet.generation) return { word: "offered", tone: "move", hint: `The device was offered it and has not taken it yet. ${generations}` };
  return { word: "behind", tone: "warn", hint: generations };
}
