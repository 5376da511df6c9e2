import { fileURLToPath } from "node:url";
import { Client, Events, GatewayIntentBits, OAuth2Scopes, PermissionFlagsBits } from "discord.js";
import { UserError } from "../shared/error.ts";
import { type Clock, systemClock } from "./clock.ts";
import type { BotContext, Log } from "./command.ts";
import { commands } from "./commands/index.ts";
import { type BotConfig, readBotConfig } from "./config.ts";
import { createDeliveries } from "./deliveries.ts";
import { explainCards } from "./explain-cards.ts";
import { createFunctionClient } from "./function-client.ts";
import { handleInteraction } from "./handle-interaction.ts";
import { serviceIdentity } from "./identity.ts";
import { imagineCards } from "./imagine-cards.ts";
import { learnCards } from "./learn-cards.ts";
import { endDoubles, registerCommands } from "./register.ts";
import { startError } from "./start-error.ts";

export interface Bot {
  /** Where a server's owner brings the bot in, with the rights that it uses. */
  readonly invite: string;
  /** Leaves Discord. Unfinished messages go to the next bot: at once, or, as after a crash, when the leases have run out. */
  stop(options?: { readonly release?: boolean }): Promise<void>;
}

/** Connects to Discord, registers the commands, takes up what an earlier bot has left, and answers until stopped.
 * Nothing stays connected when it rejects. */
export async function startBot(config: BotConfig, clock: Clock = systemClock, log: Log = logLine): Promise<Bot> {
  const client = new Client({
    intents: [GatewayIntentBits.Guilds],
    allowedMentions: { parse: [] },
    rest: { api: config.discordApi },
  });
  client.on(Events.Error, (error) => log("discord", { error: String(error) }));
  const functions = createFunctionClient(config.gatewayUrl, config.signingSecret, clock);
  const ready = new Promise<Client<true>>((resolve) => client.once(Events.ClientReady, resolve));
  await client.login(config.discordToken).catch((error: unknown) => {
    throw startError(error, config);
  });
  const { application } = await ready;
  const { ViewChannel, SendMessages, SendMessagesInThreads, AttachFiles } = PermissionFlagsBits;
  const invite = client.generateInvite({
    scopes: [OAuth2Scopes.Bot, OAuth2Scopes.ApplicationsCommands],
    permissions: [ViewChannel, SendMessages, SendMessagesInThreads, AttachFiles],
  });

  const deliveries = createDeliveries(
    {
      rest: client.rest,
      functions,
      clock,
      log,
      cards: { learn: learnCards, imagine: imagineCards, explain: explainCards },
    },
    serviceIdentity(application.id),
  );
  const context: BotContext = { config, clock, log, functions, deliveries };
  const handling = new Set<Promise<void>>();
  client.on(Events.InteractionCreate, (interaction) => {
    const work = handleInteraction(interaction, commands, context).finally(() => handling.delete(work));
    handling.add(work);
  });
  const stopping = new AbortController();
  let watching: Promise<unknown> | undefined;
  const bot: Bot = {
    invite,
    async stop({ release = true } = {}) {
      stopping.abort();
      if (release) await Promise.all(handling);
      await deliveries.stop(release);
      await watching;
      await client.destroy();
    },
  };
  try {
    await registerCommands(
      client.rest,
      application.id,
      config.discordServer,
      commands.map(({ data }) => data),
      log,
    );
  } catch (error) {
    // A connection that stays open keeps the process alive, with nobody who could stop it.
    await bot.stop();
    throw startError(error, config, invite);
  }
  // Of each server one question, so nobody waits for it.
  const servers = [...client.guilds.cache.keys()];
  const tidying = endDoubles(client.rest, application.id, config.discordServer, servers, log, stopping.signal);
  watching = Promise.all([
    deliveries.watch(),
    tidying.catch((error: unknown) => log("commands not looked through", { error: String(error) })),
  ]);
  log("ready", { application: application.id, invite });
  return bot;
}

/** One JSON line to standard output. */
const logLine: Log = (event, fields) => {
  process.stdout.write(`${JSON.stringify({ time: new Date().toISOString(), event, ...fields })}\n`);
};

async function main(): Promise<void> {
  const bot = await startBot(readBotConfig());
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => void bot.stop());
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  main().catch((error: unknown) => {
    process.stderr.write(`${error instanceof UserError ? error.message : String(error)}\n`);
    process.exitCode = 1;
  });
}
