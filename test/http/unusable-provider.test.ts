import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { startGateway } from "../../functions/api.ts";
import { readConfig } from "../../functions/config.ts";
import { startGpuFunction } from "../../functions/gpu.ts";

/** On a machine whose onnxruntime has no CUDA. */
async function configWithCuda() {
  const folder = await mkdtemp(join(tmpdir(), "eponym-cuda-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  return readConfig({ STORE: `file:${folder}`, PORT: "0", PROVIDERS: "cuda", SIGNING_SECRET: "x".repeat(32) });
}

test("a GPU function whose provider does not work is never ready", async () => {
  const service = await startGpuFunction(await configWithCuda());
  onTestFinished(() => service.close());
  const ask = (path: string) => fetch(`http://127.0.0.1:${service.port}${path}`);
  await expect.poll(async () => (await ask("/ping")).status).toBe(503);
  expect(await (await ask("/health-check")).json()).toMatchObject({ status: "SETUP_FAILED" });
});

test("a gateway that is to run jobs itself does not start, and says what to install", async () => {
  await expect(startGateway(await configWithCuda())).rejects.toMatchObject({
    code: "bad_config",
    message: expect.stringMatching(/Provider "cuda".*install\.js.*PROVIDERS=cpu/),
  });
});
