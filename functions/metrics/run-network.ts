import type { Graph } from "../graph/graph.ts";
import type { Engine } from "../onnx/engine.ts";
import { loadOnce } from "../onnx/load-once.ts";
import { lower } from "../onnx/lower.ts";
import type { Shape, Tensor } from "../tensor/tensor.ts";

type Feeds = Readonly<Record<string, Tensor>>;

/** A network that is built and loaded once for each size of its feeds; pictures of one report have few sizes. */
export function runNetwork(
  engine: Engine,
  label: string,
  build: (shapeOf: (feed: string) => Shape) => Graph,
): (feeds: Feeds) => Promise<Feeds> {
  const sessions = new Map<string, ReturnType<typeof loadOnce>>();
  const load = (feeds: Feeds): ReturnType<typeof loadOnce> =>
    loadOnce(engine, label, () => {
      const graph = build((feed) => (feeds[feed] as Tensor).shape);
      return lower(graph, { preset: engine.preset, target: engine.providers[0] ?? "cpu" });
    });
  return async (feeds) => {
    const key = JSON.stringify(Object.entries(feeds).map(([name, { shape }]) => [name, shape]));
    const session = sessions.get(key) ?? load(feeds);
    sessions.set(key, session);
    return (await session.run(feeds)) as Feeds;
  };
}
