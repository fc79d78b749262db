import { fields, text } from "@/frame/url";

/** `kind` filters the list; `new` is the kind of a policy that is being written here. */
export const search = fields({ kind: text, new: text, from: text });
