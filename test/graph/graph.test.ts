import fc from "fast-check";
import { expect, test } from "vitest";
import { gradient } from "../../functions/autodiff/gradient.ts";
import { activeValues, inputsOf, print, walk } from "../../functions/graph/graph.ts";
import { constant, input, type Value, weight } from "../../functions/graph/value.ts";
import { lower } from "../../functions/onnx/lower.ts";
import { add } from "../../functions/ops/add.ts";
import { linear } from "../../functions/ops/linear.ts";
import { multiply } from "../../functions/ops/multiply.ts";
import { silu } from "../../functions/ops/silu.ts";

/** Random graphs over a few inputs: each op takes any earlier values, so that parts are shared and parts are unused. */
const graphs = fc
  .array(fc.tuple(fc.constantFrom("add", "multiply", "silu"), fc.nat(), fc.nat()), { minLength: 1, maxLength: 25 })
  .map((steps) => {
    const values: Value[] = [input("a", [2]), input("b", [2]), constant(3, [2])];
    for (const [op, i, j] of steps) {
      const [x, y] = [values[i % values.length] as Value, values[j % values.length] as Value];
      values.push(op === "add" ? add(x, y) : op === "multiply" ? multiply(x, y) : silu(x));
    }
    return values;
  });

const operands = (value: Value): readonly Value[] => (value.kind === "op" ? value.inputs : []);

/** What a value needs, itself included, by plain recursion. */
function needed(value: Value, seen = new Set<Value>()): Set<Value> {
  if (!seen.has(value)) {
    seen.add(value);
    for (const operand of operands(value)) needed(operand, seen);
  }
  return seen;
}

test("a walk visits what the roots need, each once, inputs before users", () => {
  fc.assert(
    fc.property(graphs, fc.nat(), (values, pick) => {
      const roots = [values.at(-1) as Value, values[pick % values.length] as Value];
      const order = walk(roots);
      const place = new Map(order.map((value, i) => [value, i]));
      expect(place.size).toBe(order.length);
      // By identity: comparing shared parts value by value would take for ever.
      const wanted = new Set(roots.flatMap((root) => [...needed(root)]));
      expect(order.every((value) => wanted.has(value)) && wanted.size === order.length).toBe(true);
      for (const value of order) {
        for (const operand of operands(value)) {
          expect(place.get(operand)).toBeLessThan(place.get(value) as number);
        }
      }
    }),
  );
});

test("active values are exactly those that need a source", () => {
  fc.assert(
    fc.property(graphs, fc.nat(), (values, pick) => {
      const source = values[pick % values.length] as Value;
      const order = walk([values.at(-1) as Value]);
      const active = activeValues(order, [source]);
      expect(order.every((value) => active.has(value) === needed(value).has(source))).toBe(true);
    }),
  );
});

test("a printed graph has one line per op, numbered in order, each naming only earlier ones", () => {
  fc.assert(
    fc.property(graphs, (values) => {
      const output = values.at(-1) as Value;
      const ops = walk([output]).filter(({ kind }) => kind === "op").length;
      const lines = print({ outputs: { output } }).split("\n");
      expect(lines).toHaveLength(ops + 1);
      for (const [i, line] of lines.slice(0, -1).entries()) {
        expect(line.startsWith(`%${i} = `)).toBe(true);
        const used = [...(line.split(" = ")[1] as string).matchAll(/%(\d+)/g)].map(([, id]) => Number(id));
        for (const id of used) expect(id).toBeLessThan(i);
      }
    }),
  );
});

test("print names inputs, weights, constants and shapes", () => {
  const location = { file: "/w", offset: 0, length: 48, storage: "F32" } as const;
  const y = add(linear(input("x", [2, 4]), weight("unet/fc.weight", [3, 4], location)), constant(1, [3]));
  expect(print({ outputs: { y } })).toBe(
    "%0 = linear(x, unet/fc.weight) [2,3]\n%1 = add(%0, const[3]) [2,3]\noutput y = %1",
  );
});

test("inputs come in the order of their first use, and two of one name are an error", () => {
  const [a, b] = [input("a", [2]), input("b", [2])];
  expect(inputsOf({ outputs: { y: add(multiply(b, b), a) } }).map(({ name }) => name)).toEqual(["b", "a"]);
  expect(() => inputsOf({ outputs: { y: add(a, input("a", [2])) } })).toThrow('two different inputs are called "a"');
});

test("a chain of 20,000 nodes is walked, printed, differentiated and lowered without running out of stack", () => {
  const source = input("x", [1]);
  let y: Value = source;
  for (let i = 0; i < 20_000; i++) y = add(y, source);
  expect(walk([y])).toHaveLength(20_001);
  expect(activeValues(walk([y]), [source]).size).toBe(20_001);
  expect(print({ outputs: { y } }).split("\n")).toHaveLength(20_001);
  const [slope] = gradient(y, [source]) as [Value];
  expect(walk([slope]).length).toBeGreaterThan(20_000);
  expect(lower({ outputs: { y, slope } }, { preset: "lean", target: "plain" }).bytes.length).toBeGreaterThan(1e6);
});
