import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";
import { precompressed } from "./build/precompressed.ts";

export default defineConfig({
  plugins: [react(), precompressed()],
  build: {
    assetsInlineLimit: 0, // the policy of the page allows no data: addresses
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    // All of these know `light-dark()` and popovers. For older ones colours would be written so that no part of a page
    // could have a scheme of its own, as the viewer does.
    cssTarget: ["chrome123", "firefox125", "safari17.5"],
  },
  server: {
    // `npm run dev` beside a system that runs: PHOTOBUS_URL says where.
    proxy: { "/api": { target: process.env.PHOTOBUS_URL ?? "http://127.0.0.1:8080" } },
  },
  // The units are pure, so that none can spoil another.
  test: { include: ["src/**/*.test.ts"], environment: "node", isolate: false, maxWorkers: 2 },
});
