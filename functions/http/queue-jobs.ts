import type { StoreKey } from "../../shared/concept.ts";
import { UserError } from "../../shared/error.ts";
import type { Identity } from "../../shared/identity.ts";
import type { JobInput } from "../../shared/job.ts";
import { limits } from "../../shared/limits.ts";
import { parsePrompt, referencesOf } from "../../shared/prompt.ts";
import type { ConceptLibrary } from "../concepts/library.ts";
import type { ServiceDeps } from "./app-deps.ts";
import { viewerOf } from "./concepts.ts";
import { storePictures } from "./pictures.ts";
import type { Acceptance } from "./predictions.ts";

export interface QueueDeps extends ServiceDeps {
  readonly library: ConceptLibrary;
  readonly mayRead: (identity: Identity, key: StoreKey) => Promise<boolean>;
}

/** Takes predictions into the queue, on behalf of the person who signed and of nobody else. */
export function createQueueAcceptance(deps: QueueDeps): Acceptance {
  return {
    async accept(identity, id, input) {
      const stored = await storePictures(deps, identity.user.id, asSigned(input, identity), (key) =>
        deps.mayRead(identity, key),
      );
      const known = await deps.ledger.read(id);
      if (known === undefined) {
        await checkConcepts(deps.library, identity, stored);
        await checkRoom(deps, identity);
      }
      const job = await deps.ledger.submit({
        id,
        input: stored,
        userId: identity.user.id,
        serverId: identity.server ?? null,
        // What joins must not look like another request because time went on.
        createdAt: known?.request.createdAt ?? deps.clock.now(),
      });
      deps.bell.ring(id);
      return job;
    },
    async find(identity, id) {
      const job = await deps.ledger.read(id);
      return job?.request.userId === identity.user.id ? job : undefined;
    },
  };
}

/** Owner, viewer and server are who signed, whatever the body says. */
function asSigned(input: JobInput, identity: Identity): JobInput {
  const viewer = viewerOf(identity);
  if (input.task !== "learn") return { ...input, viewer };
  const { server: _, ...rest } = input;
  return { ...rest, owner: identity.user, ...(identity.server !== undefined && { server: identity.server }) };
}

/** Says at once, not after a wait in the queue, that a word is unknown. The task asks again when it runs: until then a concept
 * may have been taken back. @throws UserError not_found, forbidden, bad_prompt */
async function checkConcepts(library: ConceptLibrary, identity: Identity, input: JobInput): Promise<void> {
  const viewer = viewerOf(identity);
  if (input.task === "imagine") {
    // Whether a part of a blend is a word that the model knows is seen when it draws.
    const named = [input.prompt, input.negative].flatMap((prompt) => referencesOf(parsePrompt(prompt)));
    for (const reference of named.filter(({ orWord }) => !orWord)) await library.resolve(reference, viewer);
  }
  if (input.task === "explain") await library.get(input.concept, viewer);
  if (input.task === "learn" && input.relearn !== undefined) {
    const concept = await library.get(input.relearn, viewer);
    if (concept.owner.id !== identity.user.id) {
      throw new UserError("forbidden", "Only its owner can teach a concept anew. Learn your own under another name.");
    }
  }
}

/** @throws UserError too_many, conflict */
async function checkRoom(deps: ServiceDeps, identity: Identity): Promise<void> {
  const open = await deps.ledger.open();
  const own = open.filter(({ userId }) => userId === identity.user.id).length;
  if (own >= limits.maxOpenJobsPerUser) {
    throw new UserError("too_many", `You have ${own} jobs waiting or running. Wait for one to end, or cancel one.`);
  }
  if (open.length >= limits.maxOpenJobs) {
    throw new UserError("conflict", `The queue is full: ${open.length} jobs are waiting. Try again in a few minutes.`);
  }
}
