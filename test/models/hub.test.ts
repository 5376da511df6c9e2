import { execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import { downloadModel, wantedFiles } from "../../functions/models/hub.ts";
import type { ErrorCode } from "../../shared/error.ts";
import { values } from "../support/evaluate.ts";
import { hubServer } from "../support/hub-server.ts";
import { testWith } from "../support/peer.ts";

const repository = "someone/a-model";
const server = await hubServer(repository);
const guarded = await hubServer(repository, "hf_right");

const unet = "unet/diffusion_pytorch_model.fp16.safetensors";
const bytes = (count: number, seed: number): Uint8Array => new Uint8Array(values([count / 4], seed).data.buffer);
const wanted = new Map<string, Uint8Array>([
  ["model_index.json", new TextEncoder().encode("{}")],
  ["scheduler/scheduler_config.json", new TextEncoder().encode("{ }")],
  ["text_encoder/config.json", new TextEncoder().encode('{"a":1}')],
  ["text_encoder/model.safetensors", bytes(40_000, 1)],
  ["tokenizer/merges.txt", new TextEncoder().encode("#version: 0.2\n")],
  ["unet/config.json", new TextEncoder().encode('{"b":2}')],
  [unet, bytes(200_000, 2)],
  ["vae/config.json", new TextEncoder().encode('{"c":3}')],
  ["vae/diffusion_pytorch_model.safetensors", bytes(80_000, 3)],
]);
const unwanted = new Map([
  ["README.md", bytes(400, 4)],
  ["unet/diffusion_pytorch_model.bin", bytes(400, 5)],
  ["unet/diffusion_pytorch_model.safetensors", bytes(400_000, 6)],
  ["../escape.json", bytes(400, 7)],
  ["tokenizer/../../escape.json", bytes(400, 8)],
]);

beforeEach(() => {
  for (const { files, faults, requests } of [server, guarded]) {
    files.clear();
    for (const [path, content] of [...wanted, ...unwanted]) files.set(path, content);
    faults.clear();
    requests.length = 0;
  }
});

function newCache(): string {
  const cache = mkdtempSync(join(tmpdir(), "eponym-hub-"));
  onTestFinished(() => rmSync(cache, { recursive: true }));
  return cache;
}

const filesOf = (folder: string): string[] =>
  existsSync(folder)
    ? readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
        .sort()
    : [];
const whole = [...wanted.keys(), "complete"].sort();

/** What the download rejects with. */
async function refusal(cache: string, endpoint = server.endpoint, token?: string) {
  return downloadModel(repository, { endpoint, cache, ...(token && { token }) }).then(
    () => undefined,
    (error: { readonly code?: ErrorCode; readonly message: string }) => error,
  );
}

test("the files that the project reads are fetched, page by page and through redirects, and nothing else", async () => {
  const cache = newCache();
  const folder = await downloadModel(repository, { endpoint: server.endpoint, cache });
  expect(folder).toBe(join(cache, repository));
  expect(filesOf(cache)).toEqual(whole.map((path) => join(repository, path)).sort());
  for (const [path, content] of wanted) expect(new Uint8Array(readFileSync(join(folder, path)))).toEqual(content);
  server.requests.length = 0;
  await downloadModel(repository, { endpoint: "http://127.0.0.1:9", cache });
  expect(server.requests).toEqual([]);
});

test("two who ask at once share one download", async () => {
  const hub = { endpoint: server.endpoint, cache: newCache() };
  await Promise.all([downloadModel(repository, hub), downloadModel(repository, hub)]);
  expect(server.requests.filter((request) => request === `${unet} whole`)).toHaveLength(1);
});

test("an interrupted download leaves nothing that looks whole, and the next one finishes it", async () => {
  const cache = newCache();
  server.faults.set(unet, { cutAt: 120_000 });
  const error = await refusal(cache);
  expect(error).toMatchObject({ code: "unavailable", message: expect.stringMatching(/someone\/a-model.*Try again/) });
  const kept = filesOf(join(cache, repository));
  expect(kept).not.toContain("complete");
  expect(kept).not.toContain(unet);

  server.faults.clear();
  server.requests.length = 0;
  const folder = await downloadModel(repository, { endpoint: server.endpoint, cache });
  expect(filesOf(folder)).toEqual(whole);
  expect(new Uint8Array(readFileSync(join(folder, unet)))).toEqual(wanted.get(unet));
  expect(server.requests.filter((request) => request.startsWith("text_encoder/"))).toEqual([]);
});

/** A cache in which an earlier download stopped within the UNet's weights. */
function stoppedCache(content: Uint8Array): string {
  const cache = newCache();
  mkdirSync(join(cache, repository, "unet"), { recursive: true });
  writeFileSync(join(cache, repository, `${unet}.part`), content);
  return cache;
}
const content = wanted.get(unet) as Uint8Array;

test("what an earlier download left is continued from its last byte", async () => {
  const cache = stoppedCache(content.subarray(0, 60_001));
  const folder = await downloadModel(repository, { endpoint: server.endpoint, cache });
  expect(filesOf(folder)).toEqual(whole);
  expect(new Uint8Array(readFileSync(join(folder, unet)))).toEqual(content);
  expect(server.requests).toContain(`${unet} bytes=60001-199999`);
});

test("a download that stopped just before the renaming fetches nothing again", async () => {
  const folder = await downloadModel(repository, { endpoint: server.endpoint, cache: stoppedCache(content) });
  expect(filesOf(folder)).toEqual(whole);
  expect(server.requests.filter((request) => request.startsWith(unet))).toEqual([]);
});

test("a mirror that ignores ranges costs a second try, never a wrong file", async () => {
  const cache = stoppedCache(content.subarray(0, 60_000));
  server.faults.set(unet, { ignoresRange: true });
  expect(await refusal(cache)).toMatchObject({ code: "unavailable", message: expect.stringContaining(unet) });
  expect(filesOf(join(cache, repository))).not.toContain(`${unet}.part`);
  expect(filesOf(await downloadModel(repository, { endpoint: server.endpoint, cache }))).toEqual(whole);
});

test("bytes that are not those listed are noticed by their hash and removed", async () => {
  const damaged = Uint8Array.from(content.subarray(0, 60_000));
  damaged[50_000] = (damaged[50_000] as number) ^ 1;
  const cache = stoppedCache(damaged);
  expect(await refusal(cache)).toMatchObject({
    code: "unavailable",
    message: expect.stringMatching(/unet.*wrong hash/),
  });
  expect(filesOf(join(cache, repository))).not.toContain(`${unet}.part`);
  expect(filesOf(await downloadModel(repository, { endpoint: server.endpoint, cache }))).toEqual(whole);
});

for (const [what, path, fault, message] of [
  ["longer than listed", unet, { extra: 70_000 }, /has \d+ bytes, the Hub lists 200000/],
  ["of another size than listed", unet, { claims: 123 }, /has 123 bytes, the Hub lists 200000/],
  ["of another size than listed, a small one", "vae/config.json", { claims: 9 }, /has 9 bytes, the Hub lists 7/],
  ["answered by a server error", unet, { status: 500 }, /failed: no\./],
] as const) {
  test(`a file that is ${what} is one clear error and is not kept`, async () => {
    const cache = newCache();
    server.faults.set(path, fault);
    const error = await refusal(cache);
    expect(error).toMatchObject({ code: "unavailable", message: expect.stringMatching(message) });
    const kept = filesOf(join(cache, repository));
    expect(kept).not.toContain("complete");
    expect(kept).not.toContain(path);
  });
}

test("a repository that is not there, and one that is not open to you, say so", async () => {
  const cache = newCache();
  const missing = downloadModel("someone/else", { endpoint: server.endpoint, cache });
  await expect(missing).rejects.toMatchObject({ code: "not_found", message: expect.stringContaining("someone/else") });
  for (const token of [undefined, "hf_wrong"]) {
    const error = await refusal(cache, guarded.endpoint, token);
    expect(error).toMatchObject({ code: "not_found", message: expect.stringMatching(/licence.*HF_TOKEN/) });
  }
  // A gated repository lists its files and refuses them.
  for (const status of [401, 403] as const) {
    server.faults.set(unet, { status });
    expect(await refusal(cache)).toMatchObject({ code: "not_found", message: expect.stringMatching(/HF_TOKEN/) });
  }
});

test("the token opens a guarded repository and never reaches the storage server", async () => {
  const hub = { endpoint: guarded.endpoint, cache: newCache(), token: "hf_right" };
  expect(filesOf(await downloadModel(repository, hub))).toEqual(whole);
});

test("a Hub that cannot be reached is one clear error", async () => {
  const error = await refusal(newCache(), "http://127.0.0.1:9");
  expect(error).toMatchObject({ code: "unavailable", message: expect.stringMatching(/someone\/a-model.*Try again/) });
});

testWith("/proc", existsSync("/proc/self"))(
  "a cache in /proc, where nothing can be made, is refused with a reason",
  async () => {
    const hub = { endpoint: server.endpoint, cache: "/proc/a" };
    const script = `import { downloadModel } from "./functions/models/hub.ts";
    await downloadModel(${JSON.stringify(repository)}, ${JSON.stringify(hub)}).catch(({ code, message }) => console.log(code, message));`;
    // A process of its own: one that tries for ever can only be killed.
    const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", script], {
      timeout: 30_000,
      killSignal: "SIGKILL",
    });
    expect(stdout).toMatch(
      /^bad_config cannot keep models in \/proc\/a\/.* \(.*\): set MODEL_CACHE to a folder that may be/,
    );
  },
);

test("Stable Diffusion XL is refused by what the Hub lists, before anything is fetched", async () => {
  server.files.set("text_encoder_2/model.safetensors", bytes(400, 9));
  const cache = newCache();
  expect(await refusal(cache)).toMatchObject({
    code: "bad_config",
    message: expect.stringMatching(/text_encoder_2.*Stable Diffusion XL is not supported, use .*1\.x or 2\.x/),
  });
  expect([server.requests, filesOf(cache)]).toEqual([[], []]);
});

test("half precision is preferred, and a part without safetensors weights is named", () => {
  const paths = [...wanted.keys(), ...unwanted.keys()];
  expect(wantedFiles(paths, repository)).toEqual(expect.arrayContaining([...wanted.keys()]));
  const unsafe = paths.filter((path) => !path.startsWith("vae/diffusion"));
  expect(() => wantedFiles(unsafe, repository)).toThrow(/no safetensors weights in vae\//);
});
