import { afterAll, beforeAll, expect, test } from "vitest";
import { blendConcept } from "../../functions/concepts/blend-concept.ts";
import { viewerOf } from "../../functions/http/concepts.ts";
import { type Route, routes } from "../../shared/api.ts";
import type { ConceptMeta } from "../../shared/concept.ts";
import type { Identity } from "../../shared/identity.ts";
import { ann, bob, bot, createTestGateway, person, startDraft, teach, until } from "./test-gateway.ts";

const gateway = createTestGateway();
const eve = person("107", "1");
const ids = { draft: "secret-draft", job: "secret-job", concept: "secretconcept" };
const address = {
  ...{
    applicationId: "1",
    token: "t",
    tokenExpiresMs: 1,
    channelId: "2",
    messageId: "3",
    ephemeral: true,
    locale: "en",
  },
};
let concept: ConceptMeta;
let files: string[];

beforeAll(async () => {
  concept = await teach(gateway, ann, ids.concept, "mycat");
  const draft = await startDraft(gateway, ann, ids.draft);
  await gateway.json(ann, "PUT", `/predictions/${ids.job}`, { input: { task: "imagine", prompt: "<mycat> in space" } });
  await gateway.call(ann, routes.putDelivery, ids.job, { task: "imagine", address, holder: null });
  await teach(gateway, ann, "deletedconcept", "oldcat");
  await gateway.call(ann, routes.deleteConcept, "deletedconcept");
  const view = draft.body["picture"] as { key: string };
  files = [draft.key, view.key, `jobs/${ids.job}/files/picture.png`, concept.preview ?? "", concept.source ?? ""];
});
afterAll(() => gateway.close());

/** A job whose own picture is the thief's. */
const learnOwn = { task: "learn", picture: "data:image/png;base64,iVBORw0KGgo=", name: "x", owner: ann.user };

/** Every route of the contract, tried on what is Ann's. A route that is missing here does not compile. */
const attempts: Record<keyof typeof routes, readonly { id?: string; body?: unknown; query?: string }[]> = {
  createUpload: [],
  createDraft: [{ body: { id: ids.draft, picture: "uploads/101/x.png" } }, { body: { id: "thief", picture: "" } }],
  readDraft: [{ id: ids.draft }],
  patchDraft: [{ id: ids.draft, body: { revision: 1, name: "stolen" } }],
  describeDraft: [{ id: ids.draft, body: { revision: 1 } }],
  zoomDraft: [{ id: ids.draft, body: { revision: 1, cells: [1] } }],
  learnDraft: [{ id: ids.draft, body: { revision: 1 } }],
  putPrediction: [
    { id: ids.job, body: { input: { task: "imagine", prompt: "<mycat> in space" } } },
    { id: "theft1", body: { input: { task: "imagine", prompt: "<mycat> in space" } } },
    { id: "theft2", body: { input: { task: "imagine", prompt: "<101/mycat> in space" } } },
    { id: "theft3", body: { input: { task: "imagine", prompt: "<name101/mycat*0.5+101/mycat*0.5>" } } },
    { id: "theft4", body: { input: { task: "imagine", prompt: "space", negative: "(<101/mycat>:1.2)" } } },
    { id: "theft5", body: { input: { task: "describe", picture: "" } } },
    { id: "theft6", body: { input: { task: "learn", picture: "", name: "mycat", owner: ann.user } } },
    {
      id: "theft8",
      body: {
        input: { task: "learn", picture: "", name: "x", owner: ann.user, morePictures: [{ picture: "" }] },
      },
    },
    { id: "theft9", body: { input: { ...learnOwn, morePictures: [{ picture: "" }] } } },
    { id: "theft7", body: { input: { task: "learn", picture: "", name: "x", owner: ann.user, relearn: ids.concept } } },
  ],
  readPrediction: [{ id: ids.job }],
  followPrediction: [{ id: ids.job }],
  cancelPrediction: [{ id: ids.job }],
  listConcepts: [{ query: "?prefix=myc" }, { query: "?owner=anyone&limit=100" }],
  readConcept: [{ id: ids.concept }],
  deleteConcept: [{ id: ids.concept }],
  listDeleted: [{}],
  restoreConcept: [{ id: ids.concept }],
  forgetMe: [{}, { query: `?owner=${ann.user.id}` }, { body: { owner: ann.user } }],
  shareConcept: [{ id: ids.concept, body: { scope: "server" } }],
  listBarred: [{}],
  letInConcept: [{ id: ids.concept }],
  readFile: [{ id: "" }, { id: `concepts/${ids.concept}/1.safetensors` }, { id: `concepts/${ids.concept}/meta.json` }],
  putDelivery: [{ id: ids.job, body: { task: "imagine", address, holder: null } }],
  listDeliveries: [{}],
  patchDelivery: [{ id: ids.job, body: { revision: 1, done: true } }],
};

