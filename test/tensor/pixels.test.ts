import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { crc32, deflateSync } from "node:zlib";
import fc from "fast-check";
import sharp from "sharp";
import { expect, test } from "vitest";
import { encodePng, encodeWebp } from "../../functions/tensor/encode-picture.ts";
import {
  cropPicture,
  fromTensor,
  mirror,
  type Picture,
  readPicture,
  resizePicture,
  toTensor,
} from "../../functions/tensor/pixels.ts";
import { tensor } from "../../functions/tensor/tensor.ts";
import { UserError } from "../../shared/error.ts";

const golden = (name: string) => readFileSync(new URL(`../golden/pictures/${name}`, import.meta.url));
const plain = await readPicture(golden("plain.png"));

/** Mean and largest difference of two pictures, 0–255. */
function difference(a: Picture, b: Picture) {
  expect([a.width, a.height, a.data.length]).toEqual([b.width, b.height, b.data.length]);
  const gaps = Array.from(a.data, (value, i) => Math.abs(value - (b.data[i] ?? 0)));
  return { mean: gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length, max: Math.max(...gaps) };
}

/** A PNG made by hand: one colour type and depth, the same bytes in every row. */
function forgePng({ width = 2, height = 2, depth = 8, colourType = 2, row = [0, 0, 0, 0, 0, 0] } = {}): Uint8Array {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([depth, colourType], 8);
  const rows = Buffer.concat(Array.from({ length: Math.min(height, 4) }, () => Buffer.from([0, ...row])));
  const chunk = (type: string, data: Uint8Array) => {
    const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
    const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(data.length);
    check.writeUInt32BE(crc32(body));
    return Buffer.concat([length, body, check]);
  };
  const signature = Buffer.from("\x89PNG\r\n\x1a\n", "latin1");
  return Buffer.concat([
    signature,
    chunk("IHDR", header),
    chunk("IDAT", deflateSync(rows)),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

test.each([2, 3, 4, 5, 6, 7, 8])("EXIF orientation %i is undone", async (orientation) => {
  expect(difference(await readPicture(golden(`orientation-${orientation}.jpg`)), plain).mean).toBeLessThan(1.5);
});

test.each([
  ["palette.png", 6],
  ["plain.webp", 3],
  ["plain.avif", 4],
  ["animated.webp", 0],
  ["animated.gif", 12],
])("%s becomes the same sRGB picture, an animation its first frame", async (name, tolerance) => {
  expect(difference(await readPicture(golden(name)), plain).mean).toBeLessThanOrEqual(tolerance);
});

test("transparency is laid on white", async () => {
  const onWhite = await readPicture(golden("alpha-on-white.png"));
  expect(difference(await readPicture(golden("alpha.png")), onWhite).max).toBeLessThanOrEqual(1);
});

test("CMYK and grey become three sRGB channels", async () => {
  // CMYK without a profile means different colours to different programs; hue and brightness must survive.
  expect(difference(await readPicture(golden("cmyk.jpg")), plain).mean).toBeLessThan(40);
  const grey = await readPicture(golden("grey.jpg"));
  expect(grey.data.every((value, i) => value === grey.data[i - (i % 3)])).toBe(true);
});

test("16-bit grey with alpha becomes 8-bit sRGB on white", async () => {
  // Two pixels: mid grey opaque, black half transparent.
  const row = [0x80, 0x80, 0xff, 0xff, 0x00, 0x00, 0x80, 0x00];
  const picture = await readPicture(forgePng({ depth: 16, colourType: 4, row }));
  expect([...picture.data.subarray(0, 3)]).toEqual([128, 128, 128]);
  expect(Math.abs((picture.data[3] ?? 0) - 127)).toBeLessThanOrEqual(1);
});

test("bicubic resizing agrees with Pillow's: shrinking to the rounding, enlarging to a level on average", async () => {
  for (const [name, width, height, maxMean, maxGap] of [
    ["half", 24, 16, 0.05, 1],
    ["squashed", 20, 20, 0.3, 1],
    ["double", 96, 64, 1, 6],
  ] as const) {
    const expected = await readPicture(golden(`bicubic-${name}.png`));
    const { mean, max } = difference(await readPicture(golden("plain.png"), { width, height }), expected);
    expect(mean, name).toBeLessThan(maxMean);
    expect(max, name).toBeLessThanOrEqual(maxGap);
    expect(difference(await resizePicture(plain, { width, height }), expected).mean).toBeLessThan(maxMean);
  }
});

test("fit inside keeps the shape and never enlarges, cover fills", async () => {
  const inside = await readPicture(golden("plain.png"), { width: 24, height: 24, fit: "inside" });
  expect([inside.width, inside.height]).toEqual([24, 16]);
  const small = await readPicture(golden("plain.png"), { width: 500, height: 500, fit: "inside" });
  expect([small.width, small.height]).toEqual([48, 32]);
  const cover = await readPicture(golden("plain.png"), { width: 20, height: 20, fit: "cover" });
  expect([cover.width, cover.height]).toEqual([20, 20]);
});

const jpeg = golden("orientation-2.jpg");
const hostile: [string, Uint8Array, string, string][] = [
  ["nothing at all", new Uint8Array(0), "bad_image", "got an empty file"],
  ["a text", Buffer.from("hello"), "bad_image", "got an unknown format (first bytes 68 65 6c 6c)"],
  [
    "an SVG",
    Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'),
    "bad_image",
    "got SVG or XML",
  ],
  ["a PDF", Buffer.from("%PDF-1.7\n"), "bad_image", "got PDF"],
  ["a TIFF", Buffer.from("II*\0aaaaaaaa", "latin1"), "bad_image", "got TIFF"],
  ["a HEIC", Buffer.from("\0\0\0\x18ftypheic", "latin1"), "bad_image", "got HEIC"],
  ["a web page", Buffer.from("<!DOCTYPE html><p>404"), "bad_image", "got a web page"],
  ["a JPEG cut in half", jpeg.subarray(0, jpeg.length / 2), "bad_image", "damaged or cut short"],
  ["a JPEG's first three bytes", jpeg.subarray(0, 3), "bad_image", "damaged or cut short"],
  ["a WebP cut short", golden("plain.webp").subarray(0, 100), "bad_image", "damaged or cut short"],
  ["an AVIF cut short", golden("plain.avif").subarray(0, 300), "bad_image", "damaged or cut short"],
  ["a GIF cut short", golden("animated.gif").subarray(0, 90), "bad_image", "damaged or cut short"],
  ["a PNG without its rows", forgePng({ height: 3000 }), "bad_image", "damaged or cut short"],
  ["a PNG that claims 60,000 × 60,000", forgePng({ width: 60_000, height: 60_000 }), "too_large", "60000 × 60000"],
  ["a PNG that claims 2³¹ − 1 columns", forgePng({ width: 2 ** 31 - 1, height: 2 ** 31 - 1 }), "bad_image", "damaged"],
  ["a PNG without size", forgePng({ width: 0, height: 0 }), "bad_image", "damaged or cut short"],
  ["a PNG of an unknown colour type", forgePng({ colourType: 5 }), "bad_image", "damaged or cut short"],
  ["a file of 11 MB", new Uint8Array(11 * 2 ** 20), "too_large", "11.0 MB"],
];

test.each(hostile)("%s is refused with one clear error", async (_, bytes, code, message) => {
  const error = await readPicture(bytes).catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(UserError);
  expect(error).toMatchObject({ code, message: expect.stringContaining(message) });
});

test("files on disk are read with the same limits; pipes and missing files are refused", async () => {
  const folder = mkdtempSync(join(tmpdir(), "pixels-"));
  writeFileSync(join(folder, "a"), golden("plain.png"));
  expect(await readPicture(join(folder, "a"))).toEqual(plain);
  await expect(readPicture(join(folder, "a"), { maxBytes: 10 })).rejects.toMatchObject({ code: "too_large" });
  await expect(readPicture(join(folder, "a"), { maxPixels: 10 })).rejects.toMatchObject({ code: "too_large" });
  await expect(readPicture(join(folder, "b"))).rejects.toMatchObject({ code: "not_found" });
  execFileSync("mkfifo", [join(folder, "pipe")]);
  await expect(readPicture(join(folder, "pipe"))).rejects.toMatchObject({ code: "bad_image" });
});

test("damaged pictures never crash the reader", async () => {
  const samples = ["plain.png", "plain.webp", "plain.avif", "animated.gif", "cmyk.jpg", "orientation-5.jpg"].map(
    golden,
  );
  const change = fc.tuple(fc.nat(2000), fc.nat(255));
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...samples), fc.array(change, { maxLength: 6 }), async (sample, changes) => {
      const bytes = new Uint8Array(sample);
      for (const [at, value] of changes) bytes[at % bytes.length] = value;
      await readPicture(bytes, { maxPixels: 1_000_000 }).catch((error: unknown) => {
        if (!(error instanceof UserError)) throw error;
      });
    }),
    { numRuns: 150 },
  );
});

