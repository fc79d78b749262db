import { fields, oneOf } from "@/frame/url";

export const search = fields({ state: oneOf("running", "done", "failed", "cancelled") });
