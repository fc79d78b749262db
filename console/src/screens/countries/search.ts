import { fields, flag, oneOf } from "@/frame/url";

export const search = fields({
  view: oneOf("stance", "trend", "clocks"),
  stance: oneOf("prohibited", "restricted", "conditional", "unknown", "carrier_policy", "permissive"),
  confidence: oneOf("high", "medium", "low"),
  trend: oneOf("tightening", "stable", "loosening", "unknown"),
  present: flag,
  contradictory: flag,
  within_days: oneOf("0", "7", "30", "90"),
  weeks: oneOf("13", "26", "52"),
});
export type Url = ReturnType<typeof search>;
