import { afterAll, expect, test } from "vitest";
import { cellCentre } from "../../functions/http/drafts.ts";
import { sweepExpired } from "../../functions/jobs/expiry.ts";
import { drawDraft } from "../../functions/tasks/draw-draft.ts";
import { DraftView, routes } from "../../shared/api.ts";
import { UserError } from "../../shared/error.ts";
import { limits } from "../../shared/limits.ts";
import { createMemoryStore } from "../jobs/memory-store.ts";
import { ann, bob, createTestGateway, describeMiddle, samplePicture, startDraft } from "./test-gateway.ts";

let described = 0;
const gateway = createTestGateway({
  paused: true,
  describe: (...args) => {
    described++;
    return describeMiddle(...args);
  },
});
afterAll(() => gateway.close());

test("a picture becomes a draft with candidates, words, a suggested name and a drawn view", async () => {
  const drawing = createTestGateway({ paused: true, drawDraft });
  const { status, body, key } = await startDraft(drawing, ann, "d1");
  expect(status).toBe(200);
  const { draft, picture } = DraftView.parse(body);
  expect(draft).toMatchObject({ revision: 1, owner: ann.user, server: "1", name: "red-object", selected: 0 });
  expect(draft.picture).toEqual({ key, width: 40, height: 40 });
  expect(picture.alt).toContain("1: a red object; 2: a red part");
  const png = await drawing.send(ann, "GET", `/files/${picture.key}`);
  expect(Buffer.from(await png.arrayBuffer()).readUInt32BE(16)).toBe(picture.width);
  await drawing.close();
});

test("the same interaction sent twice, also at once, is one draft described once, and somebody else's stays theirs", async () => {
  const before = described;
  const upload = await gateway.json(ann, "POST", "/uploads", await samplePicture());
  const body = { id: "d2", picture: upload.body["key"] };
  const answers = await Promise.all([1, 2, 3].map(() => gateway.call(ann, routes.createDraft, "", body)));
  expect(new Set(answers.map((a) => JSON.stringify(a.body["draft"]))).size).toBe(1);
  expect(described - before).toBe(1);
  expect((await gateway.call(bob, routes.createDraft, "", body)).status).toBe(409);
});

test("words and selection change by compare-and-swap: of two changes at one revision, one is told to look again", async () => {
  await startDraft(gateway, ann, "d3");
  const both = await Promise.all([
    gateway.call(ann, routes.patchDraft, "d3", { revision: 1, selected: 1 }),
    gateway.call(ann, routes.patchDraft, "d3", { revision: 1, caption: "a blue mug" }),
  ]);
  expect(both.map((r) => r.status).sort()).toEqual([200, 409]);
});

test("a suggested name follows the caption, a chosen one stays, and null takes one's own words back", async () => {
  await startDraft(gateway, ann, "d4");
  const change = async (body: object) =>
    DraftView.parse((await gateway.call(ann, routes.patchDraft, "d4", body)).body).draft;
  expect(await change({ revision: 1, selected: 1 })).toMatchObject({ name: "mypart", revision: 2 });
  expect(await change({ revision: 2, caption: "a blue mug" })).toMatchObject({
    name: "blue-mug",
    caption: "a blue mug",
  });
  expect(await change({ revision: 3, name: "mugsy", caption: null })).toMatchObject({ name: "mugsy" });
  const last = await change({ revision: 4, caption: "a green mug" });
  expect(last).toMatchObject({ name: "mugsy", caption: "a green mug", revision: 5 });
  expect((await gateway.call(ann, routes.patchDraft, "d4", { revision: 5, selected: 3 })).status).toBe(400);
});

test("what nobody can name starts from no words, until its person writes some", async () => {
  const clueless = createTestGateway({
    paused: true,
    describe: async (...args) => {
      const found = await describeMiddle(...args);
      const [first, ...others] = found.candidates;
      if (!first) throw new Error("described nothing");
      return { ...found, candidates: [{ ...first, sure: false, initialiser: "stars" as const }, ...others] };
    },
  });
  const { body } = await startDraft(clueless, ann, "d9");
  expect(DraftView.parse(body).draft.initialiser).toBe("stars");
  const change = async (patch: object) =>
    DraftView.parse((await clueless.call(ann, routes.patchDraft, "d9", patch)).body).draft.initialiser;
  expect(await change({ revision: 1, caption: "a blue mug" })).toBe("caption");
  expect(await change({ revision: 2, caption: null })).toBe("stars");
  expect(await change({ revision: 3, selected: 1 }), "another thing, which it can name").toBe("caption");
  await change({ revision: 4, selected: 0 });
  const learned = await clueless.call(ann, routes.learnDraft, "d9", { revision: 5 });
  expect(learned.body).toMatchObject({ input: { initialiser: "stars", caption: "a red object" } });
  await clueless.close();
});

