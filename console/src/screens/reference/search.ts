import { fields, oneOf, text } from "@/frame/url";

export const search = fields({
  tab: oneOf("tables", "rules", "facts"),
  q: text,
  table: text,
  jurisdiction: text,
  topic: text,
  stance: text,
  kind: text,
  confidence: oneOf("high", "medium", "low"),
  freshness: oneOf("green", "amber", "red"),
  context: text,
});
export type Url = ReturnType<typeof search>;
