import { realpathSync } from "node:fs";
import type { LocatedModel } from "../models/catalog.ts";
import type { OpenedModel } from "../models/open-model.ts";
import type { Workbench } from "./workbench.ts";

/** Models that stay open beside the service's own: each holds processes and up to gigabytes of weights. */
const mostOthers = 2;

/** A model with what runs it. */
interface Opened {
  readonly model: OpenedModel;
  /** Ends its processes. */
  end(): Promise<void>;
}

interface Kept extends Opened {
  /** The service's own is never closed. */
  own: boolean;
  readonly users: Set<object>;
}

/** Opened models by the folder they lie in, however it is spelled. Beyond the limit the least recently used one that no lease holds
 * is closed. @param locate finds a model, the service's own without an id @param open is called once for each folder */
export function keepModels(
  locate: (id?: string) => Promise<LocatedModel>,
  open: (about: LocatedModel) => Opened,
): Pick<Workbench, "model" | "lease"> & { close(): Promise<void> } {
  /** Least recently used first. */
  const kept = new Map<string, Kept>();
  let closed: Promise<unknown> = Promise.resolve();

  const closeIdle = (taken?: Kept): void => {
    const others = [...kept].filter(([, { own }]) => !own);
    const idle = others.filter(([, other]) => other !== taken && other.users.size === 0);
    for (const [folder, { end }] of idle.slice(0, Math.max(0, others.length - mostOthers))) {
      kept.delete(folder);
      closed = Promise.all([closed, end()]);
    }
  };

  const take = async (id: string | undefined, user?: object) => {
    const about = await locate(id);
    const folder = realpathSync(about.folder);
    const taken = kept.get(folder) ?? { ...open(about), own: false, users: new Set() };
    kept.delete(folder);
    kept.set(folder, taken);
    taken.own ||= id === undefined;
    if (user) taken.users.add(user);
    closeIdle(taken);
    // One folder may be known under several names, and a name brings its own defaults.
    return { ...taken.model, id: about.id, about };
  };

  return {
    model: (id) => take(id),
    lease: () => {
      const user = {};
      return {
        model: (id) => take(id, user),
        end: () => {
          for (const { users } of kept.values()) users.delete(user);
          closeIdle();
        },
      };
    },
    close: async () => {
      await Promise.all([closed, ...[...kept.values()].map(({ end }) => end())]);
    },
  };
}
