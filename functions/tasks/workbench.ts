import type { ConceptLibrary } from "../concepts/library.ts";
import type { LocatedModel } from "../models/catalog.ts";
import type { OpenedModel } from "../models/open-model.ts";
import type { Vision } from "../vision/vision.ts";

/** What tasks work with; opened once, shared by all. */
export interface Workbench {
  /** A model by catalogue name, folder or Hub repository; the service's own when none is named. */
  model(id?: string): Promise<OpenedModel & { readonly about: LocatedModel }>;
  readonly vision: Vision;
  readonly library: ConceptLibrary;
  readonly now: () => Date;
  /** For requests that name none. */
  readonly randomSeed: () => number;
}
