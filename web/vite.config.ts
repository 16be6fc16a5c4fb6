import { defineConfig } from "vitest/config";

export default defineConfig({
  build: {
    // Committed, and embedded in the binary: nobody needs Node to build Gatepass.
    outDir: "../crates/backend/web-dist",
    emptyOutDir: true,
    target: "es2023",
    // The polyfill would be the only script that is not a file of its own.
    modulePreload: { polyfill: false },
    // `img-src 'self'` allows no data: addresses.
    assetsInlineLimit: 0,
    // What the bundle contains of others asks for its licence to go along.
    license: { fileName: "licenses.txt" },
  },
  test: {
    include: ["tests/**/*.test.ts"],
  },
});
