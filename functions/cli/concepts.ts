import { mkdir, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { Command, Option } from "commander";
import colours from "picocolors";
import { type ConceptMeta, Id } from "../../shared/concept.ts";
import { ConceptName, conceptName } from "../../shared/concept-name.ts";
import { UserError } from "../../shared/error.ts";
import { familyTree } from "../../shared/family-tree.ts";
import { LearnInput } from "../../shared/job.ts";
import { limits } from "../../shared/limits.ts";
import { type ExportFormat, exportConcept, exportFormats } from "../concepts/export-concept.ts";
import { findDeleted } from "../concepts/find-deleted.ts";
import { adoptConcept, importConcept } from "../concepts/import-concept.ts";
import { tellText } from "../inversion/initialiser.ts";
import { readPicture } from "../tensor/pixels.ts";
import { readUpload, wholeNumber } from "./arguments.ts";
import { blendCommand } from "./blend.ts";
import { explainCommand } from "./explain.ts";
import { copyOut, heading, headline, namedAfter, printResult, say } from "./outputs.ts";
import { withProgress } from "./progress.ts";
import type { Runner } from "./run.ts";
import type { Session } from "./session.ts";

const jsonOption = () => new Option("--json", "print the result as JSON").default(false);
const outOption = () => new Option("--out <folder>", "where files go").default("out");

interface Flags {
  readonly json: boolean;
  readonly out: string;
}

export const conceptsCommand = (run: Runner): Command =>
  new Command("concepts")
    .description("list, show, explain, blend, export, import, delete or relearn learned words")
    .addCommand(listCommand(run))
    .addCommand(showCommand(run))
    .addCommand(explainCommand(run))
    .addCommand(blendCommand(run))
    .addCommand(exportCommand(run))
    .addCommand(importCommand(run))
    .addCommand(deleteCommand(run))
    .addCommand(relearnCommand(run));

const find = (session: Session, name: string): Promise<ConceptMeta> =>
  session.bench.library.resolve({ name: conceptName(name.replace(/^<|>$/g, "")) }, session.viewer);

const listCommand = (run: Runner): Command =>
  new Command("list")
    .description("all learned words")
    .addOption(jsonOption())
    .action((flags: Flags) =>
      run(async (session) => {
        const concepts = await session.bench.library.list(session.viewer, { limit: 1000 });
        if (flags.json) return printResult(true, concepts, []);
        if (concepts.length === 0) say("No words yet. Learn one: npm run learn -- <picture> --click x,y --name <name>");
        for (const { name, version, initialiser, tokens, created, baseModel } of concepts) {
          say(
            [colours.bold, `<${name}> `],
            [
              colours.dim,
              `v${version} · ${tellText(initialiser.text)} · ${tokens} tokens · ${baseModel.id} · ${created.slice(0, 10)}`,
            ],
          );
        }
      }),
    );

const showCommand = (run: Runner): Command =>
  new Command("show")
    .description("a word's passport")
    .argument("<name>")
    .addOption(jsonOption())
    .action((name: string, flags: Flags) =>
      run(async (session) => {
        const meta = await find(session, name);
        if (flags.json) return printResult(true, meta, []);
        const { loss, versions, blend, ...rest } = meta;
        heading(`<${meta.name}>`);
        for (const [key, value] of Object.entries(rest)) {
          say(`  ${key.padEnd(14)}${typeof value === "object" ? JSON.stringify(value) : value}`);
        }
        if (blend) for (const line of familyTree(blend, "  ")) say(line);
        const last = loss.at(-1);
        if (last)
          say(`  loss          ${loss[0]?.loss.toFixed(4)} at the start, ${last.loss.toFixed(4)} at step ${last.step}`);
        if (versions.length > 0)
          say(`  versions      ${versions.map(({ version }) => version).join(", ")} before this one`);
      }),
    );

const exportCommand = (run: Runner): Command =>
  new Command("export")
    .description("write a word as a file that other tools load")
    .argument("<name>")
    .addOption(
      new Option("--format <format>", "safetensors loads nearly everywhere; card is a picture that carries the word")
        .choices([...exportFormats])
        .default("safetensors"),
    )
    .addOption(outOption())
    .addOption(jsonOption())
    .action((name: string, flags: Flags & { format: ExportFormat }) =>
      run(async (session) => {
        const meta = await find(session, name);
        const concept = await session.bench.library.load(meta.id, session.viewer);
        const stored = meta.preview ? await session.store.get(meta.preview) : undefined;
        const picture = stored && (await readPicture(stored.data));
        const file = await exportConcept(concept, flags.format, picture);
        await mkdir(flags.out, { recursive: true });
        // A card of its own name, for the sheet of `imagine "<name>"` is <name>.png.
        const card = flags.format === "card";
        const path = join(flags.out, card ? file.fileName.replace(/\.png$/, "-card.png") : file.fileName);
        await writeFile(path, file.bytes);
        printResult(flags.json, { files: [path] }, [path]);
      }),
    );

const importCommand = (run: Runner): Command =>
  new Command("import")
    .description("read a word that another tool (or this one) saved")
    .argument("<file>", ".safetensors, .pt, .bin, or a PNG card")
    .option("--name <name>", "its name here; the file's own when left out")
    .addOption(jsonOption())
    .action((path: string, flags: Flags & { name?: string }) =>
      run(async (session) => {
        const { width } = await session.bench.model();
        const bytes = await readUpload(path, limits.maxConceptFileBytes);
        const imported = await importConcept(bytes, { fileName: basename(path), width });
        const concept = adoptConcept(imported, {
          id: `imported-${session.bench.randomSeed().toString(36)}-${Date.now().toString(36)}`,
          owner: session.viewer.user,
          created: session.bench.now().toISOString(),
          ...(flags.name && { name: conceptName(flags.name) }),
        });
        const meta = await session.bench.library.save(concept);
        if (!flags.json) headline(`<${meta.name}>: ${meta.tokens} tokens from ${basename(path)}`);
        printResult(flags.json, meta, []);
      }),
    );

const deleteCommand = (run: Runner): Command =>
  new Command("delete")
    .description("delete a word; it can be restored for seven days")
    .argument("<name>", "the word; with --restore also the id that deleting it printed")
    .option("--restore", "bring a deleted word back: the one that was deleted last under that name", false)
    .addOption(jsonOption())
    .action((name: string, flags: Flags & { restore: boolean }) =>
      run(async (session) => {
        if (flags.restore) {
          const id = await deletedId(session, name);
          const meta = await session.bench.library.restore(id, session.viewer);
          say(`<${meta.name}> is back.`);
          return printResult(flags.json, meta, []);
        }
        const meta = await find(session, name);
        const { undoUntil } = await session.bench.library.delete(meta.id, session.viewer);
        say(`<${meta.name}> is deleted. Until ${undoUntil}: npm run concepts -- delete --restore ${meta.id}`);
        printResult(flags.json, { id: meta.id, undoUntil }, []);
      }),
    );

/** What was deleted under a name, else the text itself, which may be an id. @throws UserError not_found when it is neither */
async function deletedId({ store, viewer, bench }: Session, text: string): Promise<Id> {
  const isThere = (name: ConceptName) =>
    bench.library.resolve({ name }, viewer).then(
      () => true,
      () => false,
    );
  const name = ConceptName.safeParse(text.replace(/^<|>$/g, ""));
  const deleted = name.success ? await findDeleted(store, name.data, viewer) : undefined;
  if (name.success && deleted === undefined && (await isThere(name.data))) {
    throw new UserError("bad_request", `<${name.data}> is not deleted: there is nothing to restore.`);
  }
  const id = deleted ?? text;
  if (Id.safeParse(id).success) return id;
  throw new UserError("not_found", `No word of yours was deleted under "${text}", and no id is written like that.`);
}

const relearnCommand = (run: Runner): Command =>
  new Command("relearn")
    .description("learn a word anew from its own picture, as its next version")
    .argument("<name>")
    .option(
      "--steps <n>",
      `optimisation steps, 1 to ${limits.maxLearnSteps}; as many as before when left out`,
      wholeNumber(1, limits.maxLearnSteps),
    )
    .option("--seed <n>", "of all random numbers", wholeNumber(0, 2 ** 32 - 1))
    .addOption(new Option("--mode <mode>", "the word's own when left out").choices(["product", "paper"]))
    .addOption(outOption())
    .addOption(jsonOption())
    .action((name: string, flags: Flags & { steps?: number; seed?: number; mode?: LearnInput["mode"] }) =>
      run(async (session, signal) => {
        const meta = await find(session, name);
        if (!meta.source) {
          const why = meta.blend ? "is a blend" : "was imported";
          throw new UserError("bad_request", `<${meta.name}> ${why}: there is no picture to learn it from.`);
        }
        const mode = flags.mode ?? meta.mode;
        const input = LearnInput.parse({
          task: "learn",
          picture: meta.source,
          mask: meta.mask,
          morePictures: (meta.morePictures ?? []).map(({ source, mask }) => ({ picture: source, mask })),
          caption: meta.caption,
          className: meta.className,
          name: meta.name,
          owner: session.viewer.user,
          relearn: meta.id,
          initialiser: meta.initialiser.kind,
          mode,
          improvements: meta.improvements,
          batch: meta.batch,
          // Another mode has another pace of its own.
          learningRate: mode === meta.mode ? meta.learningRate : undefined,
          steps: flags.steps ?? meta.steps,
          seed: flags.seed ?? (meta.seed + meta.version) % 2 ** 32,
        });
        const learned = await withProgress(flags.json, (show) => session.run(input, show, signal));
        const paths = await copyOut(
          session,
          namedAfter(`${meta.name}-v${learned.concept.version}`, learned.pictures),
          flags.out,
        );
        if (!flags.json) headline(`<${meta.name}> is now version ${learned.concept.version}`);
        printResult(flags.json, { ...learned, files: paths }, paths);
      }),
    );
