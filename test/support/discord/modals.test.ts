import { ComponentType, TextInputStyle } from "discord.js";
import { expect, test } from "vitest";
import { answer, button, expectForm, expectRefused, interact, post, row } from "./emulator-harness.ts";

const input = { type: ComponentType.TextInput, custom_id: "name", style: TextInputStyle.Short };
const field = (more: object = {}) => ({ type: ComponentType.Label, label: "Name", component: { ...input, ...more } });
const modal = (more: object = {}) => ({
  type: 9,
  data: { title: "Words", custom_id: "m", components: [field()], ...more },
});

test("a modal must be the first answer and cannot answer a modal", async () => {
  const interaction = interact();
  await answer(interaction, { type: 5 });
  expectRefused(await answer(interaction, modal()), 400, 40060);
  expectForm(await answer(interact(5), modal()), "CALLBACK_TYPE");
  expect((await answer(interact(), modal())).status).toBe(204);
});

test("a modal has one to five components and a title of 45 characters", async () => {
  expectForm(await answer(interact(), modal({ components: [] })), "BASE_TYPE_BAD_LENGTH");
  const six = Array.from({ length: 6 }, (_, index) => field({ custom_id: `f${index}` }));
  expectForm(await answer(interact(), modal({ components: six })), "BASE_TYPE_BAD_LENGTH");
  expectForm(await answer(interact(), modal({ title: "x".repeat(46) })), "BASE_TYPE_BAD_LENGTH");
});

test("a label has 45 characters, and a prefilled value must fit its field", async () => {
  expectForm(
    await answer(interact(), modal({ components: [{ ...field(), label: "x".repeat(46) }] })),
    "BASE_TYPE_BAD_LENGTH",
  );
  expectForm(
    await answer(interact(), modal({ components: [field({ max_length: 3, value: "long" })] })),
    "BASE_TYPE_BAD_LENGTH",
  );
});

test("a modal takes no buttons, a message no text input", async () => {
  expectForm(await answer(interact(), modal({ components: [row(button("a"))] })), "errors");
  expectForm(await post({ content: "x", components: [row(input)] }), "errors");
});

test("autocomplete offers at most 25 choices of 1 to 100 characters", async () => {
  const choices = (count: number, name = "n") => ({
    type: 8,
    data: { choices: Array.from({ length: count }, (_, i) => ({ name, value: `${i}` })) },
  });
  expectForm(await answer(interact(4), choices(26)), "BASE_TYPE_BAD_LENGTH");
  expectForm(await answer(interact(4), choices(1, "x".repeat(101))), "BASE_TYPE_BAD_LENGTH");
  expectForm(await answer(interact(4), choices(1, "")), "BASE_TYPE_BAD_LENGTH");
  expect((await answer(interact(4), choices(25))).status).toBe(204);
});

test("autocomplete can be answered only with choices, and choices answer nothing else", async () => {
  expectForm(await answer(interact(4), { type: 5 }), "CALLBACK_TYPE");
  expectForm(await answer(interact(2), { type: 8, data: { choices: [] } }), "CALLBACK_TYPE");
});
