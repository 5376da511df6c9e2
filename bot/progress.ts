import { createHash } from "node:crypto";
import { DiscordAPIError, type REST } from "discord.js";
import { type Delivery, routes } from "../shared/api.ts";
import { UserError } from "../shared/error.ts";
import type { DrawnPicture } from "../shared/job.ts";
import type { Card, KnownFiles, Picture } from "./card.ts";
import type { Clock } from "./clock.ts";
import type { Log } from "./command.ts";
import type { FunctionClient } from "./function-client.ts";
import type { Hold } from "./hold.ts";
import { type JobView, unseenJob, viewAfter } from "./job-view.ts";
import { editAt, sendDirectly, sendTo } from "./message-post.ts";
import { errorCard, noteCard } from "./replies.ts";

/** A message is edited at most this often while its job runs. */
export const editEveryMs = 2_000;

const burstMs = 50;

export type LoadPicture = (drawn: DrawnPicture) => Promise<Picture>;

/** How the messages of one task look. */
export interface JobCards {
  progress(view: JobView, delivery: Delivery, load: LoadPicture): Promise<Card>;
  /** `view.ended` is set. */
  ended(view: JobView, delivery: Delivery, load: LoadPicture): Promise<Card>;
  /** For the channel, when neither message nor direct messages can be reached: no picture, none of the person's words. A job that
   * did not succeed has failed, was canceled or was lost. */
  notice(userId: string, succeeded: boolean): string;
}

/** How the job stands that a card tells of; after "running" comes no further card. */
type Standing = "running" | "succeeded" | "failed";

export interface ProgressContext {
  readonly rest: REST;
  readonly functions: FunctionClient;
  readonly clock: Clock;
  readonly log: Log;
  readonly cards: Readonly<Record<Delivery["task"], JobCards>>;
}

/** Shows a job in its one message until it ends, and marks the delivery done after the last word. Rejects when the hold is lost,
 * or the gateway or Discord is away; the delivery then stays open for whoever takes it up.
 * @param isLast nobody will take it up: what Discord cannot do now is done in another way */
export async function followDelivery(
  context: ProgressContext,
  hold: Hold,
  signal: AbortSignal,
  isLast: boolean,
): Promise<void> {
  const { clock, functions, log } = context;
  const { id, task, identity } = hold.current();
  const cards = context.cards[task];
  const load = pictureLoader(functions, hold.current());
  const show = messageWriter(context, hold);
  const finish = lastWord(context, hold, show, isLast);
  let view = unseenJob;
  let shownMs = Number.NEGATIVE_INFINITY;
  let showing: Promise<void> | undefined;

  /** Shows the view of that moment, so that many events at once are one edit. */
  const showSoon = async (): Promise<void> => {
    await clock.sleep(Math.max(burstMs, shownMs + editEveryMs - clock.now()), signal);
    if (view.ended !== undefined) return;
    shownMs = clock.now();
    await show((delivery) => cards.progress(view, delivery, load), "running");
  };
  try {
    for await (const event of functions.follow(id, identity, signal)) {
      view = viewAfter(view, event);
      // A progress message that cannot be shown is no reason to give the job up.
      showing ??= showSoon()
        .catch((error: unknown) => {
          if (!signal.aborted) log("progress not shown", { id, error: String(error) });
        })
        .finally(() => {
          showing = undefined;
        });
    }
  } catch (error) {
    if (!(error instanceof UserError) || error.code === "unavailable" || signal.aborted) throw error;
    const card = errorCard(neverStarted(error), log);
    return finish(() => card, "failed");
  }
  await showing;
  await clock.sleep(Math.max(0, shownMs + editEveryMs - clock.now()), signal);
  const ended: MakeCard = (delivery) => cards.ended(view, delivery, load);
  // Loading its pictures takes time: none of it after the hold was looked at.
  await ended(hold.current());
  await finish(ended, view.ended?.status === "succeeded" ? "succeeded" : "failed");
}

