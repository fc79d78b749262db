import { fields, oneOf, text, whole } from "@/frame/url";

export const MOVE_STATES = ["waiting", "running", "verified", "failed", "undoing", "undone", "superseded", "stuck"] as const;
export const OPERATION_STATES = ["pending", "dispatched", "delivered", "acknowledged", "verified", "failed", "refused", "expired", "superseded", "unknown"] as const;

export const search = fields({
  tab: oneOf("story", "impact", "moves", "operations", "waves"),
  // of the moves
  state: oneOf(...MOVE_STATES),
  wave: whole,
  stage: whole,
  country: text,
  carrier: text,
  // of the operations
  outcome: oneOf(...OPERATION_STATES),
  // the device whose share is opened
  device: text,
});
