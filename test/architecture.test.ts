import { globSync, readFileSync } from "node:fs";
import { basename, join, posix } from "node:path";
import { expect, test } from "vitest";
import { readImports } from "./support/read-imports.ts";

/** Files with no imports of their own that the engine's folders may use as well: how to refuse, and at what size. */
const contract = ["shared/error.ts", "shared/limits.ts"];

const tasksMayImport = [
  ...["shared", "tensor", "graph", "ops", "autodiff", "onnx", "models", "diffusion"],
  ...["inversion", "vision", "metrics", "concepts", "drawing"],
  // The contract that tasks fulfil for whoever runs them.
  "functions/jobs/runner.ts",
];

/** Who may import whom: a folder (or single file) → the folders and files it may import besides itself.
 * ARCHITECTURE.md gives the reasons. A folder that is missing here may not exist. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  shared: [],
  tensor: contract,
  graph: ["tensor"],
  ops: ["graph", "tensor"],
  autodiff: ["ops", "graph"],
  onnx: ["ops", "graph", "tensor", ...contract],
  models: [
    ...["ops", "graph", "onnx", "tensor", ...contract, "shared/did-you-mean.ts", "shared/short.ts"],
    "functions/store/make-folder.ts",
  ],
  diffusion: ["models", "onnx", "tensor", "shared"],
  inversion: ["autodiff", "diffusion", "models", "ops", "graph", "onnx", "tensor", "shared"],
  vision: ["onnx", "tensor", "shared"],
  metrics: ["models", "ops", "graph", "onnx", "tensor", ...contract],
  concepts: ["tensor", "store", "shared"],
  drawing: ["tensor", "shared"],
  tasks: tasksMayImport,
  store: ["shared"],
  jobs: ["store", "shared"],
  http: ["tasks", "jobs", "store", "concepts", "shared"],
  assets: [],
  cli: [...tasksMayImport, "tasks", "store", "jobs", "functions/config.ts"],
  entries: [...tasksMayImport, "cli", "tasks", "store", "jobs", "http"],
  "functions/main.ts": ["bot/main.ts", "bot/config.ts"],
  bot: ["shared"],
  infra: ["shared/limits.ts"],
  "sst.config.ts": ["infra"],
};

/** Packages that only some folders may name. `shared` and the graph folders are narrower still: see below. */
const packagesOnlyIn: Readonly<Record<string, readonly string[]>> = {
  "onnxruntime-node": ["onnx"],
  "discord.js": ["bot"],
  "discord-api-types": ["bot"],
  "@aws-sdk/": ["store", "jobs"],
  hono: ["http", "entries"],
};

/** All the packages (node: included) that a folder may name. */
const onlyPackagesOf: Readonly<Record<string, readonly string[]>> = {
  shared: ["zod"],
  graph: [],
  ops: [],
  autodiff: [],
};

/** Files whose whole point is a list of modules: op rules, samplers, slash commands. */
const lists = ["functions/ops/rules.ts", "functions/diffusion/samplers/index.ts", "bot/commands/index.ts"];

const readsEnvironment = ["functions/config.ts", "bot/config.ts"];
const namesEmbeddedModel = ["functions/assets/emoji-64/", "functions/models/catalog.ts"];
const saysNothing = ["index", "utils", "util", "helpers", "helper", "common", "misc", "types"];

const root = join(import.meta.dirname, "..");
const paths = globSync(["sst.config.ts", "{functions,bot,shared,infra}/**/*.{ts,tsx,mjs,cjs,js}"], { cwd: root })
  .map((path) => path.replaceAll("\\", "/"))
  .toSorted();
const sources = new Map(paths.map((path) => [path, readFileSync(join(root, path), "utf8")]));

function unitOf(path: string): string {
  const [top = "", folder = "", ...rest] = path.split("/");
  if (top !== "functions") return folder === "" ? path : top;
  return rest.length === 0 ? "entries" : folder;
}

const covers = (allowed: readonly string[], path: string): boolean =>
  allowed.includes(path) || allowed.includes(unitOf(path));

