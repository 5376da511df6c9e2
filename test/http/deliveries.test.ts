import { afterAll, expect, test } from "vitest";
import { routes } from "../../shared/api.ts";
import { ann, bob, bot, createTestGateway } from "./test-gateway.ts";

const gateway = createTestGateway({ paused: true });
afterAll(() => gateway.close());
const address = {
  ...{
    applicationId: "1",
    token: "t",
    tokenExpiresMs: 1,
    channelId: "2",
    messageId: "3",
    ephemeral: true,
    locale: "en",
  },
};
const body = { task: "imagine", address, holder: { id: "p1", untilMs: 5 } };

test("a delivery is created once, moves from one bot process to the next by revision, and is listed until it is done", async () => {
  const made = await Promise.all([1, 2, 3].map(() => gateway.call(ann, routes.putDelivery, "a", body)));
  expect(made.map(({ body: delivery }) => delivery["revision"])).toEqual([1, 1, 1]);
  const take = (id: string) =>
    gateway.call(bot, routes.patchDelivery, "a", { revision: 1, holder: { id, untilMs: 9 } });
  const takers = await Promise.all([take("p2"), take("p3")]);
  expect(takers.map(({ status }) => status).sort()).toEqual([200, 409]);
  const list = async () => (await gateway.call(bot, routes.listDeliveries)).body["deliveries"];
  expect(await list()).toMatchObject([{ id: "a", revision: 2, identity: ann, done: false }]);
  await gateway.call(ann, routes.patchDelivery, "a", { revision: 2, done: true });
  expect(await list()).toEqual([]);
  expect((await gateway.call(ann, routes.putDelivery, "a", body)).body).toMatchObject({ revision: 3, done: true });
  expect(await list()).toEqual([]);
});

test("a delivery under an id that is none is refused in words, and a damaged one does not hide the others", async () => {
  const refused = await gateway.call(ann, routes.putDelivery, "a.b", body);
  expect(refused.status).toBe(400);
  expect(refused.body.error?.message).toContain("an id has 1–64 letters, digits, _ and -");
  for (const key of ["undelivered/damaged", "deliveries/damaged.json"]) await gateway.store.put(key, Buffer.from("{}"));
  await gateway.call(ann, routes.putDelivery, "whole", body);
  const { status, body: list } = await gateway.call(bot, routes.listDeliveries);
  expect({ status, list }).toMatchObject({ status: 200, list: { deliveries: [{ id: "whole" }] } });
  expect(gateway.log.lines.at(-1)).toMatchObject({ level: "error", fields: { delivery: "damaged" } });
});

test.each(Object.entries(routes).filter(([, route]) => route.path.includes(":id")))(
  "%s answers an id that is none with 400 and what an id is",
  async (_, route) => {
    const sent = route.request === null ? undefined : { input: { task: "imagine", prompt: "a mug" } };
    const { status, body: answer } = await gateway.call(ann, route, "a.b", sent);
    expect({ status, said: answer.error?.message }).toEqual({
      status: 400,
      said: expect.stringMatching(/an id has 1–64/),
    });
  },
);

test("nobody learns of another's deliveries", async () => {
  await gateway.call(ann, routes.putDelivery, "b", body);
  expect((await gateway.call(bob, routes.putDelivery, "b", body)).status).toBe(404);
  expect((await gateway.call(bob, routes.patchDelivery, "b", { revision: 1, done: true })).status).toBe(404);
  expect((await gateway.call(ann, routes.listDeliveries)).status).toBe(403);
});
