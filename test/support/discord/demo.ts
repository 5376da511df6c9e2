import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startBot } from "../../../bot/main.ts";
import { startGateway } from "../../../functions/api.ts";
import { readConfig } from "../../../functions/config.ts";
import { embeddedFolder } from "../../../functions/models/catalog.ts";
import { type Emulator, startEmulator } from "./emulator.ts";
import type { Answer, Member } from "./member.ts";
import type { SeenMessage } from "./seen-message.ts";
import { createTranscript, type Transcript } from "./transcript.ts";
import { transcriptPage } from "./transcript-page.ts";
import { createVirtualClock } from "./virtual-clock.ts";

const samples = join(embeddedFolder, "samples");
const outFile = "out/discord-demo.html";
const slowRate = 1 / 8;
const patienceMs = 20 * 60_000;

/** Plays learn → imagine → share → another member imagines with the real bot, gateway and embedded model on the emulated
 * Discord, and writes what everybody saw as an HTML page. */
async function playDemo(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "eponym-demo-"));
  const signingSecret = randomBytes(32).toString("hex");
  const gateway = await startGateway({
    ...readConfig({ ...process.env, STORE: `file:${join(folder, "data")}`, PORT: "0", ENGINE: "local" }),
    signingSecret,
  });
  const emulator = await startEmulator(createVirtualClock(Date.now(), slowRate));
  const clockwork = keepTime(emulator);
  const bot = await startBot(
    {
      discordToken: emulator.world.botToken,
      discordApi: emulator.restUrl,
      attachmentOrigins: [emulator.cdnOrigin],
      gatewayUrl: `http://127.0.0.1:${gateway.port}`,
      signingSecret,
    },
    emulator.clock,
    () => {},
  );
  try {
    const guild = emulator.addGuild("Potting shed");
    const channel = emulator.addChannel(guild, "general");
    const ada = emulator.addMember(guild, channel, "ada");
    const ben = emulator.addMember(guild, channel, "ben");
    const transcript = createTranscript(say);
    await playLearn(transcript, ada);
    await playImagine(transcript, ada, ben);
    await playPointing(transcript, ben);
    const nameOf = (id: string) => emulator.world.users.get(id)?.name ?? id;
    await mkdir("out", { recursive: true });
    await writeFile(outFile, transcriptPage(transcript, { server: guild.name, channel: channel.name, nameOf }));
    for (const { name, value } of transcript.figures) say(`${value.padStart(14)}  ${name}`);
    say(`The transcript, pictures included: ${outFile}`);
  } finally {
    clearInterval(clockwork);
    await bot.stop();
    await emulator.close();
    await gateway.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Models and Discord share one machine here, which may be busy, so the clock runs slower while an interaction waits for its first
 * answer, and is put right afterwards. */
function keepTime({ world, clock }: Emulator): NodeJS.Timeout {
  return setInterval(() => {
    const isWaiting = [...world.interactions.values()].some(({ answeredWith }) => answeredWith === null);
    if (!isWaiting) clock.advance(Math.max(0, Date.now() - clock.now()));
  }, 500);
}

/** The command and Learn: two interactions to the first picture of the word. */
async function playLearn(transcript: Transcript, ada: Member): Promise<void> {
  transcript.chapter("One picture, one tap", "Ada attaches a photo. Everything is private until she shares it.");
  const image = await sample("teapot.png");
  const beganMs = performance.now();
  const since = () => `${((performance.now() - beganMs) / 1000).toFixed(1)} s`;
  const answer = await ada.slash("learn", { image, name: "teapot" });
  const card = await settled(ada, answer);
  transcript.figure("from /learn to the outlines and words", since());
  transcript.message(ada, card, "ada used /learn", image);
  transcript.press(ada, "Learn “teapot”");
  await ada.press(card, "Learn “teapot”");
  const half = await shows(ada, card, /\b(4\d|5\d|6\d|7\d) of 100/, /I know|⚠️/);
  if (!half.text.includes("I know")) transcript.message(ada, half, "");
  const learned = await shows(ada, card, /I know|⚠️/);
  if (!learned.text.includes("I know")) throw new Error(learned.text);
  transcript.message(ada, learned, "");
  transcript.figure("from /learn to the word and its first pictures", since());
  transcript.figure("interactions until then: the command and Learn", "2");
}

async function playImagine(transcript: Transcript, ada: Member, ben: Member): Promise<void> {
  transcript.chapter("Ada draws with it", "The word is hers alone, so the pictures are for her alone.");
  const beganMs = performance.now();
  const first = await settled(ada, await ada.slash("imagine", { prompt: "<teapot> in space" }));
  transcript.figure("from /imagine to four pictures", `${((performance.now() - beganMs) / 1000).toFixed(1)} s`);
  transcript.message(ada, first, "ada used /imagine");

  transcript.chapter("What it thinks the word is", "Nearest words of each token, and where it looks: for Ada alone.");
  const card = ada.see().find(({ text }) => text.includes("I know"));
  if (card === undefined) throw new Error("the card of the learned word is gone");
  transcript.press(ada, "🔎 Info");
  const info = await ada.press(card, "Info");
  const isTold = () => /What I think|⚠️/.test(info.message()?.text ?? "") && info.message();
  transcript.message(ada, await ada.until(isTold, patienceMs), "");

  transcript.chapter("Ada shares it", "One tap on the card where she learned it.");
  const learned = ada.see().find(({ text }) => text.includes("I know"));
  if (learned === undefined) throw new Error("the card of the learned word is gone");
  transcript.press(ada, "📣 Share with the server");
  await ada.press(learned, "Share with the server");
  const news = await ben.until(() => ben.see().find(({ text }) => text.includes("shares a new word")), patienceMs);
  transcript.message(ben, news, "");

  transcript.chapter(
    "Ben uses Ada's word",
    "Autocomplete knows what he may use; the pictures are for everybody, with the word's owner.",
  );
  transcript.typing(ben, "<te", await ben.autocomplete("imagine", "prompt", "<te"));
  const second = await settled(ben, await ben.slash("imagine", { prompt: "<teapot> on a beach" }));
  transcript.message(ada, second, "ben used /imagine");
}

async function playPointing(transcript: Transcript, ben: Member): Promise<void> {
  transcript.chapter("When the outlines miss", "Point instead: two taps on a grid are a click on one of 625 places.");
  const image = await sample("robot.png");
  const card = await settled(ben, await ben.slash("learn", { image }));
  transcript.message(ben, card, "ben used /learn", image);
  transcript.press(ben, "👆 Point instead");
  await ben.press(card, "Point instead");
  const outer = await shows(ben, card, /Which square/);
  transcript.message(ben, outer, "");
  transcript.press(ben, "C3");
  await ben.press(outer, "C3");
  const inner = await shows(ben, card, /Closer/);
  transcript.message(ben, inner, "");
  transcript.press(ben, "C3");
  await ben.press(inner, "C3");
  transcript.message(ben, await shows(ben, card, /What should I learn/), "");
}

async function sample(name: string) {
  return { name, contentType: "image/png", bytes: new Uint8Array(await readFile(join(samples, name))) };
}

/** The answer once it neither thinks nor draws. @throws Error with its words when it is an error */
async function settled(member: Member, answer: Answer): Promise<SeenMessage> {
  const message = await member.until(() => {
    const seen = answer.message();
    return seen !== undefined && !seen.loading && !seen.text.includes("Drawing…") && seen;
  }, patienceMs);
  if (/^(⚠️|💥|🔒|🌙|⏳|🖼️)/u.test(message.text)) throw new Error(message.text);
  return message;
}

/** The message once it says one of these. */
function shows(member: Member, { id }: SeenMessage, ...words: readonly RegExp[]): Promise<SeenMessage> {
  return member.until(
    () => member.see().find((seen) => seen.id === id && words.some((word) => word.test(seen.text))),
    patienceMs,
  );
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

await playDemo();
