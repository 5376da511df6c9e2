/** The child process that owns onnxruntime. Started by spawn-engine.ts; speaks its messages and nothing else. */
import { InferenceSession, Tensor as NativeTensor } from "onnxruntime-node";
import { UserError } from "../../shared/error.ts";
import type { AnyTensor } from "./engine.ts";
import type { EngineReply, EngineRequest } from "./messages.ts";
import { sessionOptions } from "./presets.ts";
import { assertProviders } from "./providers.ts";

const sessions = new Map<number, InferenceSession>();

const nativeTypes = { f32: "float32", i64: "int64", bool: "bool" } as const;

function toNative(tensor: AnyTensor): NativeTensor {
  return new NativeTensor(nativeTypes[tensor.dtype], tensor.data, tensor.shape);
}

function fromNative(tensor: NativeTensor): AnyTensor {
  const dtype = (Object.keys(nativeTypes) as (keyof typeof nativeTypes)[]).find(
    (key) => nativeTypes[key] === tensor.type,
  );
  if (!dtype) throw new Error(`output of type ${tensor.type} is not supported`);
  return { dtype, shape: tensor.dims, data: tensor.data } as AnyTensor;
}

async function answer(request: EngineRequest): Promise<EngineReply["result"]> {
  if (request.kind === "load") {
    assertProviders(request.settings.providers);
    const session = await InferenceSession.create(request.bytes, sessionOptions(request.settings));
    sessions.set(request.session, session);
    const edges = (list: readonly InferenceSession.ValueMetadata[]) =>
      list.map((edge) => ({
        name: edge.name,
        shape: edge.isTensor ? edge.shape.map((dim) => (typeof dim === "number" ? dim : -1)) : [],
      }));
    return { kind: "loaded", inputs: edges(session.inputMetadata), outputs: edges(session.outputMetadata) };
  }
  const session = sessions.get(request.session);
  if (!session) throw new Error(`session ${request.session} is not loaded`);
  if (request.kind === "release") {
    sessions.delete(request.session);
    await session.release();
    return { kind: "released" };
  }
  const feeds = Object.fromEntries(Object.entries(request.feeds).map(([name, tensor]) => [name, toNative(tensor)]));
  const begin = performance.now();
  const outputs = await session.run(feeds);
  const nativeMs = performance.now() - begin;
  return {
    kind: "ran",
    outputs: Object.fromEntries(
      Object.entries(outputs).map(([name, tensor]) => [name, fromNative(tensor as NativeTensor)]),
    ),
    peakBytes: process.resourceUsage().maxRSS * 1024,
    nativeMs,
  };
}

/** Without its parent nothing here is worth keeping, and a reply that cannot be delivered means just that. */
const end = (): never => process.exit(0);

const reply = (message: EngineReply): void => {
  process.send?.(message, undefined, {}, (error) => {
    if (error) end();
  });
};

process.on("message", (request: EngineRequest) => {
  answer(request).then(
    (result) => reply({ id: request.id, result }),
    (error: unknown) => {
      const message = error instanceof Error ? error.message : String(error);
      const code = error instanceof UserError ? error.code : undefined;
      reply({ id: request.id, result: { kind: "failed", message, code } });
    },
  );
});

process.on("disconnect", end);

// Ctrl-C goes to the whole process group. The parent decides what it means: it ends this process once nothing waits for it.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => undefined);
