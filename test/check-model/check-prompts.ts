import { fromTensor, type Picture, toTensor } from "../../functions/tensor/pixels.ts";
import { readBank, readSheet } from "./bank.ts";
import { type Check, shareOut } from "./check.ts";
import { drawPrompts } from "./draw-prompts.ts";
import { type Figure, meanOf } from "./figure.ts";
import { type Judge, type Judgement, likeliest } from "./judges.ts";

const seed = 4000;
const batch = 16;

/** Subject × scene, a third of the pairs never trained together, and subjects on plain colours: what judge b sees, beside
 * its ceiling on true composites that went through the autoencoder. */
export const checkPrompts: Check = async (tools) => {
  const judge = tools.judges().b;
  const facts = tools.sample(readBank().prompts).map(({ fact }) => fact);
  const starts = Array.from({ length: Math.ceil(facts.length / batch) }, (_, i) => i * batch);
  const drawn = await shareOut(tools.benches, starts, async (bench, start) => {
    const chosen = facts.slice(start, start + batch);
    const pictures = await drawPrompts(bench, chosen.map(promptOf), seed + start);
    tools.each();
    return pictures;
  });

  const judged = await judge.judge(drawn.flat());
  const rows = facts.map((fact, i) => ({ ...fact, ...hits(judge, judged[i] as Judgement, fact) }));
  const scenes = rows.filter(({ scene }) => scene !== undefined);
  const plain = rows.filter(({ colour }) => colour !== undefined);
  const apart = scenes.filter(({ unseen }) => unseen);
  const subject = meanOf("prompts: subject", scenes.map(subjectHit), 0.7);
  const ceiling = await subjectCeiling(tools, judge);
  return [
    subject,
    ceiling,
    { name: "prompts: subject ÷ ceiling", value: subject.value / ceiling.value, count: scenes.length, goal: 0.85 },
    meanOf("prompts: subject, pairs never trained", apart.map(subjectHit)),
    meanOf(
      "prompts: scene",
      scenes.map((row) => row.sceneHit),
      0.9,
    ),
    meanOf(
      "prompts: background colour",
      plain.map((row) => row.colourHit),
      0.9,
    ),
  ];
};

const promptOf = ({ word, phrase }: { readonly word: string; readonly phrase: string }): string =>
  `${/^[aeiou]/.test(word) ? "an" : "a"} ${word} ${phrase}`;

interface Truth {
  readonly word: string;
  readonly scene?: string | null | undefined;
  readonly colour?: string | null | undefined;
}

const hits = (judge: Judge, seen: Judgement, truth: Truth) => ({
  subjectHit: judge.words[likeliest(seen.subject)] === truth.word,
  sceneHit: judge.scenes[likeliest(seen.scene)] === truth.scene,
  colourHit: judge.colours[likeliest(seen.colour)] === truth.colour,
});

const subjectHit = (row: { readonly subjectHit: boolean }): boolean => row.subjectHit;

async function subjectCeiling({ benches, sample }: Parameters<Check>[0], judge: Judge): Promise<Figure> {
  const all = readBank().known;
  const pictures = await readSheet("known.webp", all.length);
  const facts = sample(all);
  const rebuilt = await shareOut(benches, facts, async (bench, { at }) => {
    const model = await bench.model();
    const { mean } = await model.encodePixels(toTensor(pictures[at] as Picture));
    const latents = { ...mean, data: mean.data.map((value) => value * model.scalingFactor) };
    return fromTensor(await model.decodeLatents(latents))[0] as Picture;
  });
  const judged = await judge.judge(rebuilt);
  return meanOf(
    "ceiling: subject on rebuilt composites",
    facts.map(({ fact }, i) => hits(judge, judged[i] as Judgement, fact).subjectHit),
  );
}
