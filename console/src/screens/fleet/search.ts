import { fields, flag, oneOf, text } from "@/frame/url";

// The same names as the API's parameters: a filter of the console is a filter of `GET /v1/devices`.
export const search = fields({
  q: text,
  country: text,
  carrier: text,
  sku: text,
  group: text,
  region: text,
  batch: text,
  state: oneOf("manufactured", "bootstrapped", "active", "quarantined", "retired"),
  stance: oneOf("prohibited", "restricted", "conditional", "unknown", "carrier_policy", "permissive", "mandatory"),
  connectivity: oneOf("online", "attached", "offline", "blocked", "unknown"),
  roaming: flag,
  breach_before: text,
  change: text, // a Change that was asked for here: its results are shown row by row
});
