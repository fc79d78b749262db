// The build goes where the API role serves it from. `cspNonce` leaves a mark that the server replaces
// with a fresh nonce in every page: src/fairlead/edge/console/__init__.py.
import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";
import { ASPECT, RADIUS, smallPlaces } from "./tools/places.mjs";

const server = process.env.FAIRLEAD_URL ?? "http://127.0.0.1:8080";

/** Reckoned here and not in the browser: the finer shapes that it takes weigh ten times as much as the map. */
const places: Plugin = {
  name: "small-places",
  resolveId: (id) => (id === "virtual:small-places" ? `\0${id}` : undefined),
  load: (id) => (id === "\0virtual:small-places" ? `export const ASPECT = ${ASPECT}, RADIUS = ${RADIUS}, PLACES = ${JSON.stringify(smallPlaces())};` : undefined),
};

export default defineConfig({
  plugins: [react(), places],
  resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
  html: { cspNonce: "__CSP_NONCE__" },
  server: { proxy: { "/v1": { target: server } } },
  build: {
    outDir: process.env.CONSOLE_OUT ?? "../src/fairlead/edge/console/dist",
    emptyOutDir: true,
    manifest: true, // read by tools/gzip.mjs, then taken away
    assetsInlineLimit: 0, // fonts and pictures stay files: the policy allows only our own host
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 900,
  },
});
