import { spawn } from "node:child_process";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { crc32, gzipSync } from "node:zlib";
import { zipSync } from "fflate";
import { afterAll, beforeAll, expect, test } from "vitest";
import { tinySdFolder } from "../support/tiny-sd.ts";

const root = join(import.meta.dirname, "..", "..");
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "eponym-cli-"));
  await writeFile(join(folder, "empty.png"), "");
  await writeFile(join(folder, "words.png"), "this is not a picture");
  await writeFile(join(folder, "drawing.svg"), '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>');
  await writeFile(join(folder, "bomb.png"), pngClaiming(60_000, 60_000));
  const whole = await readFile(join(root, "test/pictures/held-out/teddy.png"));
  await writeFile(join(folder, "cut.png"), whole.subarray(0, whole.length >> 1));
  await writeFile(join(folder, "odd.png"), pngClaiming(8, 8, 9));
  await mkdir(join(folder, "folder.png"));
  await symlink("/dev/zero", join(folder, "endless.png"));
  await writeFile(join(folder, "pickle.pt"), Buffer.from("80027d71002e", "hex"));
  await writeFile(join(folder, "header.safetensors"), Buffer.from("ffffffffffffff7f7b7d", "hex"));
  const deep = `{"a":{"dtype":"F32","shape":${nested},"data_offsets":[0,4]}}`;
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(deep.length));
  await writeFile(join(folder, "deep.safetensors"), Buffer.concat([length, Buffer.from(deep), Buffer.alloc(4)]));
  await writeFile(join(folder, "zipped.pt"), gzipSync(Buffer.alloc(4_000)));
  await writeFile(join(folder, "bomb.pt"), zipSync({ "a/data.pkl": [Buffer.alloc(20_000_000), { level: 9 }] }));
  await symlink("/dev/zero", join(folder, "endless.pt"));
  await symlink(join(folder, "gone"), join(folder, "dangling.png"));
  for (const [name, change] of Object.entries(brokenModels)) {
    await cp(tinySdFolder, join(folder, name), { recursive: true });
    await change(join(folder, name));
  }
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const nested = "[".repeat(1e5) + "]".repeat(1e5);

/** A PNG header of any size and colour type, then an end without any pixels. */
function pngClaiming(width: number, height: number, colourType = 2): Buffer {
  const header = Buffer.alloc(25);
  header.writeUInt32BE(13, 0);
  header.write("IHDR", 4, "latin1");
  header.writeUInt32BE(width, 8);
  header.writeUInt32BE(height, 12);
  header.set([8, colourType, 0, 0, 0], 16);
  header.writeUInt32BE(crc32(header.subarray(4, 21)), 21);
  const rest = "0000000a4944415478da6300010000050001" + "0d0a2db4" + "0000000049454e44ae426082";
  return Buffer.concat([Buffer.from("89504e470d0a1a0a", "hex"), header, Buffer.from(rest, "hex")]);
}

const edit = (path: string, change: (config: Record<string, unknown>) => void) => async (model: string) => {
  const config = JSON.parse(await readFile(join(model, path), "utf8")) as Record<string, unknown>;
  change(config);
  await writeFile(join(model, path), JSON.stringify(config));
};
const brokenModels: Record<string, (model: string) => Promise<void>> = {
  "no-unet": (model) => rm(join(model, "unet", "diffusion_pytorch_model.safetensors")),
  "cut-weights": async (model) => {
    const path = join(model, "vae", "diffusion_pytorch_model.safetensors");
    const bytes = await readFile(path);
    await writeFile(path, bytes.subarray(0, bytes.length - 100));
  },
  "odd-activation": edit("unet/config.json", (config) => {
    config["act_fn"] = "mish";
  }),
  "other-width": edit("text_encoder/config.json", (config) => {
    config["hidden_size"] = 48;
  }),
  "deep-config": (model) => writeFile(join(model, "unet", "config.json"), `{"sample_size":${nested}}`),
  "linked-to-itself": async (model) => {
    const path = join(model, "text_encoder", "config.json");
    await rm(path);
    await symlink("config.json", path);
  },
  "weights-linked-to-themselves": async (model) => {
    const path = join(model, "unet", "diffusion_pytorch_model.safetensors");
    await rm(path);
    await symlink("diffusion_pytorch_model.safetensors", path);
  },
  "not-json": (model) => writeFile(join(model, "vae", "config.json"), "{"),
};

