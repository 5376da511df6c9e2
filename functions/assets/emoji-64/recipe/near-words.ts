/**
 * Words that the model does not know → words of its vocabulary that mean something near, from the names, tags and subgroups of
 * emojibase-data (MIT): `near-words.json`, read by functions/models/unknown-words.ts.
 *
 *     node near-words.ts --packages DIR/node_modules --folder ..
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";

interface Emoji {
  readonly hexcode: string;
  readonly label: string;
  readonly tags?: readonly string[];
  readonly group?: number;
  readonly subgroup?: number;
}

/** Emojibase's groups: components, symbols and flags name nothing that can be drawn. */
const skippedGroups = [2, 8, 9];
const offered = 4;
/** Points for a subject: the word names its own emoji, or one of its subgroup or group; and each tag that they share. */
const points = { same: 20, subgroup: 6, group: 2, tag: 1 };

const { values } = parseArgs({ options: { packages: { type: "string" }, folder: { type: "string" } } });
const read = (path: string) => JSON.parse(readFileSync(path, "utf8"));
const emoji: readonly Emoji[] = read(join(values.packages ?? "", "emojibase-data/en/data.json"));
const vocabulary = read(join(values.folder ?? "", "vocabulary.json"));
const known = new Set<string>(vocabulary.words);

const wordsOf = (text: string): readonly string[] => text.toLowerCase().match(/\p{L}{3,}/gu) ?? [];
const namesOf = ({ label, tags = [] }: Emoji): ReadonlySet<string> => new Set([label, ...tags].flatMap(wordsOf));

interface Subject {
  readonly word: string;
  readonly emoji: Emoji;
  readonly names: ReadonlySet<string>;
}
const subjects: readonly Subject[] = vocabulary.subjects.flatMap((subject: { word: string; codepoint: string }) => {
  const found = emoji.find(({ hexcode }) => hexcode.toLowerCase().replace(/-fe0f$/, "") === subject.codepoint);
  return found ? [{ word: subject.word, emoji: found, names: namesOf(found) }] : [];
});

function nearness(one: Emoji, names: ReadonlySet<string>, subject: Subject): number {
  if (one.hexcode === subject.emoji.hexcode) return points.same;
  const kin =
    one.group !== subject.emoji.group ? 0 : one.subgroup === subject.emoji.subgroup ? points.subgroup : points.group;
  return kin + points.tag * [...names].filter((name) => subject.names.has(name)).length;
}

const scores = new Map<string, Map<string, number>>();
for (const one of emoji) {
  if (one.group === undefined || skippedGroups.includes(one.group)) continue;
  const names = namesOf(one);
  for (const name of names) {
    if (known.has(name)) continue;
    const of = scores.get(name) ?? new Map<string, number>();
    scores.set(name, of);
    // A word in the name weighs more than one in the tags.
    const weight = wordsOf(one.label).includes(name) ? 1.5 : 1;
    for (const subject of subjects) {
      const score = weight * nearness(one, names, subject);
      of.set(subject.word, Math.max(of.get(subject.word) ?? 0, score));
    }
  }
}

const table = Object.fromEntries(
  [...scores]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([name, of]) => {
      const best = [...of].filter(([, score]) => score >= points.subgroup).toSorted((a, b) => b[1] - a[1]);
      return best.length < 2
        ? []
        : [
            [
              name,
              best
                .slice(0, offered)
                .map(([word]) => word)
                .join(" "),
            ] as const,
          ];
    }),
);
const lines = Object.entries(table).map(([name, words]) => `  ${JSON.stringify(name)}: ${JSON.stringify(words)}`);
writeFileSync(join(values.folder ?? "", "near-words.json"), `{\n${lines.join(",\n")}\n}\n`);
process.stdout.write(`${lines.length} words\n`);
