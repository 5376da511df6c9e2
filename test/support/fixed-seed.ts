import { configureGlobal } from "fast-check";

// Property tests draw the same cases in every run: a failure can be repeated, and nobody else's change gets the blame.
configureGlobal({ seed: 20_261_123 });