test("pixels go to [−1, 1] planes and back unchanged", () => {
  const other = mirror(plain);
  const batch = toTensor([plain, other]);
  expect(batch.shape).toEqual([2, 3, 32, 48]);
  expect(batch.data[0]).toBeCloseTo((plain.data[0] ?? 0) / 127.5 - 1, 6);
  expect(batch.data[48 * 32]).toBeCloseTo((plain.data[1] ?? 0) / 127.5 - 1, 6);
  expect(fromTensor(batch)).toEqual([plain, other]);
  expect(() => toTensor([plain, { width: 1, height: 1, data: new Uint8Array(3) }])).toThrow("beside");
});

test("values outside [−1, 1] are clamped, NaN is an error that says so", () => {
  const [picture] = fromTensor(tensor(Float32Array.of(-9, 0, 9), [1, 3, 1, 1]));
  expect([...(picture?.data ?? [])]).toEqual([0, 128, 255]);
  expect(() => fromTensor(tensor(Float32Array.of(0, Number.NaN, 0), [1, 3, 1, 1]))).toThrow("not numbers");
});

test("a crop holds the pixels of its box", () => {
  const data = Uint8Array.from({ length: 4 * 3 * 3 }, (_, i) => i);
  const {
    width,
    height,
    data: cropped,
  } = cropPicture({ width: 4, height: 3, data }, { left: 1, top: 1, width: 2, height: 2 });
  expect([width, height]).toEqual([2, 2]);
  expect([...cropped]).toEqual([...data.subarray(15, 21), ...data.subarray(27, 33)]);
});

