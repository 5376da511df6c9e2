import { z } from "zod";
import { Id, Viewer } from "./concept.ts";
import { UserError } from "./error.ts";

/** Who a signed request speaks for: a viewer with the Discord roles they hold in that server. `moderator` says that the
 * person may manage the server or time out its members. `service` marks what the bot does on its own account: following the deliveries
 * of jobs after a restart. Ids are snowflakes as text (a number would lose digits). */
export const Identity = z.object({
  ...Viewer.shape,
  roles: z.array(Id).max(250).default([]),
  service: z.boolean().default(false),
});
export type Identity = z.infer<typeof Identity>;

export const identityHeaders = {
  identity: "x-eponym-identity",
  timestamp: "x-eponym-timestamp",
  signature: "x-eponym-signature",
} as const;

/** A signature is accepted this long before and after its timestamp. Inside the window a request can be replayed
 * as it is; that changes nothing, because every route is idempotent: PUT by id, PATCH by revision, uploads by content. */
export const signatureWindowMs = 5 * 60_000;

/** Shortest accepted secret, in characters. */
export const minSecretCharacters = 32;

export interface SignedParts {
  readonly method: string;
  /** Path and query as sent, e.g. `/concepts?prefix=my`. */
  readonly path: string;
  readonly body: Uint8Array;
}

/** Headers that prove `identity` to the gateway: HMAC-SHA-256, hex, over the lines
 * `eponym-1`, METHOD, path with query, timestamp in ms, SHA-256 of the body in hex, identity header. */
export async function signRequest(
  secret: string,
  identity: Identity,
  parts: SignedParts,
  nowMs: number,
): Promise<Record<string, string>> {
  const encoded = encodeIdentity(identity);
  const timestamp = String(Math.trunc(nowMs));
  const signature = await crypto.subtle.sign(
    "HMAC",
    await importSecret(secret),
    await canonicalBytes(parts, timestamp, encoded),
  );
  return {
    [identityHeaders.identity]: encoded,
    [identityHeaders.timestamp]: timestamp,
    [identityHeaders.signature]: toHex(signature),
  };
}

/** The identity a request was signed with. `header` reads one header, undefined when absent.
 * @throws UserError unauthorized when a header is missing or malformed, the clock is off or the signature is wrong */
export async function verifyRequest(
  secret: string,
  parts: SignedParts,
  header: (name: string) => string | null | undefined,
  nowMs: number,
): Promise<Identity> {
  const encoded = header(identityHeaders.identity) ?? "";
  const timestamp = header(identityHeaders.timestamp) ?? "";
  const signature = header(identityHeaders.signature) ?? "";
  if (!/^[\w-]{1,16384}$/.test(encoded) || !/^\d{1,16}$/.test(timestamp) || !/^[\da-f]{64}$/.test(signature)) {
    throw new UserError(
      "unauthorized",
      `Expected a request signed with ${Object.values(identityHeaders).join(", ")}. Set the same secret on both sides.`,
    );
  }
  if (Math.abs(nowMs - Number(timestamp)) > signatureWindowMs) {
    throw new UserError(
      "unauthorized",
      "The signature is more than five minutes from this server's clock. Synchronise both clocks and try again.",
    );
  }
  const key = await importSecret(secret);
  const valid = await crypto.subtle.verify(
    "HMAC",
    key,
    Buffer.from(signature, "hex"),
    await canonicalBytes(parts, timestamp, encoded),
  );
  if (!valid) {
    throw new UserError("unauthorized", "The signature does not fit the request. Set the same secret on both sides.");
  }
  return decodeIdentity(encoded);
}

function encodeIdentity(identity: Identity): string {
  return Buffer.from(JSON.stringify(identity)).toString("base64url");
}

function decodeIdentity(encoded: string): Identity {
  try {
    return Identity.parse(JSON.parse(Buffer.from(encoded, "base64url").toString("utf8")));
  } catch (cause) {
    throw new UserError("unauthorized", "The identity header is not a signed user, server and roles.", { cause });
  }
}

async function importSecret(secret: string) {
  const bytes = new TextEncoder().encode(secret);
  return crypto.subtle.importKey("raw", bytes, { name: "HMAC", hash: "SHA-256" }, false, ["sign", "verify"]);
}

async function canonicalBytes(
  parts: SignedParts,
  timestamp: string,
  encoded: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const bodyHash = toHex(await crypto.subtle.digest("SHA-256", new Uint8Array(parts.body)));
  const lines = ["eponym-1", parts.method.toUpperCase(), parts.path, timestamp, bodyHash, encoded];
  return new TextEncoder().encode(lines.join("\n"));
}

function toHex(buffer: ArrayBuffer): string {
  return Buffer.from(buffer).toString("hex");
}
