import type { Attachment } from "discord.js";
import { UserError } from "../shared/error.ts";
import { limits } from "../shared/limits.ts";

const timeoutMs = 20_000;

/** The bytes of a picture that somebody attached. Downloaded at once, because the address expires; only from Discord's own hosts,
 * without redirects, and never more than the limit.
 * @throws UserError bad_image, too_large, unavailable */
export async function downloadAttachment(
  attachment: Pick<Attachment, "url" | "contentType" | "size">,
  allowedOrigins: readonly string[],
): Promise<Uint8Array> {
  const { url, contentType, size } = attachment;
  if (!contentType?.startsWith("image/")) {
    throw new UserError("bad_image", "Expected a picture (PNG, JPEG, WebP or GIF). Attach one and try again.");
  }
  if (size > limits.maxUploadBytes) throw tooLarge();
  if (!allowedOrigins.includes(new URL(url).origin)) {
    throw new UserError("forbidden", "That picture is not on Discord's own servers. Upload it here and try again.");
  }
  try {
    return await download(url);
  } catch (cause) {
    if (cause instanceof UserError) throw cause;
    throw new UserError("unavailable", "Discord did not hand the picture over. Try again.", { cause });
  }
}

async function download(url: string): Promise<Uint8Array> {
  const response = await fetch(url, { redirect: "error", signal: AbortSignal.timeout(timeoutMs) });
  if (!response.ok || response.body === null) {
    throw new UserError("bad_image", "The picture is gone from Discord. Upload it again.");
  }
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body) {
    bytes += chunk.byteLength;
    if (bytes > limits.maxUploadBytes) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function tooLarge(): UserError {
  const mebibytes = limits.maxUploadBytes / 1024 / 1024;
  return new UserError("too_large", `That picture is too large: at most ${mebibytes} MiB. Attach a smaller one.`);
}
