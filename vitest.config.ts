import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // Engines and servers start real processes; a slow machine is no failure.
    testTimeout: 60_000,
    hookTimeout: 120_000,
    coverage: {
      provider: "v8",
      include: ["functions/**/*.ts"],
      exclude: ["functions/assets/**"],
      reporter: ["text-summary"],
      reportOnFailure: true,
    },
  },
});
