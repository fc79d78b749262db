// Writes a .gz beside every file worth it, and says how heavy the first screen is (the entry and Home, with all they import and their styles).
import { readFileSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

const out = process.env.CONSOLE_OUT ?? new URL("../../src/fairlead/edge/console/dist", import.meta.url).pathname;
const sizes = new Map();

function walk(directory) {
  for (const name of readdirSync(directory)) {
    const place = join(directory, name);
    if (statSync(place).isDirectory()) walk(place);
    else if (/\.(js|css|svg|json)$/.test(name)) {
      const body = readFileSync(place);
      const zipped = gzipSync(body, { level: 9 });
      sizes.set(place.slice(out.length), zipped.length);
      if (zipped.length < body.length) writeFileSync(`${place}.gz`, zipped);
    }
  }
}

walk(out);
const place = join(out, ".vite/manifest.json");
const manifest = JSON.parse(readFileSync(place, "utf8"));
rmSync(join(out, ".vite"), { recursive: true });

const first = new Set();
function need(name) {
  const chunk = manifest[name];
  if (!chunk || first.has(chunk.file)) return;
  first.add(chunk.file);
  for (const style of chunk.css ?? []) first.add(style);
  for (const other of chunk.imports ?? []) need(other);
}
need("index.html");
need("src/screens/home/index.tsx");
const total = [...first].reduce((sum, name) => sum + (sizes.get(`/${name}`) ?? 0), 0);
const now = new Date();
utimesSync(join(out, "index.html"), now, now); // a running server reads the build anew when this changes, so it changes last
const limit = 600_000;
console.log(`console: first screen ${(total / 1000).toFixed(0)} kB gzipped (limit ${limit / 1000} kB)`);
if (total > limit) process.exit(1);