/** Sentences, one per import that the tables above do not allow. */
function brokenRules(path: string, source: string): readonly string[] {
  const unit = unitOf(path);
  const own = mayImport[unit];
  if (!own) return [`${path}: folder "${unit}" is not in the table of test/architecture.test.ts`];
  const allowed = [...own, ...(mayImport[path] ?? [])];
  const { imports, computedImports } = readImports(path, source);
  const broken = computedImports > 0 ? [`${path}: an import's target must be written out`] : [];
  for (const name of imports) {
    if (!name.startsWith(".")) {
      if (!mayNamePackage(unit, name)) broken.push(`${path} imports package ${name}, which ${unit} may not`);
      continue;
    }
    const target = posix.join(posix.dirname(path), name);
    if (unitOf(target) !== unit && !covers(allowed, target)) {
      broken.push(`${path} imports ${target}, but ${unit} may import only: ${allowed.join(", ") || "nothing"}`);
    }
  }
  return broken;
}

function mayNamePackage(unit: string, name: string): boolean {
  const only = onlyPackagesOf[unit];
  if (only && !only.includes(name)) return false;
  const restricted = Object.entries(packagesOnlyIn).find(
    ([prefix]) => name === prefix || name.startsWith(prefix.endsWith("/") ? prefix : `${prefix}/`),
  );
  return !restricted || restricted[1].includes(unit);
}

const filesWhere = (holds: (path: string, source: string) => boolean): readonly string[] =>
  [...sources].filter(([path, source]) => holds(path, source)).map(([path]) => path);

test("every import is one that the table allows", () => {
  expect([...sources].flatMap(([path, source]) => brokenRules(path, source))).toEqual([]);
});

test.each([
  ["functions/graph/walk.ts", `import type { Session } from "../onnx/engine.ts";`],
  ["functions/tensor/pixels.ts", `import { Concept } from "../../shared/concept.ts";`],
  ["functions/ops/add.ts", `import { readFile } from "node:fs/promises";`],
  ["functions/tasks/learn.ts", `import * as ort from "onnxruntime-node";`],
  ["functions/jobs/ledger.ts", `type Task = import("../tasks/learn.ts").Task;`],
  ["functions/http/app.ts", `const { learn } = await import("../inversion/learn.ts");`],
  ["functions/http/app.ts", "const task = await import(name);"],
  ["functions/api.ts", `export { run } from "../bot/main.ts";`],
  ["functions/vision/worker.ts", `fork(new URL("../jobs/runner.ts", import.meta.url));`],
  ["functions/misc/anything.ts", "export const one = 1;"],
  ["bot/main.ts", `import { file } from "../functions/store/file.ts";`],
  ["bot/main.ts", `import { S3Client } from "@aws-sdk/client-s3";`],
  ["shared/job.ts", `import { createHash } from "node:crypto";`],
])("the table refuses %s with %s", (path, source) => {
  expect(brokenRules(path, source)).toHaveLength(1);
});

test.each([
  ["functions/main.ts", `import { runBot } from "../bot/main.ts"; import { config } from "./config.ts";`],
  ["functions/tensor/pixels.ts", `import { UserError } from "../../shared/error.ts"; import sharp from "sharp";`],
  ["functions/onnx/lower.ts", `// import "../tasks/learn.ts"\nimport { ruleOf } from "../ops/rule-table.ts";`],
])("the table allows %s with %s", (path, source) => {
  expect(brokenRules(path, source)).toEqual([]);
});

test("the environment is read in the two config files only", () => {
  const reads = /\bprocess\s*(\?\.|\.)\s*env\b|\bprocess\s*\[\s*["']env|\benv\b[^;]*\bfrom\s+["'](node:)?process["']/;
  expect(filesWhere((path, source) => reads.test(source) && !readsEnvironment.includes(path))).toEqual([]);
});

test("the embedded model is named in its folder and its catalogue entry only", () => {
  const isHome = (path: string): boolean => namesEmbeddedModel.some((home) => path.startsWith(home));
  expect(filesWhere((path, source) => source.includes("emoji-64") && !isHome(path))).toEqual([]);
});

test("no file passes on the exports of others, except the lists", () => {
  const passesOn = (path: string, source: string): boolean => readImports(path, source).reexports.length > 0;
  expect(filesWhere((path, source) => passesOn(path, source) && !lists.includes(path))).toEqual([]);
});

test("every file is named after what it exports", () => {
  const isVague = (path: string): boolean => saysNothing.includes(basename(path).split(".")[0] ?? "");
  expect(paths.filter((path) => isVague(path) && !lists.includes(path))).toEqual([]);
});
