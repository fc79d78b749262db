import { SHIPMENT_STATES } from "@/api/shipments";
import { fields, oneOf } from "@/frame/url";

export const search = fields({ state: oneOf(...SHIPMENT_STATES) });
