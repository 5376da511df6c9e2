import type { Hono } from "hono";
import { BarredConcept, ConceptSummary, routes, SharedConcept } from "../../shared/api.ts";
import type { ConceptMeta, Id, Scope, Viewer } from "../../shared/concept.ts";
import type { Identity } from "../../shared/identity.ts";
import type { ConceptLibrary } from "../concepts/library.ts";
import { type AppEnv, mount } from "./mount.ts";

/** Who the library is asked for: the signed person, in the server they are in. */
export const viewerOf = ({ user, server, moderator }: Identity): Viewer => ({
  user,
  moderator,
  ...(server !== undefined && { server }),
});

/** Lists and autocomplete show no loss curve, seeds or keys of sources. */
const summaryOf = (meta: ConceptMeta): ConceptSummary => ConceptSummary.parse(meta);

/** What people have taught: the library decides who may see and change what. */
export function mountConcepts(app: Hono<AppEnv>, library: ConceptLibrary): void {
  const sharing = new Map<Id, Promise<unknown>>();
  /** Waits for the sharing of this concept before it, so that of two presses at once only one has changed anything. */
  const share = (id: Id, viewer: Viewer, scope: Scope): Promise<SharedConcept> => {
    const run = async (): Promise<SharedConcept> => {
      const { meta, reference, changed } = await library.share(id, viewer, scope);
      return SharedConcept.parse({ ...meta, reference, changed });
    };
    const shared = (sharing.get(id) ?? Promise.resolve()).then(run, run).finally(() => {
      if (sharing.get(id) === shared) sharing.delete(id);
    });
    sharing.set(id, shared);
    return shared;
  };

  mount(app, routes.listConcepts, async ({ identity, query }) => {
    const concepts = await library.list(viewerOf(identity), query);
    return { concepts: concepts.map(summaryOf) };
  });
  mount(app, routes.readConcept, async ({ identity, id }) => summaryOf(await library.get(id, viewerOf(identity))));
  mount(app, routes.shareConcept, ({ identity, id, body }) => share(id, viewerOf(identity), body.scope));
  mount(app, routes.listBarred, async ({ identity, query }) => {
    const barred = await library.barred(viewerOf(identity), query);
    return { concepts: barred.map((meta) => BarredConcept.parse(meta)) };
  });
  mount(app, routes.letInConcept, async ({ identity, id }) =>
    BarredConcept.parse(await library.letIn(id, viewerOf(identity))),
  );
  mount(app, routes.deleteConcept, async ({ identity, id }) => library.delete(id, viewerOf(identity)));
  mount(app, routes.listDeleted, async ({ identity }) => {
    const deleted = await library.deleted(viewerOf(identity));
    return { concepts: deleted.map(({ meta, undoUntil }) => ({ ...summaryOf(meta), undoUntil })) };
  });
  mount(app, routes.restoreConcept, async ({ identity, id }) =>
    summaryOf(await library.restore(id, viewerOf(identity))),
  );
  mount(app, routes.forgetMe, async ({ identity }) => library.forget(viewerOf(identity)));
}
