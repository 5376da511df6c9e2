import fc from "fast-check";
import { expect, test } from "vitest";
import {
  type Identity,
  identityHeaders,
  signatureWindowMs,
  signRequest,
  verifyRequest,
} from "../../shared/identity.ts";

const secret = "a secret of at least thirty-two characters";
const member: Identity = {
  user: { id: "100200300400500601", name: "ada 🦋" },
  server: "7",
  roles: ["8"],
  moderator: false,
  service: false,
};
const parts = { method: "PUT", path: "/predictions/a?x=1", body: new TextEncoder().encode("{}") };

function reader(headers: Record<string, string>) {
  return (name: string) => headers[name];
}

test("a signed request gives back the identity it was signed with", async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array(), fc.webPath(), fc.nat(), async (body, path, nowMs) => {
      const request = { method: "post", path, body };
      const headers = await signRequest(secret, member, request, nowMs);
      expect(await verifyRequest(secret, { ...request, method: "POST" }, reader(headers), nowMs)).toEqual(member);
    }),
    { numRuns: 25 },
  );
});

test("changing method, path, body, identity, time or secret breaks the signature", async () => {
  const headers = await signRequest(secret, member, parts, 1_000);
  const other = await signRequest(secret, { ...member, server: "6" }, parts, 1_000);
  const forgeries = [
    () => verifyRequest(secret, { ...parts, method: "POST" }, reader(headers), 1_000),
    () => verifyRequest(secret, { ...parts, path: "/predictions/b?x=1" }, reader(headers), 1_000),
    () => verifyRequest(secret, { ...parts, body: new Uint8Array(3) }, reader(headers), 1_000),
    () =>
      verifyRequest(
        secret,
        parts,
        reader({ ...headers, [identityHeaders.identity]: other[identityHeaders.identity] ?? "" }),
        1_000,
      ),
    () => verifyRequest(secret, parts, reader({ ...headers, [identityHeaders.timestamp]: "1001" }), 1_000),
    () => verifyRequest(`${secret}.`, parts, reader(headers), 1_000),
  ];
  for (const forgery of forgeries) await expect(forgery()).rejects.toMatchObject({ code: "unauthorized" });
});

test("a signature lives five minutes on both sides of its timestamp", async () => {
  const headers = await signRequest(secret, member, parts, 10 * signatureWindowMs);
  for (const shift of [-signatureWindowMs, signatureWindowMs]) {
    expect(await verifyRequest(secret, parts, reader(headers), 10 * signatureWindowMs + shift)).toEqual(member);
  }
  for (const shift of [-signatureWindowMs - 1, signatureWindowMs + 1]) {
    await expect(verifyRequest(secret, parts, reader(headers), 10 * signatureWindowMs + shift)).rejects.toThrow(
      /five minutes/,
    );
  }
});

test("missing and malformed headers are refused before any cryptography", async () => {
  const headers = await signRequest(secret, member, parts, 0);
  for (const name of Object.values(identityHeaders)) {
    await expect(verifyRequest(secret, parts, reader({ ...headers, [name]: "" }), 0)).rejects.toThrow(/signed with/);
    await expect(verifyRequest(secret, parts, reader({ ...headers, [name]: "é!" }), 0)).rejects.toThrow(/signed with/);
  }
});
