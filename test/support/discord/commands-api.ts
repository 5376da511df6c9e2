import { Hono } from "hono";
import { type CommandForm, checkCommand, maxCommands, maxDailyCreates } from "./command-rules.ts";
import { commandPayload } from "./payloads.ts";
import { formError, refusals } from "./refusal.ts";
import type { RegisteredCommand, World } from "./world.ts";

const dayMs = 24 * 60 * 60_000;

/** Routes of application commands, global and of one guild. */
export function commandsApi(world: World): Hono {
  const api = new Hono();
  for (const base of ["/applications/:app/commands", "/applications/:app/guilds/:guild/commands"]) {
    api.use(`${base}/*`, async (context, next) => {
      if (context.req.param("app") !== world.applicationId) throw refusals.unknownApplication();
      const guild = context.req.param("guild");
      if (guild !== undefined && !world.guilds.has(guild)) throw refusals.missingAccess();
      await next();
    });
    api.get(base, (context) =>
      context.json(commandsOf(world, context.req.param("guild")).map((command) => commandPayload(world, command))),
    );
    api.put(base, async (context) => {
      const body: unknown = await context.req.json();
      const stored = overwrite(world, context.req.param("guild"), body);
      return context.json(stored.map((command) => commandPayload(world, command)));
    });
    api.post(base, async (context) => {
      const form = checkCommand(await context.req.json());
      const { command, created } = upsert(world, context.req.param("guild"), form);
      return context.json(commandPayload(world, command), created ? 201 : 200);
    });
    api.get(`${base}/:id`, (context) =>
      context.json(commandPayload(world, commandOf(world, context.req.param("guild"), context.req.param("id")))),
    );
    api.patch(`${base}/:id`, async (context) => {
      const old = commandOf(world, context.req.param("guild"), context.req.param("id"));
      const form = checkCommand({ ...old.form, ...(await context.req.json()) });
      const command = { ...old, form, version: world.nextId() };
      world.commands.set(old.id, command);
      return context.json(commandPayload(world, command));
    });
    api.delete(`${base}/:id`, (context) => {
      world.commands.delete(commandOf(world, context.req.param("guild"), context.req.param("id")).id);
      return context.body(null, 204);
    });
  }
  return api;
}

export function commandsOf(world: World, guildId: string | undefined): RegisteredCommand[] {
  return [...world.commands.values()].filter((command) => command.guildId === guildId);
}

function commandOf(world: World, guildId: string | undefined, id: string): RegisteredCommand {
  const command = world.commands.get(id);
  if (command === undefined || command.guildId !== guildId) throw refusals.unknownCommand();
  return command;
}

function overwrite(world: World, guildId: string | undefined, body: unknown): RegisteredCommand[] {
  if (!Array.isArray(body)) throw formError([], "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType.");
  const forms = body.map((item, index) => checkCommand(item, [String(index)]));
  for (const [type, max] of Object.entries(maxCommands)) {
    if (forms.filter((form) => form.type === Number(type)).length > max) throw refusals.tooManyCommands();
  }
  const names = forms.map((form) => `${form.type} ${form.name}`);
  const repeated = names.findIndex((name, index) => names.indexOf(name) !== index);
  if (repeated >= 0) {
    throw formError(
      [repeated, "name"],
      "APPLICATION_COMMANDS_DUPLICATE_NAME",
      "Application command names must be unique",
    );
  }
  const isKept = (command: RegisteredCommand) => names.includes(`${command.form.type} ${command.form.name}`);
  const created = forms.length - commandsOf(world, guildId).filter(isKept).length;
  if (createdToday(world) + created > maxDailyCreates) throw refusals.dailyCommandCreates();
  for (const command of commandsOf(world, guildId)) if (!isKept(command)) world.commands.delete(command.id);
  return forms.map((form) => upsert(world, guildId, form).command);
}

function createdToday(world: World): number {
  return world.commandCreatesMs.filter((time) => time > world.clock.now() - dayMs).length;
}

function upsert(
  world: World,
  guildId: string | undefined,
  form: CommandForm,
): { command: RegisteredCommand; created: boolean } {
  const siblings = commandsOf(world, guildId);
  const old = siblings.find((command) => command.form.type === form.type && command.form.name === form.name);
  if (old === undefined) {
    const sameType = siblings.filter((command) => command.form.type === form.type).length;
    if (sameType >= (maxCommands[form.type] ?? 0)) throw refusals.tooManyCommands();
    if (createdToday(world) >= maxDailyCreates) throw refusals.dailyCommandCreates();
    world.commandCreatesMs.push(world.clock.now());
  }
  const command = { id: old?.id ?? world.nextId(), guildId, version: world.nextId(), form };
  world.commands.set(command.id, command);
  return { command, created: old === undefined };
}
