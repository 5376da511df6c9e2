import { ButtonStyle, ComponentType, MessageFlags, PermissionFlagsBits, TextInputStyle } from "discord.js";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { type Emulator, startEmulator } from "./emulator.ts";
import { createInteraction } from "./interactions.ts";
import type { Member } from "./member.ts";
import type { Channel, Guild, Interaction } from "./world.ts";

let emulator: Emulator;
let guild: Guild;
let channel: Channel;
let ada: Member;

beforeEach(async () => {
  emulator = await startEmulator();
  guild = emulator.addGuild("Potting shed");
  channel = emulator.addChannel(guild, "general");
  ada = emulator.addMember(guild, channel, "ada");
});

afterEach(async () => {
  emulator.world.faults.length = 0;
  await emulator.close();
});

interface Reply {
  readonly status: number;
  readonly code: number | undefined;
  readonly text: string;
  readonly json: Record<string, unknown>;
  readonly headers: Headers;
}

type Files = Readonly<Record<string, number>>;

/** One REST request as the bot; `files` are names with sizes in bytes. */
async function call(method: string, path: string, body?: unknown, files?: Files, token?: string): Promise<Reply> {
  const headers: Record<string, string> = { authorization: `Bot ${token ?? emulator.world.botToken}` };
  let sent: FormData | string | null = null;
  if (files !== undefined) {
    const form = new FormData();
    form.set("payload_json", JSON.stringify(body));
    for (const [index, [name, size]] of Object.entries(files).entries()) {
      form.set(`files[${index}]`, new Blob([new Uint8Array(size)], { type: "image/png" }), name);
    }
    sent = form;
  } else if (body !== undefined) {
    headers["content-type"] = "application/json";
    sent = typeof body === "string" ? body : JSON.stringify(body);
  }
  const response = await fetch(`${emulator.restUrl}/v10${path}`, { method, headers, body: sent });
  const text = await response.text();
  const json = text.startsWith("{") || text.startsWith("[") ? (JSON.parse(text) as Record<string, unknown>) : {};
  return { status: response.status, code: json["code"] as number | undefined, text, json, headers: response.headers };
}

const post = (body: unknown, files?: Files) => call("POST", `/channels/${channel.id}/messages`, body, files);

function interact(type: 2 | 3 | 4 | 5 = 2, sourceMessageId?: string): Interaction {
  const data = { id: "1", name: "learn", type: 1 };
  return createInteraction(emulator.world, {
    type,
    userId: ada.id,
    channelId: channel.id,
    data,
    sourceMessageId,
    locale: "en-US",
  });
}

const answer = ({ id, token }: Interaction, body: unknown, files?: Files) =>
  call("POST", `/interactions/${id}/${token}/callback`, body, files);

const hook = (method: string, { token }: Interaction, path: string, body?: unknown, files?: Files) =>
  call(method, `/webhooks/${emulator.world.applicationId}/${token}${path}`, body, files);

const v2 = MessageFlags.IsComponentsV2;
const say = (content: string) => ({ type: ComponentType.TextDisplay, content });
const button = (custom_id: string, more: object = {}) => ({
  type: ComponentType.Button,
  style: ButtonStyle.Primary,
  label: "Go",
  custom_id,
  ...more,
});
const row = (...components: object[]) => ({ type: ComponentType.ActionRow, components });
const gallery = (...urls: string[]) => ({
  type: ComponentType.MediaGallery,
  items: urls.map((url) => ({ media: { url } })),
});

/** The request was refused as an invalid form, and the errors name this code. */
function expectForm(reply: Reply, code: string): void {
  expect(reply.status, reply.text).toBe(400);
  expect(reply.code, reply.text).toBe(50035);
  expect(reply.text).toContain(code);
}

function expectRefused(reply: Reply, status: number, code: number): void {
  expect([reply.status, reply.code], reply.text).toEqual([status, code]);
}

describe("interactions", () => {
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
});

describe("modals and autocomplete", () => {
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
});

describe("messages", () => {
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
});

describe("components", () => {
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
});

