import { fields, oneOf } from "@/frame/url";

export const STATES = ["planned", "approved", "running", "paused", "standing", "settled", "closed", "aborted", "draft"] as const;

export const search = fields({ state: oneOf(...STATES), tab: oneOf("changes", "plans") });
