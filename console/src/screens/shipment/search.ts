import { WHEREABOUTS } from "@/api/shipments";
import { fields, oneOf, whole } from "@/frame/url";

export const search = fields({ whereabouts: oneOf(...WHEREABOUTS), line: whole });
