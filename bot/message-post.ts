import {
  type APIMessage,
  CannotSendMessagesToThisUserErrorCodes,
  RESTJSONErrorCodes as Codes,
  DiscordAPIError,
  type REST,
  Routes,
} from "discord.js";
import type { DeliveryAddress } from "../shared/api.ts";
import { type Card, cardRequest, type KnownFiles } from "./card.ts";

/** A message after it was written: where it is, and its files. */
export interface Posted {
  readonly channelId: string;
  readonly messageId: string;
  readonly files: KnownFiles;
}

/** The interaction's token counts as expired this long before it is, so that no request is made in vain. */
const marginMs = 10_000;

/** Edits the message at an address. Undefined when that cannot be done any more: the token has expired, the message is
 * gone, its thread is archived or locked, or the bot may not write there. */
export async function editAt(
  rest: REST,
  address: DeliveryAddress,
  card: Card,
  known: KnownFiles,
  nowMs: number,
): Promise<Posted | undefined> {
  const isFresh = nowMs < address.tokenExpiresMs - marginMs;
  if (!isFresh && address.ephemeral) return undefined;
  // Answered or carried, the message is the original one of the interaction whose token this is.
  const route = isFresh
    ? Routes.webhookMessage(address.applicationId, address.token)
    : Routes.channelMessage(address.channelId, address.messageId);
  const { body, files } = cardRequest(card, known);
  try {
    return posted((await rest.patch(route, { body, files, auth: !isFresh })) as APIMessage);
  } catch (error) {
    if (isRefused(error, unreachable)) return undefined;
    throw error;
  }
}

/** Sends a direct message, once for each `nonce`. Undefined when the person takes none, shares no server with the bot any more, or is gone. */
export async function sendDirectly(rest: REST, userId: string, card: Card, nonce: string): Promise<Posted | undefined> {
  try {
    const channel = (await rest.post(Routes.userChannels(), { body: { recipient_id: userId } })) as { id: string };
    return await sendTo(rest, channel.id, card, nonce);
  } catch (error) {
    if (isRefused(error, unreachable)) return undefined;
    throw error;
  }
}

/** Writes into a channel, once for each `nonce`. Undefined when the bot may not, or its person takes no direct messages. */
export async function sendTo(rest: REST, channelId: string, card: Card, nonce: string): Promise<Posted | undefined> {
  const { body, files } = cardRequest(card);
  try {
    const sent = await rest.post(Routes.channelMessages(channelId), {
      body: { ...body, nonce, enforce_nonce: true },
      files,
    });
    return posted(sent as APIMessage);
  } catch (error) {
    if (isRefused(error, unreachable)) return undefined;
    throw error;
  }
}

/** Refusals for good: repeating the request would not help. */
const unreachable: readonly number[] = [
  ...CannotSendMessagesToThisUserErrorCodes,
  Codes.UnknownUser,
  Codes.InvalidRecipients,
  Codes.UnknownChannel,
  Codes.UnknownMessage,
  Codes.UnknownWebhook,
  Codes.MissingAccess,
  Codes.MissingPermissions,
  Codes.InvalidWebhookToken,
  Codes.InvalidActionOnArchivedThread,
  Codes.ThreadLocked,
];

function isRefused(error: unknown, codes: readonly number[]): boolean {
  return error instanceof DiscordAPIError && codes.includes(Number(error.code));
}

function posted(message: APIMessage): Posted {
  const files = new Map(message.attachments.map(({ filename, id }) => [filename, id]));
  return { channelId: message.channel_id, messageId: message.id, files };
}
