import { existsSync, readFileSync } from "node:fs";
import { parseEnv } from "node:util";
import { z } from "zod";
import { UserError } from "../shared/error.ts";
import { minSecretCharacters } from "../shared/identity.ts";

/** The bot's settings. It has no cloud credentials and no store: a token for Discord, and the gateway's address and secret. */
export interface BotConfig {
  readonly discordToken: string;
  /** Register commands in this server alone, where they appear at once; everywhere when absent. */
  readonly discordServer?: string;
  /** Base of Discord's REST API, without the version. */
  readonly discordApi: string;
  /** Origins that attachments may be downloaded from: never any other, whatever an interaction says. */
  readonly attachmentOrigins: readonly string[];
  readonly gatewayUrl: string;
  readonly signingSecret: string;
}

/** Every variable that the bot reads. The description says what it may be: people read it in errors. */
export const Environment = z.object({
  DISCORD_TOKEN: z
    .stringFormat("token", /^\S{20,200}$/)
    .describe("the bot's token, from the Bot page of the Discord developer portal"),
  DISCORD_SERVER: z
    .stringFormat("id", /^\d{5,20}$/)
    .optional()
    .describe("the id of one server to register the commands in, for trying out"),
  GATEWAY_URL: z
    .url({ protocol: /^https?$/ })
    .default("http://127.0.0.1:8080")
    .describe("the http or https address of the gateway"),
  SIGNING_SECRET: z
    .string()
    .min(minSecretCharacters)
    .describe(`at least ${minSecretCharacters} characters, the same as the gateway's`),
});
type Name = keyof typeof Environment.shape;
type Variables = Readonly<Record<string, string | undefined>>;

/** The settings in the environment and, for what that leaves out, in a `.env` file of the working folder.
 * @throws UserError bad_config that names every wrong variable, without showing its value */
export function readBotConfig(variables: Variables = { ...readDotEnv(), ...process.env }): BotConfig {
  const given = Object.fromEntries(Object.entries(variables).filter(([, value]) => value?.trim()));
  const parsed = Environment.safeParse(given);
  if (!parsed.success) {
    const names = new Set(parsed.error.issues.map((issue) => issue.path[0] as Name));
    const lines = [...names].map((name) => {
      const state = given[name] === undefined ? "missing" : "not as expected";
      return `${name} is ${state}: ${Environment.shape[name].description}. Set it in the environment or in .env.`;
    });
    throw new UserError("bad_config", lines.join("\n"));
  }
  const { DISCORD_SERVER, ...env } = parsed.data;
  return {
    discordToken: env.DISCORD_TOKEN,
    ...(DISCORD_SERVER && { discordServer: DISCORD_SERVER }),
    discordApi: "https://discord.com/api",
    attachmentOrigins: ["https://cdn.discordapp.com", "https://media.discordapp.net"],
    gatewayUrl: env.GATEWAY_URL,
    signingSecret: env.SIGNING_SECRET,
  };
}

/** As `readBotConfig`, for a service that has a bot only when somebody set it up: undefined without DISCORD_TOKEN.
 * `given` goes before the environment. @throws UserError bad_config */
export function findBotConfig(given: Variables = {}): BotConfig | undefined {
  const variables = { ...readDotEnv(), ...process.env, ...given };
  return variables["DISCORD_TOKEN"]?.trim() ? readBotConfig(variables) : undefined;
}

function readDotEnv(): Variables {
  return existsSync(".env") ? parseEnv(readFileSync(".env", "utf8")) : {};
}
