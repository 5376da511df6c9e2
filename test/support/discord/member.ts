import { ApplicationCommandType, ComponentType } from "discord.js";
import type { Modal } from "./component-rules.ts";
import { fillModal } from "./fill-modal.ts";
import { createInteraction, firstResponseMs, type NewInteraction } from "./interactions.ts";
import { createMessage } from "./messages.ts";
import { messagePayload } from "./payloads.ts";
import { type SeenMessage, seeMessage } from "./seen-message.ts";
import { findCommand, type MemberFile, type OptionValue, typeCommand } from "./type-command.ts";
import { type Channel, directChannel, type Interaction, type World } from "./world.ts";

/** What a member got back for what they did. */
export interface Answer {
  readonly interaction: Interaction;
  /** The bot's message, or the one it changed, as it is now; undefined after a modal. */
  message(): SeenMessage | undefined;
  readonly modal: Modal | undefined;
}

/** Somebody at a keyboard: everything a Discord client lets them do with a bot, and nothing else. */
export interface Member {
  readonly id: string;
  readonly name: string;
  readonly channel: Channel;
  /** Sends `/name` with options; `/concepts list` is "concepts list". @throws Error as the client would not let it through */
  slash(command: string, options?: Readonly<Record<string, OptionValue>>): Promise<Answer>;
  /** The choices offered while typing the option. */
  autocomplete(
    command: string,
    option: string,
    typed: string,
  ): Promise<readonly { name: string; value: string | number }[]>;
  /** Presses the button with this label or custom id. @throws Error when it is not there, disabled, or not theirs to see */
  press(message: SeenMessage, button: string): Promise<Answer>;
  /** Presses without looking: what a tampered client can do with a message that it does not see. */
  forgePress(message: SeenMessage, customId: string): Promise<Answer>;
  /** Fills and sends the modal of an answer. Fields that are not named keep their value. */
  fill(answer: Answer, fields: Readonly<Record<string, string>>): Promise<Answer>;
  /** Apps > name, on a message. */
  menu(command: string, message: SeenMessage): Promise<Answer>;
  /** Writes a message with a file. */
  post(text: string, file?: MemberFile): SeenMessage;
  /** Messages that the member sees in a channel (their own when absent), oldest first. */
  see(channel?: Channel): readonly SeenMessage[];
  /** Direct messages from the bot. */
  inbox(): readonly SeenMessage[];
  /** Waits until `find` returns something. @throws Error with what was seen last, after `timeoutMs` of real time */
  until<T>(find: () => T | undefined | false, timeoutMs?: number): Promise<T>;
}

export function createMember(world: World, id: string, channel: Channel, locale = "en-US"): Member {
  const name = world.users.get(id)?.name ?? "";
  const see = (where: Channel) =>
    [...world.messages.values()]
      .filter((message) => message.channelId === where.id && !message.deleted)
      .filter((message) => message.visibleTo === undefined || message.visibleTo === id)
      .map((message) => seeMessage(world, message));

  const until = async <T>(find: () => T | undefined | false, timeoutMs = 10_000): Promise<T> => {
    const endMs = performance.now() + timeoutMs;
    for (;;) {
      const found = find();
      if (found !== undefined && found !== false) return found;
      if (performance.now() > endMs) {
        const last = see(channel)
          .concat(see(directChannel(world, id)))
          .map((message) => message.text);
        throw new Error(`${name} waited ${timeoutMs} ms in vain; seen: ${JSON.stringify(last.slice(-3))}`);
      }
      await nextChange(world);
    }
  };

  const act = async (from: Omit<NewInteraction, "userId" | "locale">): Promise<Answer> => {
    const interaction = createInteraction(world, { ...from, userId: id, locale });
    const isLate = () => world.clock.now() - interaction.createdMs > firstResponseMs;
    await until(() => interaction.answeredWith !== null || isLate());
    if (interaction.answeredWith === null) throw new Error("The application did not respond");
    return {
      interaction,
      modal: interaction.modal,
      message: () => {
        const message = interaction.originalId === undefined ? undefined : world.messages.get(interaction.originalId);
        return message === undefined || message.deleted ? undefined : seeMessage(world, message);
      },
    };
  };

  const pressComponent = (message: SeenMessage, customId: string) =>
    act({
      type: 3,
      channelId: message.channelId,
      sourceMessageId: message.id,
      data: { custom_id: customId, component_type: ComponentType.Button },
    });

  return {
    id,
    name,
    channel,
    async slash(text, options = {}) {
      const command = findCommand(world, channel, text.split(" ")[0] ?? "", ApplicationCommandType.ChatInput);
      return act({
        type: 2,
        channelId: channel.id,
        data: typeCommand(world, channel, command, text, options, undefined),
      });
    },
    async autocomplete(text, option, typed) {
      const command = findCommand(world, channel, text.split(" ")[0] ?? "", ApplicationCommandType.ChatInput);
      const data = typeCommand(world, channel, command, text, { [option]: typed }, option);
      const { interaction } = await act({ type: 4, channelId: channel.id, data });
      return interaction.choices ?? [];
    },
    async press(message, wanted) {
      const now = see(world.channels.get(message.channelId) ?? channel).find((seen) => seen.id === message.id);
      if (now === undefined) throw new Error(`${name} does not see this message`);
      const button = now.buttons.find(({ customId, label }) => customId === wanted || label === wanted);
      const labels = now.buttons.map(({ label }) => label).join(", ");
      if (button?.customId === undefined) throw new Error(`no button ${JSON.stringify(wanted)}; there are: ${labels}`);
      if (button.disabled) throw new Error(`the button ${JSON.stringify(wanted)} is disabled`);
      return pressComponent(now, button.customId);
    },
    forgePress: pressComponent,
    async fill({ interaction, modal }, fields) {
      if (modal === undefined) throw new Error("there is no modal to fill");
      return act({
        type: 5,
        channelId: interaction.channelId,
        sourceMessageId: interaction.sourceMessageId,
        data: { custom_id: modal.custom_id, components: fillModal(modal, fields) },
      });
    },
    async menu(text, message) {
      const command = findCommand(world, channel, text, ApplicationCommandType.Message);
      const target = world.messages.get(message.id);
      if (target === undefined) throw new Error("no such message");
      const messages = { [message.id]: messagePayload(world, target) };
      const data = { id: command.id, name: text, type: 3, target_id: message.id, resolved: { messages } };
      return act({ type: 2, channelId: channel.id, data });
    },
    post(text, file) {
      const files = file === undefined ? [] : [{ index: "0", ...file }];
      const message = createMessage(world, { content: text }, files, {
        channelId: channel.id,
        authorId: id,
        rule: "channel",
      });
      return seeMessage(world, message);
    },
    see: (where = channel) => see(where),
    inbox: () => see(directChannel(world, id)),
    until,
  };
}

/** Wakes at the next change of the world, and at least every 50 ms, because time passes too. */
function nextChange(world: World): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      world.events.off("change", done);
      resolve();
    };
    const timer = setTimeout(done, 50);
    world.events.once("change", done);
  });
}
