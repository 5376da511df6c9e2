import type { OpValue } from "../graph/value.ts";
import type { Rule } from "./rule.ts";
import * as rules from "./rules.ts";

const isRule = (entry: unknown): entry is Rule => typeof entry === "object" && entry !== null && "lowerings" in entry;

const table: ReadonlyMap<string, Rule> = new Map(
  Object.values(rules)
    .filter(isRule)
    .map((rule) => [rule.name, rule]),
);

/** All rules there are. */
export const allRules = (): readonly Rule[] => [...table.values()];

/** The rule of a node. @throws Error that names the op, the node and the file to edit. */
export function ruleOf(node: OpValue): Rule {
  const rule = table.get(node.op);
  if (!rule)
    throw new Error(`no rule for op "${node.op}" (node "${node.label}"): add its file to functions/ops/rules.ts`);
  return rule;
}