/** The last word is said only by whoever still holds the delivery. */
function lastWord({ log }: ProgressContext, hold: Hold, show: Show, isLast: boolean) {
  return async (make: MakeCard, standing: Standing): Promise<void> => {
    await hold.patch({});
    await show(make, standing).catch((error: unknown) => {
      // A card that Discord refuses is a bug of ours; repeating it would not help, so its person gets the bug's number. Where
      // not even that can be shown it is the place: they get the card elsewhere.
      if (!(error instanceof DiscordAPIError) && (!isLast || isPassing(error))) throw error;
      const card = errorCard(error, log);
      return show(() => card, standing).catch(() => show(make, standing, "elsewhere"));
    });
    await hold.patch({ done: true, holder: null });
  };
}

/** The gateway is away, or another bot has taken the delivery over: nothing that trying again could make worse. */
export function isPassing(error: unknown): boolean {
  return error instanceof UserError && (error.code === "unavailable" || error.code === "conflict");
}

function neverStarted(error: UserError): UserError {
  return error.code === "not_found"
    ? new UserError("unavailable", "This job was lost before it began. Please start it again.", { cause: error })
    : error;
}

/** A card for the place that its delivery's address names. */
type MakeCard = (delivery: Delivery) => Card | Promise<Card>;

/** Shows a card in the message, or, where that cannot be edited or is not wanted, elsewhere. */
type Show = (make: MakeCard, standing: Standing, where?: "elsewhere") => Promise<void>;

/** Writes a card where the person can see it: the message itself; by direct message once an ephemeral one cannot be edited any
 * more; and as a mention in the channel, without picture or words, where direct messages are closed. */
function messageWriter({ rest, clock, cards, log }: ProgressContext, hold: Hold): Show {
  let files: KnownFiles = new Map();
  let isClosed = false;
  return async (make, standing, where) => {
    // Neither message nor direct messages: only the last word is worth asking again.
    if (isClosed && standing === "running") return;
    const delivery = hold.current();
    const { address, identity, id, task } = delivery;
    const edited =
      where === "elsewhere" ? undefined : await editAt(rest, address, await make(delivery), files, clock.now());
    if (edited !== undefined) {
      files = edited.files;
      return;
    }
    // Repeated after a crash, the same nonce makes no second message.
    const nonce = createHash("sha256").update(`${id} ${address.messageId}`).digest("base64url").slice(0, 24);
    const { serverId: _, ...direct } = address;
    const card = await make({ ...delivery, address: direct });
    const sent = await sendDirectly(rest, identity.user.id, card, nonce);
    isClosed = sent === undefined;
    if (sent !== undefined) {
      files = sent.files;
      const { channelId, messageId } = sent;
      await hold.patch({ address: { ...direct, channelId, messageId, ephemeral: false, tokenExpiresMs: 0 } });
    } else if (standing !== "running") {
      const words = cards[task].notice(identity.user.id, standing === "succeeded");
      const notice = { ...noteCard(words), notify: identity.user.id };
      const told = await sendTo(rest, address.channelId, notice, nonce);
      if (told === undefined) log("nobody to tell", { id });
    }
  };
}

/** Loads pictures of a job as the person whose it is, each once; one that did not come is asked for again the next time. */
export function pictureLoader(
  functions: FunctionClient,
  { id, identity }: Pick<Delivery, "id" | "identity">,
): LoadPicture {
  const loaded = new Map<string, Promise<Picture>>();
  return (drawn) => {
    const known = loaded.get(drawn.key);
    if (known !== undefined) return known;
    const picture = functions.call(routes.readFile, identity, { key: drawn.key }).then((bytes) => ({
      name: pictureName(id, drawn),
      bytes,
      alt: drawn.alt,
    }));
    loaded.set(drawn.key, picture);
    picture.catch(() => loaded.delete(drawn.key));
    return picture;
  };
}

/** A file name of its own for every picture of every job, because clients cache by name. */
export function pictureName(id: string, { key, kind }: Pick<DrawnPicture, "key" | "kind">): string {
  const hash = createHash("sha256").update(key).digest("hex").slice(0, 8);
  const ending = /\.(png|webp|jpg|gif)$/.exec(key)?.[1] ?? "png";
  return `${kind}-${id.slice(-6).replace(/[^A-Za-z0-9]/g, "x")}-${hash}.${ending}`;
}