interface Ended {
  readonly code: number | null;
  readonly stderr: string;
  readonly stdout: string;
}

function eponym(args: readonly string[], environment: Record<string, string> = {}): Promise<Ended> {
  const env = { ...process.env, CONCEPTS: join(folder, "concepts"), THREADS: "1", NO_COLOR: "1", ...environment };
  const child = spawn(process.execPath, ["functions/cli.ts", ...args], { cwd: root, env });
  const chunks: Record<"stdout" | "stderr", string> = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) child[name].on("data", (chunk) => (chunks[name] += String(chunk)));
  return new Promise((resolve) => child.on("close", (code) => resolve({ code, ...chunks })));
}

const learn = (picture: string, ...more: string[]) => ["learn", picture, "--out", "OUT", ...more];

const cases: readonly (readonly [what: string, args: readonly string[], code: number, says: RegExp, model?: string])[] =
  [
    ["an empty picture", learn("empty.png"), 3, /expected a picture/i],
    ["a text that calls itself a picture", learn("words.png"), 3, /expected a picture/i],
    ["an SVG", learn("drawing.svg"), 3, /SVG|expected a picture/i],
    ["a picture cut in half", learn("cut.png"), 3, /damaged|cut short/],
    ["an odd colour type", learn("odd.png"), 3, /damaged|cut short/],
    ["a picture of 3.6 billion pixels", learn("bomb.png"), 9, /60000 × 60000/],
    ["two pictures and one click", learn("cut.png", "cut.png", "--click", "1,1"), 2, /1 --click for 2 pictures/],
    [
      "six pictures",
      learn(...(new Array<string>(6).fill("cut.png") as [string, ...string[]])),
      2,
      /at most 5 pictures/,
    ],
    ["a mask floor of 2", learn("cut.png", "--mask-floor", "2"), 2, /number from 0 to 1/],
    ["an unknown update", learn("cut.png", "--update", "sgd"), 2, /adamw, direction/],
    ["a folder", learn("folder.png"), 2, /not a file/],
    ["a device behind a link", learn("endless.png"), 2, /not a file/],
    ["a picture that is not there", learn("nothing.png"), 8, /no file/],
    ["a click outside the picture", learn("TEDDY", "--click", "900,4"), 2, /outside the picture.*128 × 128/],
    ["a click that is none", learn("TEDDY", "--click", "here"), 2, /expected x,y/],
    ["a name that is none", learn("TEDDY", "--click", "64,64", "--name", "my cat!"), 6, /not a concept name/],
    ["a word nobody learned", ["imagine", "<ghost> in space"], 8, /<ghost>.*`npm run concepts -- list`\.$/],
    ["an empty prompt", ["imagine", ""], 2, /^✗ The prompt takes 1 to 1000 characters, got none\.$/],
    ["a prompt of blanks", ["imagine", "  "], 2, /^✗ The prompt takes 1 to 1000 characters, got none\.$/],
    ["a long prompt", ["imagine", "x".repeat(1001)], 2, /^✗ The prompt takes .*got 1001 characters\.$/],
    ["a long negative", ["imagine", "x", "--negative", "x".repeat(1001)], 2, /^✗ --negative takes 0 to .*got 1001/],
    ["an empty caption", learn("TEDDY", "--caption", ""), 2, /^✗ --caption takes 1 to 500 characters, got none\.$/],
    ["a long caption", learn("TEDDY", "--caption", "x".repeat(501)), 2, /^✗ --caption takes .*got 501 characters/],
    ["an empty class", learn("TEDDY", "--class", " "), 2, /^✗ --class takes 1 to 100 characters, got none\.$/],
    [
      "a file to draw into",
      ["imagine", "x", "--out", "words.png"],
      2,
      /^✗ --out: ".*words\.png" is a file; expected a/,
    ],
    ["a file to export into", ["concepts", "export", "x", "--out", "words.png"], 2, /is a file; expected a folder/],
    [
      "a folder that a link promises",
      ["describe", "TEDDY", "--out", "dangling.png"],
      2,
      /dangling\.png" is a link to what is not there/,
    ],
    ["a folder in a file", ["describe", "TEDDY", "--out", "package.json/out"], 2, /package\.json" is a file; expected/],
    ["a folder without a name", ["imagine", "x", "--out", ""], 2, /^✗ --out is empty; expected a folder/],
    ["a prompt with a LoRA", ["imagine", "<lora:x:1>"], 7, /lora/i],
    ["a pickle", ["concepts", "import", "pickle.pt"], 6, /concept/i],
    ["a giant safetensors header", ["concepts", "import", "header.safetensors"], 4, /header/i],
    ["a header nested beyond the stack", ["concepts", "import", "deep.safetensors"], 4, /has shape \[…\]/],
    ["a gzip that calls itself a concept", ["concepts", "import", "zipped.pt"], 6, /first bytes 1f 8b/],
    ["a zip bomb", ["concepts", "import", "bomb.pt"], 6, /is compressed/],
    ["a picture without a concept in it", ["concepts", "import", "TEDDY"], 6, /plain picture/],
    ["a concept that is a device behind a link", ["concepts", "import", "endless.pt"], 2, /not a file/],
    ["a config nested beyond the stack", ["imagine", "x"], 5, /sample_size/, "deep-config"],
    [
      "a config that is a link to itself",
      ["imagine", "x"],
      5,
      /config\.json cannot be read \(ELOOP\)/,
      "linked-to-itself",
    ],
    ["weights that are a link to themselves", ["imagine", "x"], 8, /no weights/, "weights-linked-to-themselves"],
    ["a model folder without weights", ["imagine", "x"], 8, /no weights/, "no-unet"],
    ["weights cut short", ["imagine", "x"], 4, /vae/, "cut-weights"],
    ["an activation nobody wrote", ["imagine", "x"], 5, /act_fn/, "odd-activation"],
    ["a width that does not fit", ["imagine", "x"], 5, /48/, "other-width"],
    ["a config that is no JSON", ["imagine", "x"], 5, /not JSON/, "not-json"],
    ["a model that does not exist", ["imagine", "x"], 8, /no model/, "nowhere"],
  ];

test("hostile input ends in one clear sentence and its exit code, and leaves nothing behind", async () => {
  const place = (arg: string): string => {
    if (arg === "TEDDY") return join(root, "test/pictures/held-out/teddy.png");
    if (arg === "OUT") return join(folder, "out");
    return /^[\w-]+\.(png|svg|pt|safetensors)$/.test(arg) ? join(folder, arg) : arg;
  };
  const failures: string[] = [];
  for (const [what, args, code, says, model] of cases) {
    const ended = await eponym(args.map(place), model ? { MODEL: join(folder, model) } : {});
    const sentence = ended.stderr.trim();
    if (ended.code !== code || !says.test(sentence) || /\n\s+at /.test(sentence) || ended.stdout !== "") {
      failures.push(`${what}: exit ${ended.code}, expected ${code}: ${sentence}`);
    }
  }
  console.info(`hostile command lines: ${cases.length} kinds, ${cases.length - failures.length} clear errors`);
  expect(failures).toEqual([]);
  await expect(readdir(join(folder, "out"))).rejects.toThrow();
}, 600_000);
