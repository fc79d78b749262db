import { fields, oneOf, text } from "@/frame/url";

export const search = fields({
  action: text,
  actor: text,
  subject_kind: text,
  subject_id: text,
  change: text,
  since: text,
  until: text,
  line: text, // the line that is open
  at: text, // its instant: finds it again by a link, however old
  show: oneOf("verify", "export", "keys"),
  job: text, // a verification that runs
});
export type Url = ReturnType<typeof search>;
export type Filter = Pick<Url, "action" | "actor" | "subject_kind" | "subject_id" | "change" | "since" | "until">;
