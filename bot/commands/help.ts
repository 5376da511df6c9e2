import { MessageFlags } from "discord.js";
import { cardOptions, textPart } from "../card.ts";
import type { Command } from "../command.ts";

const text = `### I learn words from pictures
**1.** \`/learn\` with a photo, or *Apps → Learn this* on a message with one. I outline what I see; press **Learn**.
**2.** \`/imagine prompt:<mycat> in space\` draws *your* cat. Type \`<\` and I offer the words you can use.
**3.** Press **Share with the server** when others may use it. Until then only you see it.

\`/concepts list\` shows your words, \`/concepts share\` and \`/concepts unshare\` say who may use one.
\`/concepts delete\` makes me forget one, which \`/concepts restore\` brings back for seven days, \`/concepts forget-me\` all of them for good.
-# I keep the picture's pixels without place and camera data. Learn only from pictures that you may use, and ask people before you teach me their faces.`;

/** `/help`: the whole product on one card. */
export const help: Command = {
  data: { name: "help", description: "How to teach me a word and draw with it" },
  async run(interaction) {
    const { flags, ...options } = cardOptions({ parts: [textPart(text)] });
    await interaction.reply({ ...options, flags: flags | MessageFlags.Ephemeral });
  },
};
