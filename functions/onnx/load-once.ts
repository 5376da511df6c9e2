import { UserError } from "../../shared/error.ts";
import type { AnyTensor, Engine, OnnxModel, Session } from "./engine.ts";

type Feeds = Readonly<Record<string, AnyTensor>>;

/** A model that is loaded when it is first run, and again after the engine process died. */
export function loadOnce(engine: Engine, label: string, read: () => OnnxModel): { run(feeds: Feeds): Promise<Feeds> } {
  let session: Promise<Session> | undefined;
  return {
    run: async (feeds) => {
      session ??= engine.load(read(), { label });
      try {
        return await (await session).run(feeds);
      } catch (error) {
        if (error instanceof UserError) session = undefined;
        throw error;
      }
    },
  };
}
