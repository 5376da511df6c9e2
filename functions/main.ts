import { randomBytes } from "node:crypto";
import { fileURLToPath } from "node:url";
import { findBotConfig } from "../bot/config.ts";
import { startBot } from "../bot/main.ts";
import { startGateway } from "./api.ts";
import { type Config, readConfig } from "./config.ts";
import { runService, type Service } from "./open-service.ts";

/** Everything in one service, as `npm start` runs it: gateway, engine, and the bot when DISCORD_TOKEN is set. Gateway and bot share a
 * secret of their own where none is configured. */
export async function startAll(config: Config): Promise<Service> {
  const signingSecret = config.signingSecret ?? randomBytes(32).toString("hex");
  // Wrong settings of the bot are told before anything runs.
  const botConfig = findBotConfig({ SIGNING_SECRET: signingSecret, GATEWAY_URL: "http://127.0.0.1" });
  const gateway = await startGateway({ ...config, signingSecret });
  const url = `http://127.0.0.1:${gateway.port}`;
  const say = (text: string) => process.stdout.write(`${text}\n`);
  say(`Eponym answers at ${url} (health: ${url}/health-check, routes: ${url}/openapi.json).`);
  if (config.signingSecret === undefined)
    say("Only the bot of this service may call it: others need a SIGNING_SECRET in .env.");
  if (botConfig === undefined) {
    say(
      "No Discord bot: set DISCORD_TOKEN (see .env.example) to have one. `npm run demo` shows the rest without Discord.",
    );
    return gateway;
  }
  try {
    const bot = await startBot({ ...botConfig, gatewayUrl: url });
    say(`The Discord bot is online. Bring it into a server: ${bot.invite}`);
    return {
      port: gateway.port,
      async close() {
        await bot.stop();
        await gateway.close();
      },
    };
  } catch (error) {
    await gateway.close();
    throw error;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await runService(() => startAll(readConfig()));
