import { expect, test } from "vitest";
import { answer, emulator, expectForm, expectRefused, hook, interact, v2 } from "./emulator-harness.ts";

test("a first answer after three seconds is 10062", async () => {
  const interaction = interact();
  emulator.clock.advance(3_001);
  expectRefused(await answer(interaction, { type: 5 }), 404, 10062);
});

test("a second answer is 40060", async () => {
  const interaction = interact();
  expect((await answer(interaction, { type: 5 })).status).toBe(204);
  expectRefused(await answer(interaction, { type: 4, data: { content: "hi" } }), 400, 40060);
});

test("an unknown interaction or a wrong token is 10062", async () => {
  const interaction = interact();
  expectRefused(await answer({ ...interaction, id: "5" }, { type: 5 }), 404, 10062);
  expectRefused(await answer({ ...interaction, token: "no" }, { type: 5 }), 404, 10062);
});

test("a token is dead after fifteen minutes: 50027", async () => {
  const interaction = interact();
  await answer(interaction, { type: 5 });
  emulator.clock.advance(15 * 60_000 - 1_000);
  expect((await hook("PATCH", interaction, "/messages/%40original", { content: "in time" })).status).toBe(200);
  emulator.clock.advance(1_001);
  expectRefused(await hook("PATCH", interaction, "/messages/%40original", { content: "late" }), 401, 50027);
});

test("a follow-up before the first answer is 10015", async () => {
  expectRefused(await hook("POST", interact(), "", { content: "hi" }), 404, 10015);
});

test("a deferred answer takes no flag but EPHEMERAL", async () => {
  expectForm(await answer(interact(), { type: 5, data: { flags: 64 | v2 } }), "MESSAGE_FLAGS_INVALID");
  expect((await answer(interact(), { type: 5, data: { flags: 64 } })).status).toBe(204);
});

test("EPHEMERAL cannot be set by an edit", async () => {
  const interaction = interact();
  await answer(interaction, { type: 5 });
  expectForm(
    await hook("PATCH", interaction, "/messages/@original", { content: "x", flags: 64 }),
    "MESSAGE_FLAGS_INVALID",
  );
});

test("only a component can update its message", async () => {
  expectForm(await answer(interact(2), { type: 6 }), "CALLBACK_TYPE");
  expectForm(await answer(interact(2), { type: 7, data: { content: "x" } }), "CALLBACK_TYPE");
});

test("a token reaches only its own messages", async () => {
  const first = interact();
  await answer(first, { type: 4, data: { content: "hi", flags: 64 } });
  const second = interact();
  await answer(second, { type: 5 });
  const other = emulator.world.interactions.get(first.id)?.originalId;
  expectRefused(await hook("PATCH", second, `/messages/${other}`, { content: "x" }), 404, 10008);
});

test("a first follow-up completes the deferred message, later ones are new", async () => {
  const interaction = interact();
  await answer(interaction, { type: 5 });
  const first = await hook("POST", interaction, "", { content: "one" });
  const second = await hook("POST", interaction, "", { content: "two" });
  expect(first.json["id"]).toBe(emulator.world.interactions.get(interaction.id)?.originalId);
  expect(second.json["id"]).not.toBe(first.json["id"]);
});
