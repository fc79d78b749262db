import { fields, oneOf, text } from "@/frame/url";

export const STATES = ["inventory", "test", "ready", "active", "standby", "suspended", "deactivated", "terminated", "unknown"] as const;
export const CONNECTIVITY = ["online", "attached", "offline", "blocked", "unknown"] as const;
export const FORM_FACTORS = ["2FF", "3FF", "4FF", "MFF2", "iSIM", "softSIM"] as const;
export const TECHNOLOGIES = ["uicc", "euicc", "iuicc", "softsim"] as const;

// Filters have the same names as the API's parameters of `GET /v1/subscriptions`.
export const search = fields({
  tab: oneOf("sims", "carriers", "bulk"),
  q: text,
  carrier: text,
  state: oneOf(...STATES),
  plan: text,
  connectivity: oneOf(...CONNECTIVITY),
  form_factor: oneOf(...FORM_FACTORS),
  technology: oneOf(...TECHNOLOGIES),
  remote: oneOf("changeable", "swap_needed"),
  country: text,
  device: text,
  change: text, // a Change that was asked for here: its results are shown row by row
});
