import { UserError } from "../../shared/error.ts";

/** The whole body, given up as soon as more than `maxBytes` arrived: nobody can make us hold more.
 * @throws UserError too_large */
export async function readBody(request: Request, maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  const announced = Number(request.headers.get("content-length") ?? 0);
  if (announced > maxBytes) throw tooLarge(announced, maxBytes);
  if (request.body === null) return new Uint8Array();
  const chunks: Uint8Array[] = [];
  let size = 0;
  // Leaving the loop by an exception cancels the stream, so the rest is never read.
  for await (const chunk of request.body) {
    size += chunk.byteLength;
    if (size > maxBytes) throw tooLarge(size, maxBytes);
    chunks.push(chunk);
  }
  const body = new Uint8Array(size);
  let offset = 0;
  for (const chunk of chunks) {
    body.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return body;
}

function tooLarge(bytes: number, maxBytes: number): UserError {
  return new UserError(
    "too_large",
    `Expected at most ${maxBytes} bytes, got ${bytes} or more. Send a smaller file or a shorter text.`,
  );
}
