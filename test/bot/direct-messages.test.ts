import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { type Delivery, routes } from "../../shared/api.ts";
import { UserError } from "../../shared/error.ts";
import { bot } from "../http/test-gateway.ts";
import { createMember, type Member } from "../support/discord/member.ts";
import { directChannel } from "../support/discord/world.ts";
import { propose, type Server, type Studio, says, startStudio } from "./test-studio.ts";

let studio: Studio;
let server: Server;
let ada: Member;

beforeAll(async () => {
  studio = await startStudio();
});

beforeEach(() => {
  server = studio.newServer();
  ada = server.addMember("ada");
});

afterAll(() => studio.close());

const labels = (message: { buttons: readonly { label: string }[] }) => message.buttons.map(({ label }) => label);
const minutes = (count: number) => count * 60_000;

test("after fifteen minutes it goes on by direct message, in one message", async () => {
  studio.door.shut();
  const card = await propose(ada);
  await ada.press(card, "Learn “red-object”");
  await says(ada, card.id, "50 of 100");
  studio.clock.advance(minutes(15));
  studio.door.open();
  const [direct] = await ada.until(() => {
    const inbox = ada.inbox();
    return inbox.some(({ text }) => text.includes("I know")) && inbox;
  });
  expect(direct?.pictures).toHaveLength(1);
  expect(labels(direct ?? { buttons: [] }), "nothing is shared with a server from here").toEqual(["Info", "Delete"]);
  expect(direct?.text).toContain("until `/concepts list` in a server shares it there");
  expect(ada.inbox()).toHaveLength(1);
  expect(ada.see()).toHaveLength(1);
});

/** Ada, whose direct messages are closed, learns a secret word, half way through when its card can no longer be edited. */
async function learnUnreachably() {
  const ben = server.addMember("ben");
  const user = studio.emulator.world.users.get(ada.id);
  if (user) user.closedToDirectMessages = true;
  studio.door.shut();
  const card = await propose(ada, { name: "secretpot" });
  await ada.press(card, "Learn “secretpot”");
  const half = await says(ada, card.id, "50 of 100");
  studio.clock.advance(minutes(15));
  return { half, mention: () => ben.until(() => ben.see()[0]) };
}

test("where direct messages are closed, a mention in the channel tells it without picture or words", async () => {
  const learning = await learnUnreachably();
  studio.door.open();
  const mention = await learning.mention();
  expect(mention.text).toContain(`<@${ada.id}>, your new word is ready`);
  expect(mention.text).not.toContain("secretpot");
  expect(mention.pictures).toEqual([]);
  expect(mention.notified).toEqual([ada.id]);
});

test("where direct messages are closed, they are tried once before the end, however long it takes", async () => {
  const learning = await learnUnreachably();
  const attempts = () => studio.emulator.world.requests.filter(({ path }) => path === "/users/@me/channels").length;
  const ticking = setInterval(() => studio.clock.advance(2_000), 50);
  for (const _step of [75, 100]) {
    // One step further, then a pause in which its progress would be shown.
    studio.door.open();
    studio.door.shut();
    await ada.until(() => attempts() > 0);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  expect(attempts()).toBe(1);
  studio.door.open();
  await learning.mention();
  clearInterval(ticking);
  expect(attempts(), "and once more for the last word").toBe(2);
});

for (const how of ["failed", "canceled"] as const) {
  test(`where direct messages are closed, a ${how} job is not told as a word that is ready`, async () => {
    const learning = await learnUnreachably();
    studio.failure.next = new UserError("bad_image", "The masked secretpot is smaller than one cell.");
    if (how === "failed") studio.door.open();
    else await ada.press(learning.half, "Cancel");
    const mention = await learning.mention();
    expect(mention.text).toContain(`<@${ada.id}>, your new word did not work out`);
    expect(mention.text).toContain("run `/learn` again");
    expect(mention.text).not.toMatch(/ready|secretpot/);
    expect(mention.notified).toEqual([ada.id]);
  });
}

test("a word learned by direct message, whose person closes these meanwhile, is kept, and the bot gives up telling it", async () => {
  const { world } = studio.emulator;
  const direct = createMember(world, ada.id, directChannel(world, ada.id));
  studio.door.shut();
  const card = await propose(direct, { name: "cup" });
  await direct.press(card, "Learn “cup”");
  await says(direct, card.id, "50 of 100");
  const user = world.users.get(ada.id);
  if (user) user.closedToDirectMessages = true;
  studio.clock.advance(minutes(15));
  studio.door.open();
  await expect
    .poll(
      async () => {
        studio.clock.advance(10_000);
        const { deliveries } = (await studio.gateway.call(bot, routes.listDeliveries)).body as {
          deliveries: Delivery[];
        };
        return deliveries.filter(({ identity }) => identity.user.id === ada.id);
      },
      { timeout: 5_000 },
    )
    .toEqual([]);
  const [word] = await studio.gateway.library.list({ user: { id: ada.id, name: "ada" }, moderator: false });
  expect(word?.name).toBe("cup");
});
