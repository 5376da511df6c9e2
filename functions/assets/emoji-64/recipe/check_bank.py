"""What `npm run check:model` needs of the renders: unseen composites with clicks and masks, crops for captions, the 48
held-out things in three scenes each, and the prompts, all from seeds. With `--composites` only one thing on a drawn background and two
that overlap, at 128 px, for clicks; with `--more` only what `npm run paper` needs besides: four
further pictures of each held-out thing, in scenes that it is not shown in elsewhere.

    python check_bank.py --work DIR --out test/check-model/bank [--composites | --more]
"""

import argparse
import json
import random
from pathlib import Path

import numpy as np
from PIL import Image

from crop_data import crop_example
from data import background_bank, composites, never_together, place
from renders import COLOURS, HELD_OUT, WORDS, Renders, held_instance
from scenes import PHRASES, SCENES
from vision_data import CHECK_SIDE, segment_bank, segment_example

COLUMNS = 25


def pages(pictures, path, mode):
    """Pictures of one size, 25 a row, as one sheet: RGB as lossless WebP, masks as PNG of one bit. Pictures that were degraded on purpose
    do not shrink so: they are AVIF in full colour, which costs clicks 0.002 of overlap where WebP's halved colour cost them 0.012."""
    side = pictures[0].shape[0]
    page = np.zeros((-(-len(pictures) // COLUMNS) * side, COLUMNS * side, *pictures[0].shape[2:]), pictures[0].dtype)
    for i, picture in enumerate(pictures):
        y, x = i // COLUMNS * side, i % COLUMNS * side
        page[y : y + side, x : x + side] = picture
    if mode == "mask":
        Image.fromarray(page).save(f"{path}.png", optimize=True)
    elif mode == "degraded":
        Image.fromarray(page).save(f"{path}.avif", quality=85, subsampling="4:4:4", speed=7)
    else:
        Image.fromarray(page).save(f"{path}.webp", lossless=True, quality=92, method=6)


def inside(mask):
    """The pixel of a mask that is nearest to its centre: (x, y)."""
    rows, columns = np.where(mask)
    nearest = np.argmin((rows - rows.mean()) ** 2 + (columns - columns.mean()) ** 2)
    return int(columns[nearest]), int(rows[nearest])


def clicks(renders, out, count):
    """Unseen composites of trainable things: mask of the clicked thing, and whether another one touches it."""
    rng = random.Random(90_001)
    bank, made = segment_bank(rng), []
    for _ in range(count):
        made.append(segment_example(renders, rng, bank, renders.trainable))
    pages([picture for picture, *_ in made], out / "clicks", "degraded")
    pages([masks[1] for _, _, masks, _ in made], out / "click-masks", "mask")
    return [{"click": list(click), "overlapping": touching} for _, click, _, touching in made]


def click_composites(renders, out):
    """Unseen composites as check.py draws them, of another seed: one thing, and two that overlap, at CHECK_SIDE pixels."""
    listed = {}
    for kind, count in (("one", 500), ("two", 250)):
        rng = random.Random(f"90_007 {kind}")
        bank = segment_bank(rng, side=CHECK_SIDE)
        made = [segment_example(renders, rng, bank, renders.trainable, kind) for _ in range(count)]
        pages([picture for picture, *_ in made], out / f"clicks-{kind}", "degraded")
        pages([masks[1] for _, _, masks, _ in made], out / f"click-masks-{kind}", "mask")
        listed[kind] = [click for _, click, _, _ in made]
    (out / "clicks.json").write_text(json.dumps(listed, separators=(",", ":")) + "\n")


def crops(renders, out):
    """Two crops of each known subject as a mask would cut it: word and colour word that are true of it."""
    rng = random.Random(90_002)
    made = [crop_example(renders, rng, word) for word in WORDS for _ in range(2)]
    pages([picture for picture, *_ in made], out / "crops", "degraded")
    return [{"word": word, "colour": colour} for _, word, colour in made]


def held_out_pictures(renders, rng, scenes_of):
    """(entry of held-out.json, its scenes, a composite and a mask for each) of the 48 things that training never saw."""
    bank = background_bank(rng, 4)
    for held in HELD_OUT["classes"] + HELD_OUT["instances"]:
        if is_class(held):
            sets = [s for s in ("fluent-3d", "fluent-flat", "noto") if (held["codepoint"], s) in renders.index]
            picture = renders.crop(renders.index[held["codepoint"], sets[0]])
        else:
            picture = held_instance(renders, held)
        scenes, pictures, masks = scenes_of(held), [], []
        for name in scenes:
            made, mask = place(rng.choice(bank[name]), picture, rng.uniform(43, 47), (32 + rng.uniform(-2, 2), 33 + rng.uniform(-2, 2)))
            pictures.append(np.asarray(made))
            masks.append(np.asarray(mask) > 127)
        yield held, scenes, pictures, masks


def is_class(held):
    return "alsoHeldOut" in held


def held_out(renders, out):
    """Each held-out thing on the scene that is learned from and on two others."""
    rng = random.Random(90_003)
    made = list(held_out_pictures(renders, rng, lambda _: rng.sample(SCENES, 3)))
    pages([picture for *_, pictures, _ in made for picture in pictures], out / "held-out", "picture")
    pages([mask for *_, masks in made for mask in masks], out / "held-out-masks", "mask")
    return [
        {"name": held["name"], "group": ("classes: " if is_class(held) else "instances: ") + held["group"], "scenes": scenes, "click": list(inside(masks[0]))}
        for held, scenes, _, masks in made
    ]  # fmt: skip


def held_out_more(renders, out):
    """Four further pictures of each held-out thing, for concepts that are learned from several; its scenes in `held_out` are left
    out, because what was learned is judged there. Of a generator of their own, so that they change no other sheet."""
    rng, taken = random.Random(90_006), {held["name"]: held["scenes"] for held in json.loads((out / "bank.json").read_text())["heldOut"]}
    made = list(held_out_pictures(renders, rng, lambda held: rng.sample([s for s in SCENES if s not in taken[held["name"]]], 4)))
    pages([picture for *_, pictures, _ in made for picture in pictures], out / "held-out-more", "picture")
    pages([mask for *_, masks in made for mask in masks], out / "held-out-more-masks", "mask")
    (out / "held-out-more.json").write_text(json.dumps({held["name"]: scenes for held, scenes, *_ in made}, separators=(",", ":")) + "\n")


def prompts(rng):
    """Three prompts a subject, one of them of a pair that training never shows; every fourth subject on a plain colour too."""
    listed = []
    for i, word in enumerate(WORDS):
        apart = [s for s in SCENES if never_together(word, s)]
        together = [s for s in SCENES if not never_together(word, s)]
        chosen = [(rng.choice(apart), True)] if apart else []
        chosen += [(s, False) for s in rng.sample(together, 3 - len(chosen))]
        listed += [{"word": word, "scene": s, "phrase": PHRASES[s][0], "unseen": unseen} for s, unseen in chosen]
        if i % 2 == 0:
            colour = rng.choice(list(COLOURS))
            listed.append({"word": word, "colour": colour, "phrase": f"on {'an' if colour[0] in 'aeiou' else 'a'} {colour} background", "unseen": False})
    return listed


def known(renders, out, count):
    """True composites of the vocabulary: the judges' ceiling."""
    made = list(composites(renders, count, 1, 90_004))
    pages([np.asarray(picture) for picture, _, _ in made], out / "known", "picture")
    return [{"word": fact["word"], "scene": fact["scene"], "colour": fact["background"]} for _, _, fact in made]


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--work", required=True)
    arguments.add_argument("--out", required=True)
    arguments.add_argument("--more", action="store_true", help="only the further pictures of the held-out things")
    arguments.add_argument("--composites", action="store_true", help="only the composites of one thing and of two")
    a = arguments.parse_args()
    renders, out = Renders(a.work), Path(a.out)
    out.mkdir(parents=True, exist_ok=True)
    if a.more:
        return held_out_more(renders, out)
    if a.composites:
        return click_composites(renders, out)
    bank = {
        "scenes": {name: phrases[0] for name, phrases in PHRASES.items()}, "prompts": prompts(random.Random(90_005)),
        "clicks": clicks(renders, out, 500), "crops": crops(renders, out),
        "heldOut": held_out(renders, out), "known": known(renders, out, 2 * len(WORDS)),
    }  # fmt: skip
    (out / "bank.json").write_text(json.dumps(bank, separators=(",", ":")) + "\n")
    print({name: len(part) for name, part in bank.items()}, sum(f.stat().st_size for f in out.iterdir()), "bytes")


if __name__ == "__main__":
    main()
