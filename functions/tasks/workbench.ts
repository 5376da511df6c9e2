import type { ConceptLibrary } from "../concepts/library.ts";
import type { LocatedModel } from "../models/catalog.ts";
import type { OpenedModel } from "../models/open-model.ts";
import type { Vision } from "../vision/vision.ts";

/** What tasks work with; opened once, shared by all. */
export interface Workbench {
  /** A model by catalogue name, folder or Hub repository; the service's own when none is named. One that is named may be closed while
   * nobody holds it. */
  model(id?: string): Promise<OpenedModel & { readonly about: LocatedModel }>;
  /** Models for one job: those it takes stay open until `end`. */
  lease(): Pick<Workbench, "model"> & { end(): void };
  /** What the service's own model makes of photographs ("emoji"); undefined where it draws photographs. Opens nothing. */
  readonly art: string | undefined;
  /** What people should know of the words of a caption before it is learned with the service's own model; opens no big model. */
  notesOn(caption: string): readonly string[];
  readonly vision: Vision;
  readonly library: ConceptLibrary;
  readonly now: () => Date;
  /** For requests that name none. */
  readonly randomSeed: () => number;
}
