import fc from "fast-check";
import { expect, test } from "vitest";
import { readSse, type SseEvent, sseHeartbeat, sseParser, writeSse } from "../../shared/sse.ts";

const line = fc.string({ maxLength: 8 }).map((text) => text.replace(/[\r\n\0]/g, ""));
const event: fc.Arbitrary<SseEvent> = fc.record({
  event: line.map((text) => text || "message"),
  data: fc.array(line, { minLength: 1, maxLength: 3 }).map((lines) => lines.join("\n")),
  id: line,
});

test("events come back whatever pieces the text is cut into", () => {
  fc.assert(
    fc.property(
      fc.array(event, { maxLength: 5 }),
      fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1 }),
      (events, sizes) => {
        const text = events.map(writeSse).join(sseHeartbeat);
        const parse = sseParser();
        const found: SseEvent[] = [];
        for (let at = 0, i = 0; at < text.length; i++) {
          const size = sizes[i % sizes.length] ?? 1;
          found.push(...parse(text.slice(at, at + size)));
          at += size;
        }
        expect(found).toEqual(events);
      },
    ),
  );
});

test.each([
  ["data: a\r\ndata: b\r\n\r\n", ["a\nb"]],
  ["data: a\rdata: b\r\r", ["a\nb"]],
  ["\uFEFFdata:a\n\n", ["a"]],
  [":comment\n\ndata\n\n", [""]],
  ["data:  two spaces\n\n", [" two spaces"]],
  ["unknown: x\nretry: 5\ndata: a\n\n", ["a"]],
  ["event: nothing\n\n", []],
  ["data: unfinished", []],
])("%j holds the data %j, as the standard says", (text, data) => {
  const parse = sseParser();
  const found = [...parse(text), ...parse("\n")].map((each) => each.data);
  expect(found.slice(0, data.length)).toEqual(data);
});

test("an id stays for the events after it", () => {
  expect(sseParser()("id: 7\ndata: a\n\ndata: b\n\n")).toEqual([
    { event: "message", data: "a", id: "7" },
    { event: "message", data: "b", id: "7" },
  ]);
});

test("an event that never ends is refused at four million characters, in any pieces", () => {
  const parse = sseParser();
  const flood = () => {
    for (let i = 0; i < 5000; i++) parse("x".repeat(1000));
  };
  expect(flood).toThrowError(expect.objectContaining({ code: "too_large" }));
  const lines = sseParser();
  expect(() => {
    for (let i = 0; i < 5000; i++) lines(`data: ${"x".repeat(1000)}\n`);
  }).toThrowError(expect.objectContaining({ code: "too_large" }));
});

test("bytes cut inside a letter are put together again", async () => {
  const bytes = new TextEncoder().encode(writeSse({ event: "log", data: "ねこ 🐈" }));
  async function* body() {
    for (const byte of bytes) yield Uint8Array.of(byte);
  }
  expect(await Array.fromAsync(readSse(body()))).toEqual([{ event: "log", data: "ねこ 🐈" }]);
});

test("an event's name and id cannot smuggle lines", () => {
  expect(() => writeSse({ event: "a\ndata: b", data: "" })).toThrow();
  expect(() => writeSse({ event: "a", data: "", id: "1\r2" })).toThrow();
});
