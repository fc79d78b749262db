import { fields, oneOf, text } from "@/frame/url";

export const FINDING_KINDS = ["carrier-outage", "core-outage", "profile-outage", "usage-rule", "shipment", "policy-collision"] as const;
export const SUBJECT_KINDS = ["tenant", "account", "carrier", "core", "country", "group", "device", "subscription", "policy", "shipment"] as const;
export const SEVERITIES = ["critical", "warning", "info"] as const;

/** Without a state: those that are not closed. */
export const search = fields({
  state: oneOf("open", "acknowledged", "closed", "any"),
  severity: oneOf(...SEVERITIES),
  kind: oneOf(...FINDING_KINDS),
  subject_kind: oneOf(...SUBJECT_KINDS),
  subject_id: text,
});
