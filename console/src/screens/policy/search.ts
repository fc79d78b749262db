import { fields, oneOf, text, whole } from "@/frame/url";

export const search = fields({
  tab: oneOf("now", "history", "devices", "countries", "accounts", "edit"),
  /** Two revisions side by side. */
  left: whole,
  right: whole,
  /** In what relation to the policy devices are listed. */
  standing: oneOf("in_force", "waiting_in", "waiting_out", "barred", "held_out"),
  /** The device whose resolved chain is asked for. */
  device: text,
});
