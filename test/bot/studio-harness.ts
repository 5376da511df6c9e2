import { afterAll, beforeAll, beforeEach } from "vitest";
import type { Member } from "../support/discord/member.ts";
import { type Server, type Studio, startStudio } from "./test-studio.ts";

/** One for the file that imports this; a server with two members, fresh for each of its tests. */
export let studio: Studio;
export let server: Server;
export let ada: Member;
export let ben: Member;

beforeAll(async () => {
  studio = await startStudio();
});

beforeEach(() => {
  server = studio.newServer();
  ada = server.addMember("ada");
  ben = server.addMember("ben");
});

afterAll(() => studio.close());