describe("permissions", () => {
  test("a channel that the bot may not see is 50001", async () => {
    emulator.deny(channel, PermissionFlagsBits.ViewChannel);
    expectRefused(await post({ content: "x" }), 403, 50001);
  });

  test("a channel where the bot may not write, or attach, is 50013", async () => {
    emulator.deny(channel, PermissionFlagsBits.AttachFiles);
    expectRefused(await post({ content: "x" }, { "a.png": 1 }), 403, 50013);
    emulator.deny(channel, PermissionFlagsBits.SendMessages);
    expectRefused(await post({ content: "x" }), 403, 50013);
  });

  test("closed direct messages are 50007", async () => {
    const dm = await call("POST", "/users/@me/channels", { recipient_id: ada.id });
    const path = `/channels/${dm.json["id"]}/messages`;
    expect((await call("POST", path, { content: "hello" })).status).toBe(200);
    const user = emulator.world.users.get(ada.id);
    if (user) user.closedToDirectMessages = true;
    expectRefused(await call("POST", path, { content: "hello?" }), 403, 50007);
  });

  test("an ephemeral message is unknown to the bot's own token and to other members", async () => {
    const ben = emulator.addMember(guild, channel, "ben");
    const interaction = interact();
    await answer(interaction, { type: 4, data: { content: "secret", flags: 64 } });
    const id = emulator.world.interactions.get(interaction.id)?.originalId;
    expectRefused(await call("PATCH", `/channels/${channel.id}/messages/${id}`, { content: "x" }), 404, 10008);
    expectRefused(await call("GET", `/channels/${channel.id}/messages/${id}`), 404, 10008);
    expect([ada.see().length, ben.see().length]).toEqual([1, 0]);
  });

  test("somebody else's message cannot be edited: 50005", async () => {
    const { id } = ada.post("mine");
    expectRefused(await call("PATCH", `/channels/${channel.id}/messages/${id}`, { content: "x" }), 403, 50005);
  });

  test("a wrong bot token is 401, an unknown channel 10003", async () => {
    expectRefused(await call("GET", "/users/@me", undefined, undefined, "no"), 401, 0);
    expectRefused(await call("POST", "/channels/5/messages", { content: "x" }), 404, 10003);
  });
});

describe("commands", () => {
  const command = (name: string, more: object = {}) => ({ name, description: "d", ...more });
  const put = (body: unknown) =>
    call("PUT", `/applications/${emulator.world.applicationId}/guilds/${guild.id}/commands`, body);
  const add = (body: unknown) =>
    call("POST", `/applications/${emulator.world.applicationId}/guilds/${guild.id}/commands`, body);
  const option = (name: string, more: object = {}) => ({ type: 3, name, description: "d", ...more });

  test("names are lower case, of 1 to 32 letters, and once each", async () => {
    for (const name of ["Learn", "two words", "", "x".repeat(33), "a!"]) expectForm(await add(command(name)), "name");
    expectForm(await put([command("a"), command("a")]), "DUPLICATE_NAME");
  });

  test("a description has 1 to 100 characters", async () => {
    expectForm(await add(command("a", { description: "" })), "BASE_TYPE_BAD_LENGTH");
    expectForm(await add(command("a", { description: "x".repeat(101) })), "BASE_TYPE_BAD_LENGTH");
  });

  test("25 options, 25 choices, required ones first, names once", async () => {
    const many = Array.from({ length: 26 }, (_, index) => option(`o${index}`));
    expectForm(await add(command("a", { options: many })), "BASE_TYPE_BAD_LENGTH");
    const choices = Array.from({ length: 26 }, (_, index) => ({ name: `${index}`, value: `${index}` }));
    expectForm(await add(command("a", { options: [option("o", { choices })] })), "BASE_TYPE_BAD_LENGTH");
    expectForm(
      await add(command("a", { options: [option("o"), option("p", { required: true })] })),
      "REQUIRED_INVALID",
    );
    expectForm(await add(command("a", { options: [option("o"), option("o")] })), "NAME_ALREADY_EXISTS");
  });

  test("an option has either choices or autocomplete", async () => {
    const both = option("o", { autocomplete: true, choices: [{ name: "a", value: "a" }] });
    expectForm(await add(command("a", { options: [both] })), "CHOICES_AUTOCOMPLETE");
    expectForm(await add(command("a", { options: [option("o", { type: 5, autocomplete: true })] })), "errors");
  });

  test("a command has 8,000 characters in all", async () => {
    const options = Array.from({ length: 4 }, (_, number) =>
      option(`o${number}`, {
        choices: Array.from({ length: 25 }, (_, index) => ({
          name: `${index}`.padEnd(50),
          value: `${index}`.padEnd(50),
        })),
      }),
    );
    expectForm(await add(command("a", { options })), "APPLICATION_COMMAND_TOO_LARGE");
  });

  test("a context menu entry has no description and no options", async () => {
    expectForm(await add({ type: 3, name: "Learn this", description: "no" }), "description");
    expect((await add({ type: 3, name: "Learn this" })).status).toBe(201);
  });

  test("100 slash commands and 15 message commands are the most", async () => {
    expectRefused(await put(Array.from({ length: 101 }, (_, index) => command(`c${index}`))), 400, 30032);
    expectRefused(await put(Array.from({ length: 16 }, (_, index) => ({ type: 3, name: `c${index}` }))), 400, 30032);
  });

  test("200 creations a day are the most; replacing a command is none", async () => {
    const hundred = (prefix: string) => Array.from({ length: 100 }, (_, index) => command(`${prefix}${index}`));
    for (const prefix of ["a", "b", "b"]) {
      expect((await put(hundred(prefix))).status).toBe(200);
      emulator.clock.advance(60_000);
    }
    expectRefused(await put(hundred("c")), 429, 30034);
    emulator.clock.advance(24 * 60 * 60_000);
    expect((await put(hundred("c"))).status).toBe(200);
  });
});

