import { fields, text } from "@/frame/url";

export const search = fields({ action: text, actor: text, subject_kind: text, subject_id: text, change: text, since: text, until: text });
