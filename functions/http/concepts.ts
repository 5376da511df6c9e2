import type { Hono } from "hono";
import { ConceptSummary, routes } from "../../shared/api.ts";
import type { ConceptMeta, Viewer } from "../../shared/concept.ts";
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
  mount(app, routes.listConcepts, async ({ identity, query }) => {
    const concepts = await library.list(viewerOf(identity), query);
    return { concepts: concepts.map(summaryOf) };
  });
  mount(app, routes.readConcept, async ({ identity, id }) => summaryOf(await library.get(id, viewerOf(identity))));
  mount(app, routes.shareConcept, async ({ identity, id, body }) => {
    const { meta } = await library.share(id, viewerOf(identity), body.scope);
    return summaryOf(meta);
  });
  mount(app, routes.deleteConcept, async ({ identity, id }) => library.delete(id, viewerOf(identity)));
  mount(app, routes.restoreConcept, async ({ identity, id }) =>
    summaryOf(await library.restore(id, viewerOf(identity))),
  );
  mount(app, routes.forgetMe, async ({ identity }) => library.forget(viewerOf(identity)));
}
