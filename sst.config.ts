/// <reference path="./.sst/platform/config.d.ts" />

// Top-level imports are refused here, and `$config`, `sst`, `aws` and `dockerbuild` are globals: that is how SST reads this file.
export default $config({
  app(input) {
    const production = input?.stage === "production";
    return {
      name: "eponym",
      home: "aws",
      removal: production ? "retain" : "remove",
      protect: production,
      providers: { aws: "7.20.0", "docker-build": "0.0.14" },
    };
  },
  async run() {
    const { createFunctionImage } = await import("./infra/image.ts");
    const { createGpuFunction } = await import("./infra/gpu-function.ts");
    const { createSecrets } = await import("./infra/secrets.ts");
    const { createService } = await import("./infra/service.ts");
    const { createStorage } = await import("./infra/storage.ts");

    const { bucket } = createStorage();
    const image = createFunctionImage();
    const { endpoint } = createGpuFunction({ bucket, image });
    createService({ bucket, image, endpoint, secrets: createSecrets() });
    return { bucket: bucket.name, endpoint: endpoint.name };
  },
});
