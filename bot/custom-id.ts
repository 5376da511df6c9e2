/** A button's or modal's id: a verb and store ids, nothing else. Discord allows 100 characters.
 * @throws Error when it would be longer */
export function customId(verb: string, ...ids: readonly (string | number)[]): string {
  const id = [verb, ...ids].join(":");
  if (id.length > 100) throw new Error(`custom id of ${id.length} characters: ${id}`);
  return id;
}

export function readCustomId(id: string): { readonly verb: string; readonly ids: readonly string[] } {
  const [verb = "", ...ids] = id.split(":");
  return { verb, ids };
}
