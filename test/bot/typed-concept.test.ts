import { type AutocompleteInteraction, PermissionFlagsBits, PermissionsBitField } from "discord.js";
import { expect, test } from "vitest";
import type { CallOptions, FunctionClient } from "../../bot/function-client.ts";
import { completeConcept } from "../../bot/typed-concept.ts";
import { type Route, routes } from "../../shared/api.ts";

test("what a moderator is offered to share is looked up at once, not one after the other", async () => {
  const asked: Route[] = [];
  const both = Promise.withResolvers<void>();
  /** A gateway that answers nobody before it is asked everything. */
  const call = async (route: Route, _: unknown, { timeoutMs }: CallOptions) => {
    expect(timeoutMs).toBeLessThan(3_000);
    if (asked.push(route) === 2) both.resolve();
    await both.promise;
    const owner = { id: "2", name: "ben" };
    return { concepts: route === routes.listBarred ? [{ id: "c", name: "slur", owner }] : [] };
  };
  let offered: unknown;
  const typing = {
    ...{ user: { id: "1", username: "mod" }, guildId: "9", member: null },
    memberPermissions: new PermissionsBitField(PermissionFlagsBits.ManageGuild),
    options: { getSubcommand: () => "share", getFocused: () => "" },
    respond: async (choices: unknown) => {
      offered = choices;
    },
  } as unknown as AutocompleteInteraction;
  await completeConcept(typing, { call } as unknown as FunctionClient);
  expect(offered).toEqual([{ name: "ben/slur", value: "ben/slur" }]);
}, 10_000);
