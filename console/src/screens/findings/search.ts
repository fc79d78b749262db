import { fields, oneOf, text } from "@/frame/url";
import { FINDING_KINDS, SUBJECT_KINDS } from "@/api/findings";

/** Without a state: those that are not closed. */
export const search = fields({
  state: oneOf("open", "acknowledged", "closed", "any"),
  severity: oneOf("critical", "warning", "info"),
  kind: oneOf(...FINDING_KINDS),
  subject_kind: oneOf(...SUBJECT_KINDS),
  subject_id: text,
});
