import type {
  AutocompleteInteraction,
  ButtonInteraction,
  ChatInputCommandInteraction,
  MessageContextMenuCommandInteraction,
  ModalSubmitInteraction,
  RESTPostAPIApplicationCommandsJSONBody,
} from "discord.js";
import type { Clock } from "./clock.ts";
import type { BotConfig } from "./config.ts";
import type { Deliveries } from "./deliveries.ts";
import type { FunctionClient } from "./function-client.ts";

/** Writes one line about something that happened: an event's name and its fields. */
export type Log = (event: string, fields: Readonly<Record<string, unknown>>) => void;

/** What every command works with. Nothing here remembers people or jobs. */
export interface BotContext {
  readonly config: BotConfig;
  readonly clock: Clock;
  readonly log: Log;
  readonly functions: FunctionClient;
  readonly deliveries: Deliveries;
}

/** Ids behind the verb of a custom id, in order. */
export type Ids = readonly string[];

/** One entry of Discord's command list with everything that its messages can do. Adding one is a file in commands/ and a line in
 * commands/index.ts. Handlers answer within three seconds, most by deferring first; what they throw is shown to the person. */
export interface Command {
  /** As registered: name, description, options. */
  readonly data: RESTPostAPIApplicationCommandsJSONBody;
  readonly run?: (interaction: ChatInputCommandInteraction, context: BotContext) => Promise<void>;
  readonly runOnMessage?: (interaction: MessageContextMenuCommandInteraction, context: BotContext) => Promise<void>;
  readonly autocomplete?: (interaction: AutocompleteInteraction, context: BotContext) => Promise<void>;
  /** By the verb of the custom id. Only the person whom the message answers gets here. */
  readonly buttons?: Readonly<
    Record<string, (interaction: ButtonInteraction, ids: Ids, context: BotContext) => Promise<void>>
  >;
  readonly modals?: Readonly<
    Record<string, (interaction: ModalSubmitInteraction, ids: Ids, context: BotContext) => Promise<void>>
  >;
}
