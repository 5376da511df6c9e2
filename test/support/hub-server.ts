import { createHash } from "node:crypto";
import type { AddressInfo } from "node:net";
import { type HttpBindings, type ServerType, serve } from "@hono/node-server";
import { Hono } from "hono";
import { afterAll } from "vitest";

/** What goes wrong with one file. `cutAt`: the connection breaks after so many bytes of the whole file; `extra`: bytes too
 * many; `status`: refused; `claims`: the size in Content-Range is not the listed one; `ignoresRange`: always sent whole. */
interface Fault {
  readonly cutAt?: number;
  readonly extra?: number;
  readonly status?: 401 | 403 | 404 | 500;
  readonly claims?: number;
  readonly ignoresRange?: boolean;
}

export interface HubServer {
  readonly endpoint: string;
  readonly files: Map<string, Uint8Array>;
  readonly faults: Map<string, Fault>;
  /** Each request: address with its Range. */
  readonly requests: string[];
}

const hex = (algorithm: string, ...data: (string | Uint8Array)[]): string => {
  const hash = createHash(algorithm);
  for (const chunk of data) hash.update(chunk);
  return hash.digest("hex");
};

/** As the Hub does: small files are git blobs, large ones live elsewhere under their SHA-256. */
const isLarge = (path: string): boolean => path.endsWith(".safetensors");

/** A Hub of one repository on loopback: tree listing in pages, resolve with ranges, large files redirected to a server of
 * another origin that must not see the token. */
export async function hubServer(repository: string, token?: string): Promise<HubServer> {
  const files = new Map<string, Uint8Array>();
  const faults = new Map<string, Fault>();
  const requests: string[] = [];
  const storage = await listen(
    new Hono<{ Bindings: HttpBindings }>().get("/blobs/*", (c) => {
      const path = decodeURIComponent(c.req.path.slice("/blobs/".length));
      if (c.req.header("authorization")) return c.text("the token went astray", 400);
      return answer(path, c.req.header("range"), c.env);
    }),
  );

  function answer(path: string, range: string | undefined, { outgoing }: HttpBindings): Response {
    requests.push(`${path} ${range ?? "whole"}`);
    const fault = faults.get(path) ?? {};
    const bytes = files.get(path) as Uint8Array;
    if (fault.status) return Response.json({ error: "no" }, { status: fault.status });
    const [, from = "0", to = `${bytes.length - 1}`] = /^bytes=(\d+)-(\d+)$/.exec(range ?? "") ?? [];
    const probing = range === "bytes=0-0";
    const whole = !range || (fault.ignoresRange && !probing);
    const [start, end] = whole ? [0, bytes.length] : [Number(from), Math.min(Number(to) + 1, bytes.length)];
    const headers = {
      etag: `"${hex("sha256", bytes)}"`,
      ...(!whole && { "content-range": `bytes ${start}-${end - 1}/${fault.claims ?? bytes.length}` }),
    };
    return new Response(
      probing ? bytes.slice(0, 1) : body(bytes.subarray(start, end), start, fault, () => outgoing.destroy()),
      {
        status: whole ? 200 : 206,
        headers,
      },
    );
  }

  const hub = await listen(
    new Hono<{ Bindings: HttpBindings }>()
      .use(async (c, next) => {
        const given = c.req.header("authorization");
        if (token && given !== `Bearer ${token}`) return c.json({ error: "Access is restricted" }, 401);
        return next();
      })
      .get(`/api/models/${repository}/tree/main`, (c) => {
        const listed = [{ type: "directory", path: "unet", size: 0, oid: "" }, ...[...files].map(entryOf)];
        const page = Number(c.req.query("page") ?? 0);
        const next = `${new URL(c.req.url).origin}${c.req.path}?recursive=true&page=${page + 1}`;
        const more = (page + 1) * 4 < listed.length;
        return c.json(listed.slice(page * 4, page * 4 + 4), 200, more ? { Link: `<${next}>; rel="next"` } : {});
      })
      .get(`/${repository}/resolve/main/*`, (c) => {
        const path = c.req.path.slice(`/${repository}/resolve/main/`.length);
        const bytes = files.get(path);
        if (!bytes) return c.json({ error: "Entry not found" }, 404, { "X-Error-Code": "EntryNotFound" });
        if (!isLarge(path)) return answer(path, c.req.header("range"), c.env);
        return c.body(null, 302, {
          Location: `${storage}/blobs/${encodeURIComponent(path)}`,
          "X-Linked-Size": `${bytes.length}`,
          "X-Linked-ETag": `"${hex("sha256", bytes)}"`,
        });
      })
      .notFound((c) => c.json({ error: "Repository not found" }, 404, { "X-Error-Code": "RepoNotFound" })),
  );
  return { endpoint: hub, files, faults, requests };
}

const entryOf = ([path, bytes]: [string, Uint8Array]) => ({
  type: "file",
  path,
  size: bytes.length,
  oid: hex("sha1", `blob ${bytes.length}\0`, bytes),
  ...(isLarge(path) && { lfs: { oid: hex("sha256", bytes), size: bytes.length, pointerSize: 130 } }),
});

/** In pieces, ending early, late or by a broken connection as the fault says. */
function body(
  bytes: Uint8Array,
  start: number,
  { cutAt, extra = 0 }: Fault,
  hangUp: () => void,
): ReadableStream<Uint8Array> {
  const sent = extra > 0 ? Buffer.concat([bytes, Buffer.alloc(extra)]) : bytes;
  const end = cutAt === undefined ? sent.length : Math.max(0, cutAt - start);
  let done = 0;
  return new ReadableStream({
    pull: (controller) => {
      if (done < end) {
        const next = Math.min(end, done + 16_384);
        controller.enqueue(sent.slice(done, next));
        done = next;
      } else {
        if (end < sent.length) hangUp();
        controller.close();
      }
    },
  });
}

/** Serves on a free port of loopback until the test file ends; gives the origin. */
async function listen(app: Hono<{ Bindings: HttpBindings }>): Promise<string> {
  const server = await new Promise<ServerType>((resolve) => {
    const started = serve({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" }, () => resolve(started));
  });
  afterAll(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
