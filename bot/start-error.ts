import { DiscordAPIError, DiscordjsError, DiscordjsErrorCodes, RESTJSONErrorCodes } from "discord.js";
import { UserError } from "../shared/error.ts";
import type { BotConfig } from "./config.ts";

const unreachable = new Set([
  "ENOTFOUND",
  "EAI_AGAIN",
  "ECONNREFUSED",
  "ECONNRESET",
  "ETIMEDOUT",
  "UND_ERR_CONNECT_TIMEOUT",
]);

/** Why the bot could not start, in words for whoever runs it; what nobody can mend by a setting stays as it is. `invite` is the
 * link that brings the bot into a server, once it is known. */
export function startError(error: unknown, { discordServer }: Pick<BotConfig, "discordServer">, invite = ""): unknown {
  const told = (code: "bad_config" | "unavailable", message: string) => new UserError(code, message, { cause: error });
  if (isUnknownToken(error)) {
    return told(
      "bad_config",
      "DISCORD_TOKEN: Discord does not know this token. Copy it anew from the Bot page of the developer portal; resetting it there makes the old one invalid.",
    );
  }
  if (error instanceof DiscordAPIError && error.code === RESTJSONErrorCodes.MissingAccess && discordServer) {
    return told(
      "bad_config",
      `DISCORD_SERVER: Discord says Missing Access for server ${discordServer}. Check its id, and bring the bot into it: ${invite}`,
    );
  }
  const { code, cause } = Object(error) as { readonly code?: unknown; readonly cause?: { readonly code?: unknown } };
  const network = [code, cause?.code].find((one): one is string => typeof one === "string" && unreachable.has(one));
  if (network === undefined) return error;
  return told("unavailable", `Discord cannot be reached (${network}). Check this machine's network and start again.`);
}

function isUnknownToken(error: unknown): boolean {
  if (error instanceof DiscordAPIError) return error.status === 401;
  return error instanceof DiscordjsError && error.code === DiscordjsErrorCodes.TokenInvalid;
}
