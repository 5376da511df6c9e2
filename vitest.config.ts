import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    coverage: {
      provider: "v8",
      include: ["functions/**/*.ts"],
      exclude: ["functions/assets/**"],
      reporter: ["text-summary"],
    },
  },
});