describe("the service", () => {
  test("the sixth message in five seconds is 429 with retry_after, and passes after it", async () => {
    for (let index = 0; index < 5; index++) expect((await post({ content: "x" })).status).toBe(200);
    const refused = await post({ content: "x" });
    expect(refused.status).toBe(429);
    const seconds = refused.json["retry_after"] as number;
    expect(seconds).toBeGreaterThan(0);
    expect(refused.headers.get("retry-after")).toBe(String(seconds));
    emulator.clock.advance(seconds * 1000 + 1);
    expect((await post({ content: "x" })).status).toBe(200);
  });

  test("an unknown route fails loudly", async () => {
    const broken = await startEmulator();
    const headers = { authorization: `Bot ${broken.world.botToken}` };
    expect((await fetch(`${broken.restUrl}/v10/nonsense`, { headers })).status).toBe(404);
    await expect(broken.close()).rejects.toThrow("unknown route GET /api/v10/nonsense");
  });

  test("an attachment's address is signed and expires", async () => {
    const { json } = await post({ content: "x" }, { "a.png": 3 });
    const url = String((json["attachments"] as { url: string }[])[0]?.url);
    expect((await fetch(url)).status).toBe(200);
    expect((await fetch(url.replace("/a.png", "/b.png"))).status).toBe(404);
    emulator.clock.advance(24 * 60 * 60_000 + 1_000);
    expect((await fetch(url)).status).toBe(404);
  });

  test("the gateway closes on a wrong token, on unapproved intents and on an unknown opcode", async () => {
    const token = emulator.world.botToken;
    const identify = (d: object) => ({ op: 2, d: { token, intents: 1, properties: { os: "linux" }, ...d } });
    expect(await closeCode(identify({ token: "no" }))).toBe(4004);
    expect(await closeCode(identify({ intents: 1 << 15 }))).toBe(4014);
    expect(await closeCode({ op: 99, d: null })).toBe(4001);
    expect(await closeCode({ op: 3, d: null })).toBe(4003);
  });
});

function closeCode(frame: object): Promise<number> {
  return new Promise((resolve) => {
    const socket = new WebSocket(`${emulator.world.origin.replace("http", "ws")}/?v=10&encoding=json`);
    socket.on("message", () => socket.send(JSON.stringify(frame)));
    socket.on("close", resolve);
  });
}
