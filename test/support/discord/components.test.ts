import { ButtonStyle, ComponentType } from "discord.js";
import { expect, test } from "vitest";
import { button, call, channel, expectForm, gallery, post, row, say, v2 } from "./emulator-harness.ts";

test("a V2 message has no content and no embeds", async () => {
  expectForm(await post({ flags: v2, content: "x", components: [say("y")] }), "LEGACY_FIELDS_WITH_COMPONENTS_V2");
  expectForm(
    await post({ flags: v2, embeds: [{ title: "x" }], components: [say("y")] }),
    "LEGACY_FIELDS_WITH_COMPONENTS_V2",
  );
});

test("V2 components need the flag", async () => {
  expectForm(await post({ content: "x", components: [say("y")] }), "components");
});

test("the V2 flag stays: content cannot come back", async () => {
  const { json } = await post({ flags: v2, components: [say("y")] });
  const path = `/channels/${channel.id}/messages/${json["id"]}`;
  expectForm(await call("PATCH", path, { content: "x" }), "LEGACY_FIELDS_WITH_COMPONENTS_V2");
  const old = await post({ content: "x" });
  const edit = { flags: v2, components: [say("y")] };
  expectForm(await call("PATCH", `/channels/${channel.id}/messages/${old.json["id"]}`, edit), "LEGACY_FIELDS");
});

test("40 components in all: text, gallery and 25 buttons in a container are 33, forty-one are refused", async () => {
  const grid = (rows: number) =>
    Array.from({ length: rows }, (_, y) => row(...Array.from({ length: 5 }, (_, x) => button(`${y}.${x}`))));
  const container = (extra: object[]) => ({
    type: ComponentType.Container,
    components: [say("x"), gallery("https://x.test/a.png"), ...grid(5), ...extra],
  });
  const texts = (count: number) => Array.from({ length: count }, () => say("t"));
  expect((await post({ flags: v2, components: [container(texts(7))] })).status).toBe(200);
  expectForm(await post({ flags: v2, components: [container(texts(8))] }), "MAX_TOTAL_COMPONENTS");
});

test("half a surrogate pair is no text", async () => {
  expect((await post({ flags: v2, components: [say("🐱")] })).status).toBe(200);
  expectForm(await post({ flags: v2, components: [say("🐱".slice(0, 1))] }), "content");
  expectForm(await post({ content: "🐱".slice(1) }), "content");
});

test("text displays have 4,000 characters in all", async () => {
  expectForm(
    await post({ flags: v2, components: [say("x".repeat(2500)), say("x".repeat(1501))] }),
    "DISPLAYABLE_TEXT_SIZE",
  );
});

test("a row has one to five buttons, a message without V2 five rows", async () => {
  const buttons = Array.from({ length: 6 }, (_, index) => button(`b${index}`));
  expectForm(await post({ content: "x", components: [row(...buttons)] }), "BASE_TYPE_BAD_LENGTH");
  expectForm(await post({ content: "x", components: [row()] }), "BASE_TYPE_BAD_LENGTH");
  expectForm(await post({ content: "x", components: buttons.map((one) => row(one)) }), "BASE_TYPE_BAD_LENGTH");
});

test("a custom id has 1 to 100 characters and occurs once", async () => {
  expectForm(await post({ content: "x", components: [row(button("x".repeat(101)))] }), "BASE_TYPE_BAD_LENGTH");
  expectForm(await post({ content: "x", components: [row(button("a"), button("a"))] }), "CUSTOM_ID_DUPLICATED");
  const twice = [row(button("a")), { type: ComponentType.Container, components: [row(button("a"))] }];
  expectForm(await post({ flags: v2, components: twice }), "CUSTOM_ID_DUPLICATED");
});

test("a button has a label of 80 characters or an emoji, and an id or an address by its style", async () => {
  expectForm(
    await post({ content: "x", components: [row(button("a", { label: "x".repeat(81) }))] }),
    "BASE_TYPE_BAD_LENGTH",
  );
  expectForm(
    await post({ content: "x", components: [row({ type: 2, style: 1, custom_id: "a" })] }),
    "BUTTON_COMPONENT_INVALID",
  );
  expectForm(await post({ content: "x", components: [row(button("a", { style: ButtonStyle.Link }))] }), "url");
  expectForm(await post({ content: "x", components: [row(button("a", { style: 9 }))] }), "BASE_TYPE_CHOICES");
});

test("a select has 1 to 25 options with values that differ, alone in its row", async () => {
  const select = (count: number, value = (index: number) => `${index}`) => ({
    type: ComponentType.StringSelect,
    custom_id: "s",
    options: Array.from({ length: count }, (_, index) => ({ label: "o", value: value(index) })),
  });
  expectForm(await post({ content: "x", components: [row(select(26))] }), "BASE_TYPE_BAD_LENGTH");
  expectForm(await post({ content: "x", components: [row(select(0))] }), "BASE_TYPE_BAD_LENGTH");
  expectForm(await post({ content: "x", components: [row(select(2, () => "same"))] }), "VALUE_DUPLICATED");
  expectForm(await post({ content: "x", components: [row(select(2), button("a"))] }), "WIDTH_EXCEEDED");
});

test("a gallery has 1 to 10 pictures, and containers do not nest", async () => {
  expectForm(await post({ flags: v2, components: [gallery()] }), "BASE_TYPE_BAD_LENGTH");
  const eleven = Array.from({ length: 11 }, (_, index) => `https://x.test/${index}.png`);
  expectForm(await post({ flags: v2, components: [gallery(...eleven)] }), "BASE_TYPE_BAD_LENGTH");
  const nested = {
    type: ComponentType.Container,
    components: [{ type: ComponentType.Container, components: [say("x")] }],
  };
  expectForm(await post({ flags: v2, components: [nested] }), "components");
});
