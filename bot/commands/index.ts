import type { Command } from "../command.ts";
import { concepts } from "./concepts.ts";
import { help } from "./help.ts";
import { imagine } from "./imagine.ts";
import { learn } from "./learn.ts";
import { learnThis } from "./learn-this.ts";

/** Every command there is. */
export const commands: readonly Command[] = [learn, imagine, concepts, help, learnThis];
