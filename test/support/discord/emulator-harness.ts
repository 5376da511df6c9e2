import { ButtonStyle, ComponentType, MessageFlags } from "discord.js";
import { afterEach, beforeEach, expect } from "vitest";
import { type Emulator, startEmulator } from "./emulator.ts";
import { createInteraction } from "./interactions.ts";
import type { Member } from "./member.ts";
import type { Channel, Guild, Interaction } from "./world.ts";

/** Fresh for each test of the file that imports this. */
export let emulator: Emulator;
export let guild: Guild;
export let channel: Channel;
export let ada: Member;

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

export interface Reply {
  readonly status: number;
  readonly code: number | undefined;
  readonly text: string;
  readonly json: Record<string, unknown>;
  readonly headers: Headers;
}

type Files = Readonly<Record<string, number>>;

/** One REST request as the bot; `files` are names with sizes in bytes. */
export async function call(
  method: string,
  path: string,
  body?: unknown,
  files?: Files,
  token?: string,
): Promise<Reply> {
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

export const post = (body: unknown, files?: Files) => call("POST", `/channels/${channel.id}/messages`, body, files);

export function interact(type: 2 | 3 | 4 | 5 = 2, sourceMessageId?: string): Interaction {
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

export const answer = ({ id, token }: Interaction, body: unknown, files?: Files) =>
  call("POST", `/interactions/${id}/${token}/callback`, body, files);

export const hook = (method: string, { token }: Interaction, path: string, body?: unknown, files?: Files) =>
  call(method, `/webhooks/${emulator.world.applicationId}/${token}${path}`, body, files);

export const v2 = MessageFlags.IsComponentsV2;
export const say = (content: string) => ({ type: ComponentType.TextDisplay, content });
export const button = (custom_id: string, more: object = {}) => ({
  type: ComponentType.Button,
  style: ButtonStyle.Primary,
  label: "Go",
  custom_id,
  ...more,
});
export const row = (...components: object[]) => ({ type: ComponentType.ActionRow, components });
export const gallery = (...urls: string[]) => ({
  type: ComponentType.MediaGallery,
  items: urls.map((url) => ({ media: { url } })),
});

/** The request was refused as an invalid form, and the errors name this code. */
export function expectForm(reply: Reply, code: string): void {
  expect(reply.status, reply.text).toBe(400);
  expect(reply.code, reply.text).toBe(50035);
  expect(reply.text).toContain(code);
}

export function expectRefused(reply: Reply, status: number, code: number): void {
  expect([reply.status, reply.code], reply.text).toEqual([status, code]);
}
