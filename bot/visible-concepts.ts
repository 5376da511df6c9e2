import { type ConceptSummary, routes } from "../shared/api.ts";
import type { Identity } from "../shared/identity.ts";
import type { ConceptReference } from "../shared/prompt.ts";
import type { FunctionClient } from "./function-client.ts";

/** What this person means by a name: theirs, else this server's, else anybody's public one; undefined when they see none. */
export async function findConcept(
  functions: FunctionClient,
  identity: Identity,
  { owner, name }: ConceptReference,
  timeoutMs?: number,
): Promise<ConceptSummary | undefined> {
  const query = { prefix: name, limit: 100 };
  const { concepts } = await functions.call(routes.listConcepts, identity, { query, ...(timeoutMs && { timeoutMs }) });
  const named = concepts.filter((concept) => concept.name === name && isOwner(concept, owner));
  const order = (concept: ConceptSummary) =>
    concept.owner.id === identity.user.id ? 0 : concept.scope === "server" ? 1 : 2;
  return named.sort((a, b) => order(a) - order(b))[0];
}

/** True for a word that others do not see where this person is: a private one, or one shared in another server. */
export function isPrivateHere({ scope, scopeId }: ConceptSummary, { server }: Identity): boolean {
  return scope === "private" || (scope === "server" && scopeId !== server);
}

/** What this person writes between `<` and `>` to get just this one of the concepts that they see: its name, or owner/name where the
 * name alone may mean another. One's own comes first by its name. */
export function referenceAmong(
  { id, name, owner }: ConceptSummary,
  seen: readonly ConceptSummary[],
  { user }: Identity,
): string {
  const isPlain = owner.id === user.id || !seen.some((other) => other.name === name && other.id !== id);
  return isPlain ? name : `${owner.name}/${name}`;
}

/** By id, or by name in capitals or not, as the gateway does when it draws. */
export function isOwner({ owner }: Pick<ConceptSummary, "owner">, wanted: string | undefined): boolean {
  return wanted === undefined || owner.id === wanted || owner.name.toLowerCase() === wanted.toLowerCase();
}

/** The name that is being typed at the end of a prompt: what stands before its `<`, and what follows it; undefined when
 * no name is being typed. */
export function openName(prompt: string): { readonly before: string; readonly typed: string } | undefined {
  const match = /^(.*)<([^<>\s]{0,32})$/s.exec(prompt);
  return match === null ? undefined : { before: match[1] ?? "", typed: (match[2] ?? "").toLowerCase() };
}
