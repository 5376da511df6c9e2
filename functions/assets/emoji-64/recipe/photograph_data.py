"""Composites of the things of photographs, for the UNet: what it has never seen in any texture it cannot draw from any embedding.

    python photograph_data.py --work DIR --count 16000 --seed 1 --out DIR/bank4

A bank as data.py makes them. Each thing is a made-up word of its own (renders.py), cut out and set on drawn backgrounds, and now and then before
what it was photographed with.
"""

import argparse
import json
import random
from pathlib import Path

import numpy as np
from PIL import Image

from data import background_bank, choose_background, place, sheet
from real_photographs import cut_out, piece_of, read_photographs
from renders import lit, main_colour

AS_PHOTOGRAPHED = 0.25


def photograph_word(name):
    """A word of letters for a photograph's name, "kind/image_0012.jpg"; no emoji's has a w."""
    return "zzw" + "".join(c for c in name.removesuffix(".jpg").translate(str.maketrans("0123456789", "ghijklmnop")) if c.isalpha()).lower()


def photograph_words(work):
    """Of all photographs to be learned from; none where there are no masks."""
    if not (Path(work) / "photograph-masks.npz").exists():
        return []
    return [photograph_word(thing["name"]) for thing in read_photographs(work)]


def photograph_composites(things, count, seed):
    """Yields (RGB picture, fact) `count` times; the things take turns."""
    rng = random.Random(seed)
    bank = background_bank(rng)
    colours = [main_colour(cut_out(thing, random.Random(0), 64))[0] for thing in things]
    for i in range(count):
        thing, word, colour = things[i % len(things)], photograph_word(things[i % len(things)]["name"]), colours[i % len(things)]
        fact = {"word": word, "colour": colour, "recoloured": False, "set": None, "scene": None, "background": None}
        if rng.random() < AS_PHOTOGRAPHED:
            yield piece_of(thing, rng)[0], fact
            continue
        made = cut_out(thing, rng, 128)
        if rng.random() < 0.3:
            made = lit(made, rng)
        if rng.random() < 0.15:
            made = made.transpose(Image.FLIP_LEFT_RIGHT)
        background, scene_name, background_colour = choose_background(word, bank, rng)
        centre = (32 + rng.uniform(-4, 4), 33 + rng.uniform(-4, 4))
        yield place(background, made, rng.uniform(40, 54), centre)[0], fact | {"scene": scene_name, "background": background_colour}


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--work", required=True)
    arguments.add_argument("--count", type=int, default=16000)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--out", required=True)
    a = arguments.parse_args()
    out = Path(a.out)
    out.mkdir(parents=True, exist_ok=True)
    pictures, facts = np.zeros((a.count, 64, 64, 3), np.uint8), []
    for i, (picture, fact) in enumerate(photograph_composites(read_photographs(a.work), a.count, a.seed)):
        pictures[i] = np.asarray(picture)
        facts.append(fact)
    np.save(out / "pictures.npy", pictures)
    (out / "facts.json").write_text(json.dumps(facts))
    sheet(list(pictures[:160]), 20, out / "samples.png")


if __name__ == "__main__":
    main()
