import { type REST, type RESTPostAPIApplicationCommandsJSONBody, Routes } from "discord.js";
import type { Log } from "./command.ts";

type Wanted = RESTPostAPIApplicationCommandsJSONBody;
type Registered = Readonly<Record<string, unknown>> & { readonly id: string; readonly name: string };

/** Brings Discord's list of commands to `wanted` and touches only what differs: every creation counts towards 200 a day. */
export async function registerCommands(
  rest: REST,
  applicationId: string,
  serverId: string | undefined,
  wanted: readonly Wanted[],
  log: Log,
): Promise<void> {
  const list =
    serverId === undefined
      ? Routes.applicationCommands(applicationId)
      : Routes.applicationGuildCommands(applicationId, serverId);
  const query = new URLSearchParams({ with_localizations: "true" });
  const registered = (await rest.get(list, { query })) as readonly Registered[];
  const isSame = (one: { type?: unknown; name: string }, other: { type?: unknown; name: string }) =>
    one.name === other.name && (one.type ?? 1) === (other.type ?? 1);
  for (const command of wanted) {
    const old = registered.find((candidate) => isSame(candidate, command));
    if (old !== undefined && covers(old, command)) continue;
    // A create with a name that exists replaces the old one.
    await rest.post(list, { body: command });
    log("command registered", { name: command.name, replaced: old !== undefined });
  }
  for (const old of registered) {
    if (wanted.some((command) => isSame(command, old))) continue;
    await rest.delete(`${list}/${old.id}`);
    log("command removed", { name: old.name });
  }
}

/** Discord shows a server its own list beside the one for all. Where the commands are for all, what an earlier start has left in
 * these servers' own lists goes; a server that refuses is logged and left. Where they are for `serverId` alone, the list for all
 * stays, because other servers live from it, and the log says what to do. */
export async function endDoubles(
  rest: REST,
  applicationId: string,
  serverId: string | undefined,
  serverIds: Iterable<string>,
  log: Log,
  signal: AbortSignal,
): Promise<void> {
  if (serverId !== undefined) {
    const everywhere = (await rest.get(Routes.applicationCommands(applicationId))) as readonly Registered[];
    if (everywhere.length === 0) return;
    const advice = "they are registered everywhere too: start without DISCORD_SERVER to have them once";
    log("commands appear twice", { server: serverId, advice });
    return;
  }
  for (const server of serverIds) {
    if (signal.aborted) return;
    await registerCommands(rest, applicationId, server, [], log).catch((error: unknown) =>
      log("a server's own commands not removed", { server, error: String(error) }),
    );
  }
}

/** True when `stored` says everything that `wanted` says. Discord adds ids and defaults; a list has to agree item by item. */
export function covers(stored: unknown, wanted: unknown): boolean {
  if (Array.isArray(wanted)) {
    return (
      Array.isArray(stored) &&
      stored.length === wanted.length &&
      wanted.every((item, index) => covers(stored[index], item))
    );
  }
  if (typeof wanted !== "object" || wanted === null) return Object.is(stored, wanted);
  if (typeof stored !== "object" || stored === null) return false;
  const isCovered = Object.entries(wanted).every(([key, value]) =>
    covers((stored as Record<string, unknown>)[key], value),
  );
  // An option of ours that no longer says something has to lose it over there too.
  const isExtra = (key: string) =>
    optional.has(key) && !(key in wanted) && isSet((stored as Record<string, unknown>)[key]);
  return isCovered && !Object.keys(stored).some(isExtra);
}

const optional: ReadonlySet<string> = new Set([
  "options",
  "choices",
  "required",
  "autocomplete",
  "min_value",
  "max_value",
  "min_length",
  "max_length",
]);

function isSet(value: unknown): boolean {
  return Array.isArray(value) ? value.length > 0 : value !== undefined && value !== null && value !== false;
}
