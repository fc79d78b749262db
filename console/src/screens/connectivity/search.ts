import { fields, flag, oneOf, text, whole } from "@/frame/url";

export const STATES = ["inventory", "test", "ready", "active", "standby", "suspended", "deactivated", "terminated", "unknown"] as const;
export const CONNECTIVITY = ["online", "attached", "offline", "blocked", "unknown"] as const;
export const FORM_FACTORS = ["2FF", "3FF", "4FF", "MFF2", "iSIM", "softSIM"] as const;
export const SILENCES = ["heard", "silent", "never_seen", "unknown"] as const;
export const TECHNOLOGIES = ["uicc", "euicc", "iuicc", "softsim"] as const;

// Filters have the same names as the API's parameters of `GET /v1/subscriptions`.
export const search = fields({
  tab: oneOf("sims", "carriers", "bulk", "register", "baseline", "outages"),
  by: oneOf("group", "country", "carrier", "core", "all"), // of availability
  within: oneOf("24h", "7d", "30d"), // of availability
  q: text,
  carrier: text,
  state: oneOf(...STATES),
  plan: text,
  connectivity: oneOf(...CONNECTIVITY),
  form_factor: oneOf(...FORM_FACTORS),
  technology: oneOf(...TECHNOLOGIES),
  remote: oneOf("changeable", "swap_needed"),
  country: text,
  multi_imsi: flag,
  silence: oneOf(...SILENCES),
  silent_days: whole, // with silence, and of the baseline
  device: text,
  account: text, // whose record the register shows whole
  change: text, // a Change that was asked for here: its results are shown row by row
});
