import { UserError } from "../../shared/error.ts";
import type { AnyTensor, Engine, OnnxModel, Session } from "./engine.ts";

type Feeds = Readonly<Record<string, AnyTensor>>;

/** A model that is loaded when it is first run, and again after its loading failed or the engine process died. */
export function loadOnce(engine: Engine, label: string, read: () => OnnxModel): { run(feeds: Feeds): Promise<Feeds> } {
  let current: Promise<Session> | undefined;
  return {
    run: async (feeds) => {
      const session = current ?? engine.load(read(), { label });
      current = session;
      // Only this one: another run may have begun a new one meanwhile.
      const forget = (): void => {
        if (current === session) current = undefined;
      };
      session.catch(forget);
      try {
        return await (await session).run(feeds);
      } catch (error) {
        if (error instanceof UserError) forget();
        throw error;
      }
    },
  };
}
