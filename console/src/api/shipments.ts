// Shipments: devices that leave for a country. Shapes, queries, and who may do what (docs/nouns/shipment.md).
import { queryOptions } from "@tanstack/react-query";
import { api, ok, type Schemas } from "./client";
import { useMay, useSession } from "./queries";

export type Shipment = Schemas["ShipmentShown"];
export type ShipmentWhole = Schemas["ShipmentWhole"];
export type ShipmentLine = Schemas["ConsignmentShown"];
export type ShipmentReason = Schemas["ReasonShown"];
export type ShippedDevice = Schemas["ShippedShown"];

export const SHIPMENT_STATES = ["draft", "refused", "ready", "left", "arrived", "cancelled"] as const;
export const WHEREABOUTS = ["arrived", "elsewhere", "unseen"] as const;

export const shipmentQuery = (id: string) =>
  queryOptions({
    queryKey: ["shipments", "one", id],
    queryFn: () => ok(api.GET("/v1/shipments/{shipment}", { params: { path: { shipment: id } } })),
    refetchInterval: (query) => (query.state.data?.state === "left" ? 30_000 : false), // arrival is counted when somebody looks
  });

export const shipmentsPage = (state: Shipment["state"] | undefined, cursor: string | undefined) => ok(api.GET("/v1/shipments", { params: { query: { state, cursor, limit: 100 } } }));

export const shippedPage = (id: string, whereabouts: ShippedDevice["whereabouts"] | undefined, line: number | undefined, cursor: string | undefined) =>
  ok(api.GET("/v1/shipments/{shipment}/devices", { params: { path: { shipment: id }, query: { whereabouts, line, cursor, limit: 200 } } }));

/** Why the person may not; undefined where they may. A shipment belongs to the whole tenant. */
export function useMayShip(permission: string): string | undefined {
  const session = useSession();
  const forbidden = useMay(permission);
  return forbidden ?? (session.departments.length > 0 ? `it is the whole tenant’s, and you are bound to ${session.departments.join(", ")}` : undefined);
}

/** What stops it, of the whole and of its lines, each kind once. */
export function stopping(shipment: ShipmentWhole): ShipmentReason[] {
  const found = [...shipment.reasons, ...shipment.lines.flatMap((line) => line.reasons)].filter((one) => one.stops);
  return [...new Map(found.map((one) => [`${one.code}:${one.about}`, one])).values()];
}
