import { expect, test } from "vitest";
import { ada, call, channel, expectForm, expectRefused, gallery, post, v2 } from "./emulator-harness.ts";

test("content has at most 2,000 characters", async () => {
  expectForm(await post({ content: "x".repeat(2001) }), "BASE_TYPE_BAD_LENGTH");
});

test("an empty message is 50006", async () => {
  expectRefused(await post({ content: "  " }), 400, 50006);
  expectRefused(await post({}), 400, 50006);
});

test("a file has at most 10 MiB, a message at most ten", async () => {
  expectRefused(await post({ content: "x" }, { "a.png": 10 * 1024 * 1024 + 1 }), 413, 40005);
  const eleven = Object.fromEntries(Array.from({ length: 11 }, (_, index) => [`${index}.png`, 1]));
  expectForm(await post({ content: "x" }, eleven), "BASE_TYPE_BAD_LENGTH");
});

test("a request has at most 25 MiB", async () => {
  const mebibytes = 9 * 1024 * 1024;
  expectRefused(await post({}, { "a.png": mebibytes, "b.png": mebibytes, "c.png": mebibytes }), 413, 40005);
});

test("edits count the attachments that are kept", async () => {
  const six = (prefix: string) =>
    Object.fromEntries(Array.from({ length: 6 }, (_, index) => [`${prefix}${index}.png`, 1]));
  const { json } = await post({ content: "x" }, six("a"));
  const path = `/channels/${channel.id}/messages/${json["id"]}`;
  expectForm(await call("PATCH", path, {}, six("b")), "BASE_TYPE_BAD_LENGTH");
  expect((await call("PATCH", path, { attachments: [] }, six("b"))).status).toBe(200);
});

test("alt text has at most 1,024 characters", async () => {
  const attachments = [{ id: "0", description: "x".repeat(1025) }];
  expectForm(await post({ content: "x", attachments }, { "a.png": 1 }), "BASE_TYPE_BAD_LENGTH");
  const items = [{ media: { url: "https://x.test/a.png" }, description: "x".repeat(1025) }];
  expectForm(await post({ flags: v2, components: [{ ...gallery(), items }] }), "BASE_TYPE_BAD_LENGTH");
});

test("attachment:// must name a file of the message", async () => {
  const body = { flags: v2, components: [gallery("attachment://a.png")] };
  expectForm(await post(body), "REFERENCED_ATTACHMENT_NOT_FOUND");
  expect((await post(body, { "a.png": 1 })).status).toBe(200);
});

test("an attachment id that is no file of the request or message is refused", async () => {
  expectForm(await post({ content: "x", attachments: [{ id: "7" }] }), "ATTACHMENT_NOT_FOUND");
});

test("embeds have at most 6,000 characters in all", async () => {
  const embed = { description: "x".repeat(3001) };
  expectForm(await post({ embeds: [embed, embed] }), "MAX_EMBED_SIZE_EXCEEDED");
  expectForm(await post({ embeds: [{ title: "x".repeat(257) }] }), "BASE_TYPE_BAD_LENGTH");
});

test("allowed_mentions: parse and a list of ids exclude each other", async () => {
  const allowed_mentions = { parse: ["users"], users: [ada.id] };
  expectForm(await post({ content: "x", allowed_mentions }), "MENTIONS_PARSE_EXCLUSIVE");
});

test("mentions notify unless allowed_mentions says otherwise", async () => {
  await post({ content: `<@${ada.id}> @everyone` });
  await post({ content: `<@${ada.id}> @everyone`, allowed_mentions: { parse: [] } });
  expect(ada.see().map((message) => message.notified)).toEqual([[ada.id, "@everyone"], []]);
});

test("a repeated nonce makes no second message where it is enforced", async () => {
  const body = { content: "once", nonce: "n1", enforce_nonce: true };
  expect((await post(body)).json["id"]).toBe((await post(body)).json["id"]);
  expectForm(await post({ ...body, nonce: "x".repeat(26) }), "nonce");
});

test("an id sent as a number is refused where digits could be lost", async () => {
  expectForm(await call("POST", "/users/@me/channels", { recipient_id: Number(ada.id) }), "snowflake");
});

test("invalid JSON is 50109", async () => {
  expectRefused(await post("{"), 400, 50109);
});

test("in an archived thread nothing is edited, 50083, until a new message opens it again", async () => {
  const { json } = await post({ content: "x" });
  const edit = () => call("PATCH", `/channels/${channel.id}/messages/${json["id"]}`, { content: "y" });
  channel.archived = true;
  expectRefused(await edit(), 400, 50083);
  await post({ content: "news" });
  expect((await edit()).status).toBe(200);
});
