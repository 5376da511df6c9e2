import { InferenceClient } from "@huggingface/inference";
import { encodePng } from "../tensor/encode-picture.ts";
import type { Picture } from "../tensor/pixels.ts";
import type { Caption, Captioner, Classifier, ClassScore, Vision } from "./vision.ts";

export interface HostedOptions {
  readonly token: string;
  /** A vision-language chat model and an image classifier: Hugging Face repositories, or http addresses of endpoints. */
  readonly captioner: string;
  readonly classifier: string;
  /** Answers while the hosted service does not. Segmenting is always local. */
  readonly local: Vision;
  readonly warn: (message: string, fields: Readonly<Record<string, unknown>>) => void;
  readonly timeoutMs?: number;
  /** How long the local part answers alone after a failure, so that an outage costs one time-out and not one for each mask. */
  readonly restMs?: number;
  readonly now?: () => number;
}

const instruction =
  "Name the one object in this picture as a short English noun phrase with its colour and what makes it special, like " +
  '"a red mug with a white handle". At most twelve words. Answer with the phrase alone.';
const maxCaptionCharacters = 120;
const maxAnswerBytes = 1024 * 1024;

/** Captions and class words from Hugging Face Inference, each falling back to the local part on time-outs, errors and answers
 * that make no sense. Only the crop on white leaves the machine. */
export function hostedVision(options: HostedOptions): Vision {
  const client = new InferenceClient(options.token);
  const request = () => ({
    fetch: limitedFetch,
    // The library would repeat a 503 at once and for ever.
    retry_on_error: false,
    signal: AbortSignal.timeout(options.timeoutMs ?? 10_000),
  });
  const captionFallback = createFallback(options, "caption");
  const classFallback = createFallback(options, "class");

  const captioner: Captioner = {
    caption: (crop) =>
      captionFallback(
        async () => {
          const answer = await client.chatCompletion(
            {
              ...target(options.captioner),
              messages: [
                {
                  role: "user",
                  content: [
                    { type: "text", text: instruction },
                    { type: "image_url", image_url: { url: await dataUri(crop) } },
                  ],
                },
              ],
              max_tokens: 40,
              temperature: 0,
            },
            request(),
          );
          return readCaption(answer);
        },
        () => options.local.captioner.caption(crop),
      ),
  };

  const classifier: Classifier = {
    // Scores of other models are not ours to judge; a failure brings the local ones for a while, all the same.
    sureAbove: 0,
    classify: (picture, count) =>
      classFallback(
        async () => {
          const data = new Blob([new Uint8Array(await encodePng(picture))], { type: "image/png" });
          const at = target(options.classifier);
          // Repositories are served by Hugging Face itself; an endpoint is its own provider.
          const provider = "endpointUrl" in at ? {} : { provider: "hf-inference" as const };
          const answer = await client.imageClassification({ ...at, ...provider, data }, request());
          return readClasses(answer, count);
        },
        () => options.local.classifier.classify(picture, count),
      ),
  };
  return { ...options.local, captioner, classifier };
}

/** Tries `hosted`; after a failure `local` answers, and goes on answering for a while. */
function createFallback({ warn, restMs = 60_000, now = Date.now }: HostedOptions, what: string) {
  let restUntil = Number.NEGATIVE_INFINITY;
  return async <Result>(hosted: () => Promise<Result>, local: () => Promise<Result>): Promise<Result> => {
    if (now() < restUntil) return local();
    try {
      return await hosted();
    } catch (error) {
      restUntil = now() + restMs;
      // The error may carry the request; its text never carries the token or the picture.
      warn("hosted vision failed, the local model answers", { what, reason: String(error).slice(0, 300), restMs });
      return local();
    }
  };
}

const target = (name: string) => (/^https?:\/\//.test(name) ? { endpointUrl: name } : { model: name });

const dataUri = async (picture: Picture): Promise<string> =>
  `data:image/png;base64,${Buffer.from(await encodePng(picture)).toString("base64")}`;

interface ChatAnswer {
  readonly choices?: readonly {
    readonly message?: { readonly content?: unknown };
    readonly logprobs?: { readonly content?: readonly { readonly logprob?: number }[] | null } | null;
  }[];
}

/** The phrase without quotes, full stop or second line; confidence 0.5 where the service tells no probabilities.
 * @throws Error when the answer is no phrase */
function readCaption(answer: ChatAnswer): Caption {
  const choice = answer.choices?.[0];
  const content = choice?.message?.content;
  if (typeof content !== "string") throw new Error("the chat answer has no text");
  const line = content.trim().split(/[\r\n]/)[0] ?? "";
  const text = line
    .replace(/\s+/g, " ")
    .replace(/^["'“‘*]+|["'”’*.]+$/g, "")
    .trim();
  if (!/\p{L}/u.test(text) || text.length > maxCaptionCharacters) throw new Error(`not a phrase: ${text.slice(0, 60)}`);
  if (/\b(\w+)(\s+\1\b){2}/i.test(text)) throw new Error(`a caption that repeats itself: ${text.slice(0, 60)}`);
  const steps = choice?.logprobs?.content?.map(({ logprob }) => logprob ?? 0) ?? [];
  const mean = steps.reduce((sum, logprob) => sum + logprob, 0) / steps.length;
  return { text, confidence: steps.length === 0 ? 0.5 : Math.min(1, Math.exp(mean)) };
}

/** ImageNet labels are lists of synonyms, "tabby, tabby cat": the first is enough. @throws Error */
function readClasses(answer: readonly { label: string; score: number }[], count: number): readonly ClassScore[] {
  const classes = answer
    .map(({ label, score }) => ({ label: label.split(",")[0]?.trim().slice(0, 100) ?? "", score }))
    .filter(({ label, score }) => label !== "" && score >= 0 && score <= 1)
    .toSorted((a, b) => b.score - a.score)
    .slice(0, count);
  if (classes.length === 0) throw new Error("the classifier named no class");
  return classes;
}

/** fetch that reads at most `maxAnswerBytes`. */
const limitedFetch: typeof fetch = async (input, init) => {
  const response = await fetch(input, init);
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength;
    if (size > maxAnswerBytes) throw new Error(`an answer of more than ${maxAnswerBytes} bytes`);
    chunks.push(chunk);
  }
  const { status, statusText, headers } = response;
  return new Response(chunks.length === 0 ? null : new Blob(chunks), { status, statusText, headers });
};
