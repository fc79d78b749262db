import { fields, oneOf } from "@/frame/url";

export const search = fields({ tab: oneOf("now", "why", "sessions", "identity") });