test("mirroring swaps left and right, twice is nothing", () => {
  expect(mirror(mirror(plain))).toEqual(plain);
  expect([...mirror(plain).data.subarray(0, 3)]).toEqual([...plain.data.subarray(47 * 3, 48 * 3)]);
});

test("PNG is lossless and carries texts that Pillow-like readers find", async () => {
  const text = { parameters: "a cat\nSteps: 20", prompt: "größe 🐈" };
  const png = await encodePng(plain, { text });
  expect(await readPicture(png)).toEqual(plain);
  expect(png).toEqual(await encodePng(plain, { text }));
  const { comments } = await sharp(png).metadata();
  expect(comments).toEqual([
    { keyword: "parameters", text: text.parameters },
    { keyword: "prompt", text: text.prompt },
  ]);
  await expect(encodePng(plain, { text: { "": "x" } })).rejects.toThrow("key");
});

test("WebP stays close and carries texts as XMP", async () => {
  const webp = await encodeWebp(plain, { text: { prompt: 'a "cat" & <dog>' } });
  expect(difference(await readPicture(webp), plain).mean).toBeLessThan(3);
  const { xmpAsString } = await sharp(webp).metadata();
  expect(xmpAsString).toContain("a \\&#34;cat\\&#34; &#38; &#60;dog&#62;");
  expect((await sharp(await encodeWebp(plain)).metadata()).xmp).toBeUndefined();
});
