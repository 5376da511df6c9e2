import { crc32 } from "node:zlib";
import sharp from "sharp";
import { afterAll, expect, test } from "vitest";
import { limits } from "../../shared/limits.ts";
import { ann, createTestGateway, samplePicture } from "./test-gateway.ts";

const gateway = createTestGateway();
afterAll(() => gateway.close());

test("an upload is stored as pixels alone: position, camera and comments are gone, and the bytes sent are nowhere", async () => {
  const photo = await sharp(await samplePicture())
    .withExif({ IFD0: { Artist: "SECRETNAME" }, IFD3: { GPSLatitudeRef: "N", GPSLatitude: "51/1 30/1 0/1" } })
    .jpeg()
    .toBuffer();
  expect(photo.includes("SECRETNAME")).toBe(true);
  const { status, body } = await gateway.json(ann, "POST", "/uploads", photo);
  expect({ status, width: body["width"], height: body["height"] }).toEqual({ status: 200, width: 40, height: 40 });
  for (const key of (gateway.store as unknown as { keys(): string[] }).keys()) {
    const stored = Buffer.from((await gateway.store.get(key))?.data ?? []);
    expect(stored.includes("SECRETNAME") || stored.includes("Exif") || stored.equals(photo)).toBe(false);
  }
  const read = await gateway.send(ann, "GET", `/files/${body["key"]}`);
  expect(read.headers.get("content-type")).toBe("image/png");
  expect((await sharp(Buffer.from(await read.arrayBuffer())).metadata()).exif).toBeUndefined();
});

test("the same picture uploaded twice is one file; a huge one is made smaller", async () => {
  const [first, second] = await Promise.all(
    [1, 2].map(async () => gateway.json(ann, "POST", "/uploads", await samplePicture())),
  );
  expect(first).toEqual(second);
  const big = await gateway.json(ann, "POST", "/uploads", await samplePicture(1_800));
  expect(big.body["width"]).toBe(limits.maxStoredEdgePixels);
});

test("a body that never ends is given up at its limit", async () => {
  let sent = 0;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      sent += 65_536;
      controller.enqueue(new Uint8Array(65_536));
    },
  });
  const response = await gateway.app.request("/uploads", { method: "POST", body, duplex: "half" } as RequestInit);
  expect(response.status).toBe(413);
  expect(sent).toBeLessThan(limits.maxUploadBytes + 1_000_000);
});

test("what is no picture is refused with words, and nothing is stored", async () => {
  const before = (gateway.store as unknown as { keys(): string[] }).keys();
  const png = await samplePicture();
  const bomb = claimSize(png, 60_000, 60_000);
  const uploads = [
    new Uint8Array(0),
    Buffer.from("<svg xmlns='http://www.w3.org/2000/svg'/>"),
    png.subarray(0, 60),
    bomb,
  ];
  for (const upload of uploads) {
    const { status, body } = await gateway.json(ann, "POST", "/uploads", upload);
    expect([400, 413]).toContain(status);
    expect(body.error?.message.length).toBeGreaterThan(20);
  }
  expect((gateway.store as unknown as { keys(): string[] }).keys()).toEqual(before);
});

/** The PNG with another size in its header, checksum included. */
function claimSize(png: Uint8Array, width: number, height: number): Uint8Array {
  const bytes = Buffer.from(png);
  bytes.writeUInt32BE(width, 16);
  bytes.writeUInt32BE(height, 20);
  bytes.writeUInt32BE(crc32(bytes.subarray(12, 29)), 29);
  return bytes;
}
