import { fields, text } from "@/frame/url";

export const search = fields({ tab: text });
