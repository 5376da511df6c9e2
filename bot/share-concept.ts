import type { ButtonInteraction, ChatInputCommandInteraction } from "discord.js";
import { routes } from "../shared/api.ts";
import type { Id } from "../shared/concept.ts";
import { cardOptions, conceptWord, quoted } from "./card.ts";
import type { FunctionClient } from "./function-client.ts";
import { identityOf } from "./identity.ts";
import { answerPrivately, noteCard } from "./replies.ts";
import { whyPrivate } from "./why-private.ts";

/** Lets the owner of a concept that a moderator took out of this server share it here again, and says so.
 * @throws UserError as the gateway said it */
export async function letInConcept(
  interaction: ChatInputCommandInteraction,
  id: Id,
  functions: FunctionClient,
): Promise<void> {
  const { name, owner } = await functions.call(routes.letInConcept, identityOf(interaction), { id });
  const [theirs, who] = [conceptWord(`${owner.name}/${name}`), quoted(owner.name)];
  await answerPrivately(
    interaction,
    noteCard(`${who} can share ${theirs} here again. Until then nobody else here can use it.`),
  );
}

/** Shares a concept with the server, or takes it back, a moderator somebody else's, and says so. Everybody may read that it is
 * shared, once; the rest is told in private. The interaction was deferred: a button's as an update, so that the pressed card stays, a command's as ephemeral.
 * @throws UserError as the gateway said it */
export async function shareConcept(
  interaction: ButtonInteraction | ChatInputCommandInteraction,
  id: Id,
  scope: "server" | "private",
  functions: FunctionClient,
): Promise<void> {
  const identity = identityOf(interaction);
  const shared = await functions.call(routes.shareConcept, identity, { id, body: { scope } });
  const word = conceptWord(shared.reference);
  const tell = (text: string) => answerPrivately(interaction, noteCard(text));
  if (shared.owner.id !== identity.user.id) {
    const [theirs, owner] = [conceptWord(`${shared.owner.name}/${shared.name}`), quoted(shared.owner.name)];
    return tell(
      `${theirs} is out of this server: nobody but ${owner} can use it, and ${owner} cannot share it here again until a moderator lets it in with \`/concepts share\`. Pictures that are already drawn stay.`,
    );
  }
  if (scope === "private") {
    const drawn = shared.changed ? "again: only you can use it. Pictures that are already drawn stay." : "already.";
    return tell(`${conceptWord(shared.name)} is private ${drawn}`);
  }
  const trial = `\`/imagine prompt:<${shared.reference}> in space\``;
  if (!shared.changed) return tell(`${word} is shared here already: ${trial}`);
  const why = whyPrivate(interaction, "words");
  if (why !== undefined) return tell(`${word} is shared here: ${trial}\n-# Only you see this, because ${why}.`);
  // Discord puts the first message after a deferred answer in its place, and that one is private.
  if (interaction.isChatInputCommand()) await tell(`${word} is shared here.`);
  const owner = quoted(interaction.user.displayName);
  const news = `📣 **${owner}** shares a new word: ${word}\nEverybody here can use it: ${trial}`;
  await interaction.followUp(cardOptions(noteCard(news)));
}