test("pointing with two grids is a click in the middle of the inner cell", async () => {
  await startDraft(gateway, ann, "d5");
  const zoom = async (cells: number[]) =>
    DraftView.parse((await gateway.call(ann, routes.zoomDraft, "d5", { revision: 1, cells })).body);
  const whole = await zoom([]);
  const near = await zoom([12]);
  expect(near.picture.key).not.toBe(whole.picture.key);
  expect(near.draft).toMatchObject({ revision: 1, zoom: [12] });
  const pointed = await zoom([12, 12]);
  expect(pointed.draft).toMatchObject({ revision: 2, click: { x: 0.5, y: 0.5 } });
  expect(cellCentre(0, 24)).toEqual({ x: 0.18, y: 0.18 });
  expect(cellCentre(24, 0)).toEqual({ x: 0.82, y: 0.82 });
});

test("Learn pressed twice, also at once, is one job; after a change it is another", async () => {
  await startDraft(gateway, ann, "d6");
  const learn = (revision: number) => gateway.call(ann, routes.learnDraft, "d6", { revision });
  const presses = await Promise.all([learn(1), learn(1), learn(1)]);
  expect(presses.map((r) => r.status)).toEqual([202, 202, 202]);
  expect(new Set(presses.map((r) => r.body["id"])).size).toBe(1);
  expect((await gateway.ledger.open()).filter(({ userId }) => userId === ann.user.id)).toHaveLength(1);
  const input = { task: "learn", caption: "a red object", owner: ann.user, name: "red-object" };
  expect(presses[0]?.body).toMatchObject({ input });
  await gateway.call(ann, routes.patchDraft, "d6", { revision: 1, name: "other" });
  expect((await learn(1)).status).toBe(409);
  expect((await learn(2)).body["id"]).not.toBe(presses[0]?.body["id"]);
});

test("two people who press Learn at once get two jobs", async () => {
  await Promise.all([startDraft(gateway, ann, "d7"), startDraft(gateway, bob, "d8")]);
  const [a, b] = await Promise.all([
    gateway.call(ann, routes.learnDraft, "d7", { revision: 1 }),
    gateway.call(bob, routes.learnDraft, "d8", { revision: 1 }),
  ]);
  expect([a?.status, b?.status]).toEqual([202, 202]);
  expect(a?.body["id"]).not.toBe(b?.body["id"]);
});

test("what was described for an older revision does not overwrite a newer one", async () => {
  let goOn = () => {};
  const slow = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  let calls = 0;
  const slowly = createTestGateway({
    paused: true,
    store: gateway.store,
    describe: async (...args) => {
      if (++calls === 2) await slow;
      return describeMiddle(...args);
    },
  });
  await startDraft(slowly, ann, "d9");
  const late = slowly.call(ann, routes.describeDraft, "d9", { revision: 1, click: { x: 0.1, y: 0.1 } });
  await slowly.call(ann, routes.patchDraft, "d9", { revision: 1, name: "mine" });
  goOn();
  expect((await late).status).toBe(409);
  expect((await slowly.call(ann, routes.readDraft, "d9")).body["draft"]).toMatchObject({ name: "mine", revision: 2 });
  await slowly.close();
});

test("one person has a few pictures looked at at once, further ones later, and keeps nobody else from it", async () => {
  const [full, slow] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let looking = 0;
  const slowly = createTestGateway({
    paused: true,
    describe: async (...args) => {
      if (++looking === limits.maxDescribesPerUser) full.resolve();
      await slow.promise;
      return describeMiddle(...args);
    },
  });
  const upload = async (who: typeof ann) => (await slowly.json(who, "POST", "/uploads", await samplePicture())).body;
  const [anns, bobs] = [(await upload(ann))["key"], (await upload(bob))["key"]];
  const create = (who: typeof ann, id: string, picture: unknown) =>
    slowly.call(who, routes.createDraft, "", { id, picture });
  const ids = Array.from({ length: limits.maxDescribesPerUser }, (_, i) => `a${i}`);
  const first = ids.map((id) => create(ann, id, anns));
  const joined = create(ann, "a0", anns);
  await full.promise;
  const refused = await create(ann, "more", anns);
  expect(refused.status).toBe(429);
  expect(refused.body.error?.message).toBe(
    "I am looking at 3 pictures of yours. Wait for one of them, then try again.",
  );
  const others = create(bob, "b0", bobs);
  slow.resolve();
  const answers = await Promise.all([...first, joined, others]);
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
  expect((await create(ann, "more", anns)).status).toBe(200);
  await slowly.close();
});

test("what a describer wrote before it failed expires, though there is no draft", async () => {
  const store = createMemoryStore();
  const failing = createTestGateway({
    paused: true,
    store,
    describe: async (input, files) => {
      await files.write("crop-1.png", await files.read(input.picture));
      throw new UserError("engine_failed", "The captioner died.");
    },
  });
  expect(await startDraft(failing, ann, "d1")).toMatchObject({ status: 502 });
  await failing.close();
  expect(store.keys()).toContainEqual(expect.stringMatching(/^drafts\/d1\/files\/.*crop-1\.png$/));
  await sweepExpired(store, Date.now() + 60 * 86_400_000);
  expect(store.keys().filter((key) => !key.startsWith("dispatch/"))).toEqual([]);
});
