import type { AutocompleteInteraction, ChatInputCommandInteraction } from "discord.js";
import { type BarredConcept, type ConceptSummary, routes } from "../shared/api.ts";
import { type ConceptName, conceptName } from "../shared/concept-name.ts";
import { UserError } from "../shared/error.ts";
import type { Identity } from "../shared/identity.ts";
import { limits } from "../shared/limits.ts";
import { short } from "../shared/short.ts";
import { conceptWord } from "./card.ts";
import type { FunctionClient } from "./function-client.ts";
import { identityOf } from "./identity.ts";
import { findConcept, isOwner, isPrivateHere } from "./visible-concepts.ts";

/** Discord waits three seconds for choices. */
const lookupMs = 1_500;

/** Offers the words that fit the subcommand and what has been typed of a name. */
export async function completeConcept(interaction: AutocompleteInteraction, functions: FunctionClient): Promise<void> {
  const subcommand = interaction.options.getSubcommand();
  const typed = splitName(interaction.options.getFocused().toLowerCase());
  const identity = identityOf(interaction);
  const found = await offeredTo(identity, subcommand, typed.name, functions);
  const choices = new Map<string, string>();
  for (const { name, caption, owner } of found) {
    if (!owner.name.toLowerCase().startsWith(typed.owner ?? "")) continue;
    const value = owner.id === identity.user.id ? name : `${owner.name}/${name}`;
    if (!choices.has(value)) choices.set(value, short(caption ? `${value} (${caption})` : value, 100));
  }
  await interaction.respond([...choices].slice(0, 25).map(([value, name]) => ({ name, value })));
}

type Offered = Pick<ConceptSummary, "name" | "caption" | "owner">;

/** The words that a subcommand has something to do with: of others, those that a moderator may take out of this server or let in. */
async function offeredTo(
  identity: Identity,
  subcommand: string,
  begin: string,
  functions: FunctionClient,
): Promise<readonly Offered[]> {
  if (subcommand === "restore") {
    const { concepts } = await functions.call(routes.listDeleted, identity, { timeoutMs: lookupMs });
    return concepts.filter(({ name }) => name.startsWith(begin));
  }
  const owner = identity.moderator && subcommand === "unshare" ? "anyone" : "me";
  const query = { prefix: begin.slice(0, limits.maxConceptNameCharacters), owner, limit: 100 };
  const listed = functions.call(routes.listConcepts, identity, { query, timeoutMs: lookupMs });
  if (subcommand === "share" && identity.moderator) {
    // Both at once: one after the other they could take the three seconds.
    const { prefix, limit } = query;
    const barred = functions.call(routes.listBarred, identity, { query: { prefix, limit }, timeoutMs: lookupMs });
    const [own, theirs] = await Promise.all([listed, barred]);
    return [...own.concepts.filter((concept) => isPrivateHere(concept, identity)), ...theirs.concepts];
  }
  const { concepts } = await listed;
  if (subcommand === "share") return concepts.filter((concept) => isPrivateHere(concept, identity));
  if (subcommand !== "unshare") return concepts;
  const isTheirs = ({ scope, scopeId }: ConceptSummary) => scope === "server" && scopeId === identity.server;
  return concepts.filter((each) => (each.owner.id === identity.user.id ? each.scope !== "private" : isTheirs(each)));
}

/** What was typed as a word's name, with or without `<` and `>`: its owner, where it is written owner/name, and its name. */
function splitName(typed: string): { readonly owner?: string; readonly name: string } {
  const text = typed.trim().replace(/^<|>$/g, "");
  const slash = text.lastIndexOf("/");
  return slash < 0 ? { name: text } : { owner: text.slice(0, slash), name: text.slice(slash + 1) };
}

/** The concept that is to be taken back: the person's own, or the one that they typed as owner/name. Whether they may, the gateway
 * says. @throws UserError bad_concept, not_found */
export async function sharedConcept(
  interaction: ChatInputCommandInteraction,
  functions: FunctionClient,
): Promise<ConceptSummary> {
  const { owner, name } = splitName(interaction.options.getString("name", true));
  const identity = identityOf(interaction);
  if (owner === undefined) {
    const advice = identity.moderator ? " Moderators take back somebody else's as `owner/name`." : "";
    return ownConcept(interaction, functions, advice);
  }
  const concept = await findConcept(functions, identity, { owner, name: conceptName(name) });
  if (concept !== undefined) return concept;
  throw new UserError("not_found", `Nobody has shared a word ${conceptWord(`${owner}/${name}`)} here.`);
}

/** The concept that a moderator typed as owner/name, so that it may be shared here again; undefined where they mean one of their own.
 * @throws UserError bad_concept, not_found */
export async function barredConcept(
  interaction: ChatInputCommandInteraction,
  functions: FunctionClient,
): Promise<BarredConcept | undefined> {
  const { owner, name } = splitName(interaction.options.getString("name", true));
  const identity = identityOf(interaction);
  if (owner === undefined || isOwner({ owner: identity.user }, owner) || !identity.moderator) return undefined;
  const wanted = conceptName(name);
  const { concepts } = await functions.call(routes.listBarred, identity, { query: { prefix: wanted, limit: 100 } });
  const concept = concepts.find((each) => each.name === wanted && isOwner(each, owner));
  if (concept !== undefined) return concept;
  const word = conceptWord(`${owner}/${name}`);
  throw new UserError("not_found", `No moderator took a word ${word} out of this server. Sharing it is for its owner.`);
}

/** The person's own concept of the name that they typed. `advice` follows the news that there is none. @throws UserError bad_concept, not_found */
export async function ownConcept(
  interaction: ChatInputCommandInteraction,
  functions: FunctionClient,
  advice = "",
): Promise<ConceptSummary> {
  const identity = identityOf(interaction);
  const name = ownName(interaction);
  const concept = await findConcept(functions, identity, { owner: identity.user.id, name });
  if (concept !== undefined) return concept;
  throw new UserError("not_found", `You have no word ${conceptWord(name)}.${advice}`);
}

/** What the person deleted last under the name that they typed, and can still have back. @throws UserError bad_concept, not_found */
export async function deletedConcept(
  interaction: ChatInputCommandInteraction,
  functions: FunctionClient,
): Promise<ConceptSummary> {
  const name = ownName(interaction);
  const { concepts } = await functions.call(routes.listDeleted, identityOf(interaction));
  const concept = concepts.find((each) => each.name === name);
  if (concept !== undefined) return concept;
  throw new UserError("not_found", `You deleted no word ${conceptWord(name)} in the last seven days.`);
}

/** The name that the person typed of a word of their own, with themselves as its owner or without. @throws UserError bad_concept */
function ownName(interaction: ChatInputCommandInteraction): ConceptName {
  const { owner, name } = splitName(interaction.options.getString("name", true));
  const isOwn = owner === undefined || isOwner({ owner: identityOf(interaction).user }, owner);
  return conceptName(isOwn ? name : `${owner}/${name}`);
}
