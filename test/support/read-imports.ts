import { type ParseResult, parseSync, Visitor } from "oxc-parser";

export interface ModuleFacts {
  /** Every module a file names: static and dynamic imports, type-only ones, re-exports, and `new URL("./x.ts", import.meta.url)`. */
  readonly imports: readonly string[];
  /** Modules whose exports the file passes on. */
  readonly reexports: readonly string[];
  /** Dynamic imports whose target only shows at run time. */
  readonly computedImports: number;
}

/** What a TypeScript source imports, from its syntax tree: no text in a comment or string fools it.
 * @throws Error that names the file when it does not parse. */
export function readImports(path: string, source: string): ModuleFacts {
  const parsed = parseSync(path, source);
  const error = parsed.errors[0];
  if (error) throw new Error(`${path}: ${error.message}`);
  const statics = parsed.module.staticImports.map((entry) => entry.moduleRequest.value);
  const reexports = parsed.module.staticExports
    .flatMap((statement) => statement.entries)
    .flatMap((entry) => entry.moduleRequest?.value ?? []);
  const { named, computed } = readExpressions(parsed.program);
  return { imports: [...new Set([...statics, ...reexports, ...named])], reexports, computedImports: computed };
}

type Program = ParseResult["program"];

function readExpressions(program: Program): { readonly named: readonly string[]; readonly computed: number } {
  const named: string[] = [];
  let computed = 0;
  new Visitor({
    ImportExpression({ source }) {
      if (source.type === "Literal") named.push(String(source.value));
      else computed += 1;
    },
    TSImportType({ source }) {
      named.push(source.value);
    },
    NewExpression({ callee, arguments: [location] }) {
      const isUrl = callee.type === "Identifier" && callee.name === "URL";
      if (isUrl && location?.type === "Literal" && String(location.value).endsWith(".ts"))
        named.push(String(location.value));
    },
  }).visit(program);
  return { named, computed };
}