const strangers: readonly [string, Identity][] = [
  ["a member of the same server", bob],
  ["a moderator of the same server", person("104", "1", { moderator: true })],
  ["somebody elsewhere", person("105")],
  ["one whose name is the owner's", { ...person("106", "1"), user: { id: "106", name: "name101" } }],
];

/** Where an attempt leaves its picture open, every file of Ann's is tried. */
function variants(attempt: { id?: string; body?: unknown; query?: string }) {
  const text = JSON.stringify(attempt);
  if (attempt.id !== "" && !text.includes('"picture":""')) return [attempt];
  return files.map((file) =>
    attempt.id === "" ? { id: file } : JSON.parse(text.replaceAll('"picture":""', `"picture":"${file}"`)),
  );
}

test("no route shows, uses or changes a private concept, draft, job, file or delivery for anybody but its owner", async () => {
  const before = await snapshot();
  let tried = 0;
  for (const [who, identity] of strangers) {
    for (const [name, list] of Object.entries(attempts)) {
      const route: Route = routes[name as keyof typeof routes];
      for (const attempt of list.flatMap(variants)) {
        const path = route.path.replace(/:(id|key)/, attempt.id ?? "") + (attempt.query ?? "");
        const response = await gateway.send(identity, route.method, path, attempt.body, { prefer: "respond-async" });
        const text = await response.text();
        tried++;
        if (["listConcepts", "listDeleted", "listBarred"].includes(name))
          expect(JSON.parse(text), who).toEqual({ concepts: [] });
        else if (name === "forgetMe") expect(JSON.parse(text), who).toEqual({ removed: 0, failed: 0 });
        else expect([400, 403, 404, 409], `${who}: ${name} ${path}`).toContain(response.status);
        expect(text, `${who}: ${name} ${path}`).not.toMatch(/"caption"|a red|scope|"token"/);
      }
    }
  }
  expect(await snapshot()).toEqual(before);
  console.log(
    `attempts on private things: ${tried} by ${strangers.length} strangers over ${Object.keys(attempts).length} routes, all refused`,
  );
  expect(tried).toBeGreaterThan(100);
});

test("nobody at all gets anywhere without a signature, or with another's", async () => {
  const forged = {
    "x-eponym-identity": "e30",
    "x-eponym-timestamp": String(Date.now()),
    "x-eponym-signature": "0".repeat(64),
  };
  for (const route of Object.values(routes) as Route[]) {
    const path = route.path.replace(/:(id|key)/, "x");
    for (const headers of [{}, forged]) {
      const body = route.method === "GET" ? undefined : {};
      expect((await gateway.send(undefined, route.method, path, body, headers)).status, path).toBe(401);
    }
  }
});

test("the owner gets all of it, and the bot alone lists deliveries", async () => {
  expect((await gateway.call(ann, routes.readDraft, ids.draft)).status).toBe(200);
  expect((await gateway.call(ann, routes.readPrediction, ids.job)).body["status"]).toBe("succeeded");
  expect((await gateway.call(ann, routes.readConcept, ids.concept)).status).toBe(200);
  const deleted = (await gateway.call(ann, routes.listDeleted)).body["concepts"];
  expect(deleted).toEqual([expect.objectContaining({ name: "oldcat", undoUntil: expect.any(String) })]);
  for (const file of files) expect((await gateway.send(ann, "GET", `/files/${file}`)).status, file).toBe(200);
  const { body } = await gateway.call(bot, routes.listDeliveries);
  expect(body["deliveries"]).toHaveLength(1);
});

