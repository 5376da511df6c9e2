import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { embeddedFolder, locateModel } from "../../functions/models/catalog.ts";
import { tinySdFolder } from "../support/tiny-sd.ts";

/** Nobody listens there: what needs the network fails at once. */
function deadHub() {
  const cache = mkdtempSync(join(tmpdir(), "eponym-catalog-"));
  onTestFinished(() => rmSync(cache, { recursive: true }));
  return { endpoint: "http://127.0.0.1:9", cache };
}

/** As if a repository had been downloaded before. */
function cachedHub(repository: string) {
  const hub = deadHub();
  mkdirSync(join(hub.cache, repository), { recursive: true });
  writeFileSync(join(hub.cache, repository, "complete"), "");
  return hub;
}

test("without a name the embedded model is found, by its name too, and needs no network", async () => {
  const embedded = await locateModel(undefined, deadHub());
  expect(embedded.folder).toBe(embeddedFolder);
  expect(embedded.drawsPhotographs).toBe(false);
  expect(await locateModel(embedded.id, deadHub())).toEqual(embedded);
});

test("a folder in diffusers layout is a model; nothing is downloaded", async () => {
  const hub = deadHub();
  const located = await locateModel(tinySdFolder, hub);
  expect(located.folder).toBe(tinySdFolder);
  expect(readdirSync(hub.cache)).toEqual([]);
});

test("a folder's id, which pictures and concept files carry, does not tell where it lies", async () => {
  const ids = [tinySdFolder, `${tinySdFolder}/`, join(tinySdFolder, "unet", "..")];
  const located = await Promise.all(ids.map((id) => locateModel(id, deadHub())));
  expect(located.map(({ id }) => id)).toEqual(["model", "model", "model"]);
});

test("a folder may also be given relative to where the command runs", async () => {
  const folder = mkdtempSync(join(tmpdir(), "eponym-catalog-"));
  const before = process.cwd();
  onTestFinished(() => {
    process.chdir(before);
    rmSync(folder, { recursive: true });
  });
  cpSync(join(tinySdFolder, "unet", "config.json"), join(folder, "someone", "model", "unet", "config.json"));
  process.chdir(folder);
  expect((await locateModel("someone/model", deadHub())).folder).toBe("someone/model");
  process.chdir(join(folder, "someone", "model"));
  expect(await locateModel(".", deadHub())).toMatchObject({ id: "model", folder: "." });
});

test("a catalogue name and a repository of the Hub lead to their folder in the cache", async () => {
  const repository = "stable-diffusion-v1-5/stable-diffusion-v1-5";
  const hub = cachedHub(repository);
  const known = await locateModel("stable-diffusion-v1-5", hub);
  expect(known).toMatchObject({ id: "stable-diffusion-v1-5", folder: join(hub.cache, repository) });
  expect(known.drawsPhotographs).toBe(true);
  expect((await locateModel(repository, hub)).folder).toBe(known.folder);
});

test("a repository that cannot be fetched is `unavailable`", async () => {
  await expect(locateModel("someone/model", deadHub())).rejects.toMatchObject({ code: "unavailable" });
});

for (const wanted of [
  "nonsense",
  "",
  "../..",
  "../elsewhere",
  "./unet",
  "a/b/c",
  "/etc",
  tmpdir(),
  "a b/c",
  "a/../b",
]) {
  test(`${JSON.stringify(wanted)} is no model: one error that says what could be`, async () => {
    const hub = deadHub();
    await expect(locateModel(wanted, hub)).rejects.toMatchObject({
      code: "not_found",
      message: expect.stringMatching(/emoji-64, stable-diffusion-v1-5, a folder in diffusers layout .* owner\/name/),
    });
    expect(readdirSync(hub.cache)).toEqual([]);
  });
}
