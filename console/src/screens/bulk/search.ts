import { LINE_STATES } from "@/api/bulk";
import { fields, oneOf, text } from "@/frame/url";

export const search = fields({
  state: oneOf(...LINE_STATES),
  line: text, // the line that is open beside the table, by its operation
});
