import { ButtonStyle } from "discord.js";
import type { Delivery } from "../shared/api.ts";
import type { ImagineInput, ImagineOutput } from "../shared/job.ts";
import { button, type Card, galleryPart, type Picture, quoted, rowPart, textPart } from "./card.ts";
import { badNotice, endedBadly, progressLines } from "./job-lines.ts";
import type { JobView } from "./job-view.ts";
import type { JobCards } from "./progress.ts";

export const imagineCards: JobCards = {
  async progress(view, delivery, load) {
    const pictures = await Promise.all(view.previews.slice(-1).map(load));
    return {
      pictures,
      parts: [
        textPart(["### Drawing…", ...progressLines(view)].join("\n")),
        ...(pictures.length > 0 ? [galleryPart(pictures)] : []),
        rowPart(button("Cancel", "job.cancel", [delivery.id], { style: ButtonStyle.Danger })),
      ],
    };
  },
  async ended(view, delivery, load) {
    const output = view.ended?.output;
    if (output?.task !== "imagine") return endedBadly(view);
    const drawn = output.pictures.filter(({ kind }) => kind === "picture");
    const pictures = await Promise.all(drawn.slice(0, 10).map(load));
    return imaginedCard(output, view, delivery, pictures);
  },
  notice: (userId, succeeded) =>
    succeeded
      ? `<@${userId}>, your pictures are drawn, but I cannot show them here. Allow direct messages from this server, or run \`/imagine\` again.`
      : badNotice(userId, "drawing your pictures", "run `/imagine`"),
};

function imaginedCard(
  output: ImagineOutput,
  view: JobView,
  { id, identity, address }: Delivery,
  pictures: readonly Picture[],
): Card {
  const input = view.ended?.input as ImagineInput;
  const credits = output.concepts
    .filter(({ owner }) => owner.id !== identity.user.id)
    .map(({ name, owner }) => `${quoted(`<${name}>`)} by ${quoted(owner.name)}`);
  const details = [...credits, `seed ${output.seed}`, ...output.notes.map((note) => quoted(note))];
  const why = address.ephemeral ? address.why : undefined;
  return {
    pictures,
    parts: [
      textPart(`### ${quoted(input.prompt, 300)}`),
      galleryPart(pictures),
      textPart(`-# ${details.join(" · ")}`),
      ...(why === undefined ? [] : [textPart(`-# Only you see this, because ${why}.`)]),
      rowPart(button("Again", "imagine.again", [id], { emoji: "🔁" })),
    ],
  };
}
