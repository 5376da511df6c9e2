import type { HeldOutThing } from "../check-model/gallery.ts";

/** By eye: colour and kind of the held-out classes in words that the embedded model knows. It has no word for these kinds, so
 * the nearest known one stands in. */
const ofClasses: Readonly<Record<string, string>> = {
  ...{ "teddy bear": "an orange bear", otter: "a brown dog", beaver: "a brown bear", hedgehog: "a brown pig" },
  ...{ tiger: "an orange cat", leopard: "an orange cat", orangutan: "an orange monkey", kangaroo: "an orange camel" },
  ...{ teapot: "a pink vase", cup: "a gray beer", teacup: "a white beer", pot: "an orange bucket" },
  ...{ backpack: "a pink shirt", sneaker: "a gray hat", sunglasses: "purple glasses", boot: "a yellow hat" },
  ...{ "police car": "a black car", suv: "a blue car", pickup: "a red truck", minibus: "a blue bus" },
  ...{ robot: "a white alien", ogre: "a red devil", goblin: "a red devil", monster: "a purple alien" },
};

const colours = ["red", "blue", "purple", "green", "pink", "orange"];

/** What is true of a held-out thing in known words, told by no captioner. Instances are a known kind in a colour that their
 * group names; no word is known for their marks. @throws Error for a thing that is in no list */
export function rightCaption({ name, group }: Pick<HeldOutThing, "name" | "group">): string {
  const colour = group.split(" ").find((word) => colours.includes(word));
  const caption = group.startsWith("classes: ")
    ? ofClasses[name]
    : colour && `${colour === "orange" ? "an" : "a"} ${colour} ${name.split(" ").at(-1)}`;
  if (!caption) throw new Error(`right caption: "${name}" of "${group}" needs one in right-captions.ts`);
  return caption;
}
