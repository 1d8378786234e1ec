import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";
import { precompressed } from "./build/precompressed.ts";

export default defineConfig({
  plugins: [react(), precompressed()],
  build: {
    assetsInlineLimit: 0, // the policy of the page allows no data: addresses
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: {
    // `npm run dev` beside a system that runs: PHOTOBUS_URL says where.
    proxy: { "/api": { target: process.env.PHOTOBUS_URL ?? "http://127.0.0.1:8080" } },
  },
  // The units are pure, so that none can spoil another.
  test: { include: ["src/**/*.test.ts"], environment: "node", isolate: false, maxWorkers: 2 },
});
