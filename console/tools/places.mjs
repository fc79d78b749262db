// Countries that the world's shapes at 1:110 million leave out, or draw smaller than a finger or an eye can find, as
// dots: where each is, reckoned at build time from the finer shapes of the same atlas. `vite.config.ts` gives them to
// `src/parts/world.ts`; `node tools/places.mjs` prints every country that can be clicked, and the dots.
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const require = createRequire(import.meta.url);
const iso = require("iso-3166-1");
const { feature } = require("topojson-client");

export const ASPECT = 0.82; // of the map: a degree of longitude as drawn, in degrees of latitude
export const RADIUS = 1.5; // of a dot, in degrees of latitude as drawn
const APART = 2.2; // between centres: each dot keeps its middle for itself
const TINY = 0.6; // square degrees: what is drawn smaller gets a dot as well
const KOSOVO = "XK";

// Codes of their own for what the atlas counts to another country, and two that lie beyond the map's edge.
const BY_HAND = {
  AC: [-14.4, -7.9], AQ: [25, -52.5], BQ: [-68.3, 12.2], BV: [3.4, -52.5], CC: [96.8, -12.2], CP: [-109.2, 10.3],
  CQ: [-2.4, 49.4], CX: [105.6, -10.5], DG: [72.4, -7.3], EA: [-5.3, 35.9], GF: [-53.1, 3.9], GP: [-61.6, 16.2],
  IC: [-15.6, 28.2], MQ: [-61, 14.7], RE: [55.5, -21.1], SJ: [-8.5, 71], TA: [-12.3, -37.1], TK: [-171.9, -9.2],
  YT: [45.2, -12.8],
};

function atlas(scale) {
  const topology = require(`world-atlas/countries-${scale}.json`);
  const found = new Map();
  for (const one of feature(topology, topology.objects.countries).features) {
    const code = one.id === undefined ? (one.properties.name === "Kosovo" ? KOSOVO : undefined) : iso.whereNumeric(String(one.id))?.alpha2;
    if (!code || code === "AQ") continue;
    const polygons = one.geometry.type === "Polygon" ? [one.geometry.coordinates] : one.geometry.coordinates;
    const rings = polygons.map(([outer]) => measured(outer));
    found.set(code, { area: rings.reduce((sum, ring) => sum + ring.area, 0), at: rings.sort((a, b) => b.area - a.area)[0].at });
  }
  return found;
}

/** Area and centroid of a ring. */
function measured(ring) {
  const [ox, oy] = ring[0];
  let [area, x, y] = [0, 0, 0];
  for (let i = 0; i + 1 < ring.length; i += 1) {
    const [ax, ay, bx, by] = [ring[i][0] - ox, ring[i][1] - oy, ring[i + 1][0] - ox, ring[i + 1][1] - oy];
    const cross = ax * by - bx * ay;
    area += cross / 2;
    x += ((ax + bx) * cross) / 6;
    y += ((ay + by) * cross) / 6;
  }
  return area === 0 ? { area: 0, at: [ox, oy] } : { area: Math.abs(area), at: [ox + x / area, oy + y / area] };
}

/** Neighbours that would cover each other step aside, a little at a time. */
function apart(places) {
  for (let round = 0; round < 400; round += 1) {
    let moved = false;
    for (let i = 0; i < places.length; i += 1) {
      for (let j = i + 1; j < places.length; j += 1) {
        const [a, b] = [places[i], places[j]];
        let [dx, dy] = [(b[1] - a[1]) * ASPECT, b[2] - a[2]];
        const distance = Math.hypot(dx, dy);
        if (distance >= APART - 1e-3) continue;
        if (distance < 1e-6) [dx, dy] = [1, 0];
        const push = (APART - distance) / 2 / (Math.hypot(dx, dy) || 1);
        a[1] -= (dx * push) / ASPECT;
        a[2] -= dy * push;
        b[1] += (dx * push) / ASPECT;
        b[2] += dy * push;
        moved = true;
      }
    }
    if (!moved) break;
  }
  const rounded = (value) => Math.round(value * 100) / 100;
  return places.map(([code, x, y]) => [code, rounded(Math.max(-179, Math.min(179, x))), rounded(Math.max(-52.5, Math.min(74, y)))]);
}

/** `[code, longitude, latitude]` of every dot. */
export function smallPlaces() {
  const drawn = atlas("110m");
  const found = new Map();
  for (const scale of ["10m", "50m"]) for (const [code, { at }] of atlas(scale)) if (!drawn.has(code) || drawn.get(code).area < TINY) found.set(code, at);
  for (const [code, at] of Object.entries(BY_HAND)) found.set(code, at);
  return apart([...found].map(([code, [x, y]]) => [code, x, y]).sort(([a], [b]) => (a < b ? -1 : 1)));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const dots = smallPlaces();
  const codes = [...new Set([...atlas("110m").keys(), ...dots.map(([code]) => code)])].sort();
  console.log(JSON.stringify({ codes, dots, aspect: ASPECT, radius: RADIUS }));
}
