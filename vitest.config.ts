import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // The default leaves one processor out, which is half of a machine with two.
    maxWorkers: "100%",
    // Engines and servers start real processes; a slow machine is no failure.
    setupFiles: ["test/support/fixed-seed.ts"],
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
