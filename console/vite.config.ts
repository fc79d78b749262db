// The build goes where the API role serves it from. `cspNonce` leaves a mark that the server replaces
// with a fresh nonce in every page: src/fairlead/edge/console/__init__.py.
import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

const server = process.env.FAIRLEAD_URL ?? "http://127.0.0.1:8080";

export default defineConfig({
  plugins: [react()],
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
