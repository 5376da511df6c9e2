import type { Hono } from "hono";
import { routes } from "../../shared/api.ts";
import type { StoreKey } from "../../shared/concept.ts";
import { UserError } from "../../shared/error.ts";
import type { Identity } from "../../shared/identity.ts";
import type { ConceptLibrary } from "../concepts/library.ts";
import type { Describe, DrawDraft, NotesOn, ServiceDeps } from "./app-deps.ts";
import { mountConcepts, viewerOf } from "./concepts.ts";
import { mountDeliveries } from "./deliveries.ts";
import { mountDrafts } from "./drafts.ts";
import { mountFiles } from "./files.ts";
import { type AppEnv, mount } from "./mount.ts";
import { createFileAccess, storeUpload } from "./pictures.ts";
import { mountPredictions } from "./predictions.ts";
import { createQueueAcceptance } from "./queue-jobs.ts";
import { createService } from "./service.ts";

export interface AppDeps extends ServiceDeps {
  readonly library: ConceptLibrary;
  readonly describe: Describe;
  readonly drawDraft: DrawDraft;
  readonly notesOn: NotesOn;
  /** Shared with the bot, which signs for people. */
  readonly secret: string;
}

/** The gateway: everything people's front ends ask for. All state is in the store. */
export function createApp(deps: AppDeps): Hono<AppEnv> {
  const app = createService(deps, {
    ...{ title: "Eponym gateway", routes, secret: deps.secret },
    // Jobs wait in the store while the engine sleeps or is away: the gateway itself is ready, and no balancer restarts it.
    health: async () => "READY",
  });

  const access = createFileAccess({
    ...deps,
    // Whoever sees a concept sees its preview; the photo it was taught from is its owner's alone.
    seesPicture: async (viewer, id, key) => {
      try {
        const { owner, preview } = await deps.library.get(id, viewer);
        return owner.id === viewer.user.id || key === preview;
      } catch (error) {
        if (error instanceof UserError && error.code === "not_found") return false;
        throw error;
      }
    },
  });
  const mayRead = (identity: Identity, key: StoreKey) => access(viewerOf(identity), key);
  const acceptance = createQueueAcceptance({ ...deps, mayRead });

  mount(app, routes.createUpload, ({ identity, body }) => storeUpload(deps, identity.user.id, body));
  mountPredictions(app, deps, acceptance);
  mountDrafts(app, { ...deps, mayRead, accept: acceptance.accept });
  mountConcepts(app, deps.library);
  mountFiles(app, { store: deps.store, mayRead });
  mountDeliveries(app, deps);
  return app;
}