test("shared with the server, its members see and use it, but cannot delete or reshare it; taken back, it is gone for them", async () => {
  await gateway.call(ann, routes.shareConcept, ids.concept, { scope: "server" });
  const { body } = await gateway.json(bob, "GET", "/concepts?prefix=myc");
  expect(body["concepts"]).toMatchObject([{ id: ids.concept, owner: ann.user, scope: "server" }]);
  expect((await gateway.send(bob, "GET", `/files/${concept.preview}`)).status).toBe(200);
  // The photo it was taught from stays with its owner.
  expect((await gateway.send(bob, "GET", `/files/${concept.source}`)).status).toBe(404);
  const used = await gateway.json(bob, "PUT", "/predictions/use", { input: { task: "imagine", prompt: "<mycat>" } });
  expect(used.body["status"]).toBe("succeeded");
  expect((await gateway.call(bob, routes.deleteConcept, ids.concept)).status).toBe(403);
  expect((await gateway.call(bob, routes.shareConcept, ids.concept, { scope: "private" })).status).toBe(403);
  expect((await gateway.json(person("105", "2"), "GET", "/concepts")).body["concepts"]).toEqual([]);

  await gateway.call(ann, routes.shareConcept, ids.concept, { scope: "private" });
  expect((await gateway.json(bob, "GET", "/concepts")).body["concepts"]).toEqual([]);
  expect((await gateway.send(bob, "GET", `/files/${concept.preview}`)).status).toBe(404);
});

test("a blend with a private parent cannot be shared, and says which; with a shared one it can, for as long as that is", async () => {
  const { baseModel, width } = concept;
  const { id } = await blendConcept(gateway.library, {
    ...{ id: "secretblend", name: "chimera", blend: "mycat*0.6+dragon*0.4", created: new Date(0).toISOString() },
    ...{ viewer: viewerOf(ann), model: { baseModel, width, isWord: (words) => words === "dragon" } },
  });
  const shareBlend = () => gateway.call(ann, routes.shareConcept, id, { scope: "server" });
  const refused = await shareBlend();
  expect(refused.status).toBe(409);
  expect(refused.body.error?.message).toContain("<mycat> by name101");
  expect((await gateway.json(bob, "GET", "/concepts")).body["concepts"]).toEqual([]);

  await gateway.call(ann, routes.shareConcept, ids.concept, { scope: "server" });
  expect((await shareBlend()).body["changed"]).toBe(true);
  await gateway.call(ann, routes.shareConcept, ids.concept, { scope: "private" });
  const seen = (await gateway.json(bob, "GET", "/concepts")).body["concepts"] as ConceptMeta[];
  expect(seen.map(({ name }) => name)).toEqual(["chimera"]);
  expect((await gateway.call(bob, routes.readConcept, ids.concept)).status).toBe(404);
  await gateway.call(ann, routes.deleteConcept, id);
});

test("sharing answers what others write for it, and whether anything changed", async () => {
  const others = person("108", "9");
  await teach(gateway, others, "othersfox", "fox");
  await teach(gateway, person("109", "9"), "latefox", "fox");
  const shareFox = async (who: Identity, id: string) => {
    const { body } = await gateway.call(who, routes.shareConcept, id, { scope: "server" });
    return { reference: body["reference"], changed: body["changed"] };
  };
  expect(await shareFox(others, "othersfox")).toEqual({ reference: "fox", changed: true });
  expect(await shareFox(others, "othersfox")).toEqual({ reference: "fox", changed: false });
  const late = await Promise.all([1, 2].map(() => shareFox(person("109", "9"), "latefox")));
  expect(late.toSorted((a, b) => Number(b["changed"]) - Number(a["changed"]))).toEqual(
    [true, false].map((changed) => ({ reference: "name109/fox", changed })),
  );
});

