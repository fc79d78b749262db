// Country shapes by ISO 3166 alpha-2, from world-atlas (Natural Earth, public domain). Antarctica is left out. What is
// too small to be drawn or found gets a dot, which is a shape like any other: it is coloured, told and clicked the same.
import type { MultiPolygon, Polygon, Position } from "geojson";
import iso from "iso-3166-1";
import { feature } from "topojson-client";
import type { GeometryCollection, Topology } from "topojson-specification";
import atlas from "world-atlas/countries-110m.json";
import { ASPECT, PLACES, RADIUS } from "virtual:small-places";
import { registerMap } from "./echarts";

const ANTARCTICA = "010";
const KOSOVO = "XK"; // drawn, but without a number
const topology = atlas as unknown as Topology<{ countries: GeometryCollection<{ name: string }> }>;

const shapes = feature(topology, topology.objects.countries);
shapes.features = shapes.features.filter((one) => one.id !== ANTARCTICA);
for (const one of shapes.features) {
  const code = one.id === undefined ? (one.properties.name === "Kosovo" ? KOSOVO : "") : (iso.whereNumeric(String(one.id))?.alpha2 ?? "");
  one.properties = { name: code || one.properties.name };
  if (one.geometry.type === "Polygon" || one.geometry.type === "MultiPolygon") one.geometry = cut(one.geometry);
}

for (const [code, x, y] of PLACES) {
  const drawn = shapes.features.findIndex((one) => one.properties.name === code);
  const [before] = drawn < 0 ? [] : shapes.features.splice(drawn, 1); // dots lie on top
  const rest = before?.geometry.type === "MultiPolygon" ? before.geometry.coordinates : [];
  shapes.features.push({ type: "Feature", properties: { name: code }, geometry: { type: "MultiPolygon", coordinates: [...rest, [dot(x, y)]] } });
}

registerMap("world", shapes as never);

function dot(x: number, y: number): Position[] {
  return Array.from({ length: 17 }, (_, corner) => {
    const turn = (corner % 16) * (Math.PI / 8);
    return [x + (RADIUS / ASPECT) * Math.cos(turn), y + RADIUS * Math.sin(turn)];
  });
}

/** The atlas has rings that run over the 180th meridian; on a flat map they must be cut there (Russia, Fiji). */
function cut(shape: Polygon | MultiPolygon): MultiPolygon {
  const polygons = shape.type === "Polygon" ? [shape.coordinates] : shape.coordinates;
  return { type: "MultiPolygon", coordinates: polygons.flatMap((rings) => halves(rings)) };
}

function halves(rings: Position[][]): Position[][][] {
  const whole = rings.map(unwrapped);
  if (!whole.some((ring) => ring.some(([x = 0]) => x > 180))) return [rings];
  const west = whole.map((ring) => clipped(ring, (x) => x <= 180)).filter((ring) => ring.length > 3);
  const east = whole
    .map((ring) => clipped(ring, (x) => x >= 180).map(([x = 0, y = 0]) => [x - 360, y]))
    .filter((ring) => ring.length > 3);
  return [west, east].filter((half) => half.length > 0);
}

function unwrapped(ring: Position[]): Position[] {
  const jumps = ring.some(([x = 0], index) => index > 0 && Math.abs(x - (ring[index - 1]?.[0] ?? x)) > 180);
  return jumps ? ring.map(([x = 0, y = 0]) => [x < 0 ? x + 360 : x, y]) : ring;
}

function clipped(ring: Position[], inside: (x: number) => boolean): Position[] {
  const made: Position[] = [];
  ring.forEach(([x = 0, y = 0], index) => {
    const [px = 0, py = 0] = ring[index - 1] ?? ring[ring.length - 1] ?? [];
    if (inside(x) !== inside(px) && x !== px) made.push([180, py + ((180 - px) / (x - px)) * (y - py)]);
    if (inside(x)) made.push([x, y]);
  });
  if (made[0]) made.push(made[0]);
  return made;
}
