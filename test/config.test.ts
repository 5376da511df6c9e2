import { readFileSync } from "node:fs";
import { parseEnv } from "node:util";
import fc from "fast-check";
import { expect, test } from "vitest";
import { Environment as BotEnvironment, readBotConfig } from "../bot/config.ts";
import { Environment, readConfig } from "../functions/config.ts";
import { UserError } from "../shared/error.ts";

const secret = "s".repeat(32);

function complaintAbout(variables: Record<string, string>): string {
  try {
    readConfig(variables);
  } catch (error) {
    expect(error).toBeInstanceOf(UserError);
    expect(error).toMatchObject({ code: "bad_config" });
    return (error as UserError).message;
  }
  throw new Error(`${JSON.stringify(variables)} was accepted`);
}

test("nothing has to be set", () => {
  expect(readConfig({})).toMatchObject({
    store: "file:./.data",
    preset: "auto",
    providers: ["cpu"],
    engine: { kind: "local" },
    vision: { kind: "local" },
    port: 8080,
  });
});

test("everything can be set", () => {
  const config = readConfig({
    MODEL: "owner/name",
    MODEL_CACHE: "models",
    STORE: "file:/var/eponym",
    CONCEPTS: "words",
    THREADS: "3",
    PRESET: "lean",
    PROVIDERS: "cuda, cpu",
    ENGINE: "http",
    ENGINE_URL: "http://box:8080",
    ENGINE_COLD_START_SECONDS: "90",
    PORT: "0",
    SIGNING_SECRET: secret,
    VISION: "huggingface",
    VISION_CAPTIONER: "owner/captions",
    VISION_CLASSIFIER: "https://classes.example",
    HF_TOKEN: "hf_x",
    HF_ENDPOINT: "https://mirror.example",
  });
  expect(config).toEqual({
    model: "owner/name",
    store: "file:/var/eponym",
    concepts: "words",
    threads: 3,
    preset: "lean",
    providers: ["cuda", "cpu"],
    engine: { kind: "http", url: "http://box:8080", coldStartMs: 90_000 },
    port: 0,
    signingSecret: secret,
    vision: {
      kind: "huggingface",
      token: "hf_x",
      captioner: "owner/captions",
      classifier: "https://classes.example",
    },
    hub: { endpoint: "https://mirror.example", token: "hf_x", cache: "models" },
  });
});

test("an empty variable counts as left out", () => {
  expect(readConfig({ THREADS: "", MODEL: " ", HF_TOKEN: "" })).toEqual(readConfig({}));
});

test.each([
  ["THREADS", "many"],
  ["THREADS", "0"],
  ["THREADS", "1.5"],
  ["PRESET", "fast"],
  ["PROVIDERS", "cuda,tpu"],
  ["STORE", "somewhere"],
  ["ENGINE", "sky"],
  ["ENGINE_URL", "ftp://box"],
  ["PORT", "70000"],
  ["VISION", "cloud"],
  ["HF_ENDPOINT", "huggingface.co"],
] as const)("%s=%s is refused with its name, what came and what is allowed", (name, value) => {
  const message = complaintAbout({ [name]: value });
  expect(message).toContain(`${name} is ${JSON.stringify(value)}`);
  expect(message).toContain(Environment.shape[name].description);
});

test("every wrong variable is named at once", () => {
  expect(complaintAbout({ PORT: "x", THREADS: "y" }).split("\n")).toHaveLength(2);
});

test("a refused secret is never repeated", () => {
  expect(complaintAbout({ SIGNING_SECRET: "hunter2" })).not.toContain("hunter2");
  expect(complaintAbout({ HF_TOKEN: "hf with spaces" })).not.toContain('spaces"');
});

test.each([
  ["ENGINE_URL", { ENGINE: "http" }],
  ["HF_TOKEN", { VISION: "huggingface" }],
])("%s is asked for where the others need it", (name, variables) => {
  expect(complaintAbout(variables)).toMatch(new RegExp(`^${name} is missing`));
});

test("any value is accepted or refused as a user's error, never otherwise", () => {
  fc.assert(
    fc.property(fc.constantFrom(...Object.keys(Environment.shape)), fc.string({ unit: "binary" }), (name, value) => {
      try {
        readConfig({ [name]: value });
      } catch (error) {
        expect(error).toBeInstanceOf(UserError);
      }
    }),
  );
});

const example = readFileSync(".env.example", "utf8");

test(".env.example names every variable of functions and bot", () => {
  const named = [...example.matchAll(/^(?:# )?([A-Z][A-Z_]+)=/gm)].map((match) => match[1]);
  const known = new Set([...Object.keys(Environment.shape), ...Object.keys(BotEnvironment.shape)]);
  expect(named.toSorted()).toEqual([...known].toSorted());
});

test(".env.example says what each may be, in the words of the errors", () => {
  const meanings = Object.entries({ ...BotEnvironment.shape, ...Environment.shape }).map(
    ([, schema]) => schema.description,
  );
  for (const meaning of meanings) expect(example).toContain(`\n# ${meaning}\n`);
});

test(".env.example changes nothing when copied as it is", () => {
  expect(readConfig(parseEnv(example))).toEqual(readConfig({}));
  const required = { DISCORD_TOKEN: "t".repeat(20), SIGNING_SECRET: secret };
  expect(readBotConfig({ ...parseEnv(example), ...required })).toEqual(readBotConfig(required));
});