test("a moderator who asks twice is answered twice, and told no more of it than whose word it was", async () => {
  const [owner, moderator] = [person("110", "1"), person("111", "1", { moderator: true })];
  const { id } = await teach(gateway, owner, "rudeword", "rude");
  await gateway.call(owner, routes.shareConcept, id, { scope: "server" });
  const takeOut = () => gateway.call(moderator, routes.shareConcept, id, { scope: "private" });
  const told = { id, name: "rude", owner: owner.user, reference: "rude" };
  expect(await takeOut()).toEqual({ status: 200, body: { ...told, changed: true } });
  await gateway.call({ ...owner, server: "2" }, routes.shareConcept, id, { scope: "server" });
  expect(await takeOut()).toEqual({ status: 200, body: { ...told, changed: false } });
  await gateway.call(owner, routes.forgetMe);
  expect((await takeOut()).status).toBe(404);
});

test("what was taken out of a server is listed with a beginning and a limit, like every word", async () => {
  const [owner, moderator] = [person("112", "1"), person("113", "1", { moderator: true })];
  for (const name of ["slur", "slug", "rude"]) {
    const { id } = await teach(gateway, owner, `barred${name}`, name);
    await gateway.call(owner, routes.shareConcept, id, { scope: "server" });
    await gateway.call(moderator, routes.shareConcept, id, { scope: "private" });
  }
  const list = (query: string) => gateway.json(moderator, "GET", `/barred-concepts${query}`);
  const told = (name: string) => ({ id: `barred${name}`, name, owner: owner.user });
  expect((await list("")).body["concepts"]).toEqual(["rude", "slug", "slur"].map(told));
  expect((await list("?prefix=sl&limit=1")).body["concepts"]).toEqual([told("slug")]);
  expect((await list("?limit=101")).status).toBe(400);
});

test("deleted is gone at once for everybody, and undo brings it back", async () => {
  const { body } = await gateway.call(ann, routes.deleteConcept, ids.concept);
  expect(Date.parse(body["undoUntil"] as string)).toBeGreaterThan(Date.now());
  expect((await gateway.call(ann, routes.readConcept, ids.concept)).status).toBe(404);
  const use = { input: { task: "imagine", prompt: "<mycat>" } };
  expect((await gateway.json(ann, "PUT", "/predictions/gone", use)).status).toBe(404);
  expect((await gateway.call(ann, routes.restoreConcept, ids.concept)).status).toBe(200);
  expect((await gateway.json(ann, "PUT", "/predictions/back", use)).body["status"]).toBe("succeeded");
});

test("forgetting erases every concept of the person who signed, deleted ones too, and nobody else's", async () => {
  const [first, second, others] = await Promise.all([
    teach(gateway, eve, "eves1", "fox"),
    teach(gateway, eve, "eves2", "owl"),
    teach(gateway, bob, "bobs", "fox"),
  ]);
  await gateway.call(eve, routes.shareConcept, first.id, { scope: "server" });
  await gateway.call(eve, routes.deleteConcept, second.id);
  const before = await snapshot();
  const { status, body } = await gateway.call(eve, routes.forgetMe);
  expect({ status, failed: body["failed"] }).toEqual({ status: 200, failed: 0 });
  expect(body["removed"]).toBeGreaterThan(8);
  expect(keysOf().filter((key) => key.includes("eves") || key.includes(eve.user.id))).toEqual([]);
  expect((await gateway.call(bob, routes.readConcept, first.id)).status).toBe(404);
  expect((await gateway.call(eve, routes.restoreConcept, second.id)).status).toBe(404);
  expect((await gateway.call(bob, routes.readConcept, others.id)).status).toBe(200);
  expect(await snapshot()).toEqual(before);
  expect((await gateway.call(eve, routes.forgetMe)).body).toEqual({ removed: 0, failed: 0 });
});

/** Everything of Ann's, byte for byte. */
async function snapshot(): Promise<Record<string, string>> {
  await until(async () => (await gateway.ledger.open()).length === 0);
  const own = keysOf().filter((key) => /secret|mycat|uploads\/101/.test(key) && !key.startsWith("expire/"));
  const entries = own.map(async (key) => [
    key,
    Buffer.from((await gateway.store.get(key))?.data ?? []).toString("base64"),
  ]);
  return Object.fromEntries(await Promise.all(entries));
}

function keysOf(): string[] {
  return (gateway.store as unknown as { keys(): string[] }).keys();
}
