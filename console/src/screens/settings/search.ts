import { fields, oneOf } from "@/frame/url";

export const search = fields({ part: oneOf("tenant", "people", "roles", "tokens", "provider", "carriers", "rules", "me", "preferences", "clock", "about") });
