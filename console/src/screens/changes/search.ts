import { fields, flag, oneOf } from "@/frame/url";

export const STATES = ["planned", "approved", "running", "paused", "standing", "settled", "closed", "aborted", "draft"] as const;

export const search = fields({ state: oneOf(...STATES), open: flag, tab: oneOf("changes", "plans") });
