// Country shapes by ISO 3166 alpha-2, from world-atlas (Natural Earth, public domain). Antarctica is left out.
import iso from "iso-3166-1";
import { feature } from "topojson-client";
import type { GeometryCollection, Topology } from "topojson-specification";
import atlas from "world-atlas/countries-110m.json";
import { registerMap } from "./echarts";

const KOSOVO = "XK"; // drawn, but without a number
const topology = atlas as unknown as Topology<{ countries: GeometryCollection<{ name: string }> }>;

export const shapes = feature(topology, topology.objects.countries);
shapes.features = shapes.features.filter((one) => one.id !== "010");
for (const one of shapes.features) {
  const code = one.id === undefined ? (one.properties.name === "Kosovo" ? KOSOVO : "") : (iso.whereNumeric(String(one.id))?.alpha2 ?? "");
  one.properties = { name: code || one.properties.name };
}

export const drawn = new Set(shapes.features.map((one) => one.properties.name));

registerMap("world", shapes as never);
