import { fields, list, oneOf, text } from "@/frame/url";

export const search = fields({
  tab: oneOf("now", "time", "why", "sessions", "identity"),
  facet: text, // whose documents are shown in full
  kinds: list, // of the timeline
  entry: text, // of the timeline: its causes and what followed are marked
  change: text, // a Change that was asked for here
});
