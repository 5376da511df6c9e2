"""Composites at 192 px with a click and the mask of what is clicked, as people's pictures of emoji are: for
test/photos/refine-below.ts and photograph.py.

    python composites.py --work DIR --count 160 --seed 4242 --out FOLDER
"""

import argparse
import json
import random
from pathlib import Path

import numpy as np
from PIL import Image
from scipy import ndimage

from renders import Renders
from scenes import SCENES, scene
from vision_data import degrade, instance, texture

SIDE = 192


def composite(renders, rng):
    """(RGB picture, bool mask of the first emoji); one to three emoji in any order of depth."""
    picture = (texture(rng, SIDE) if rng.random() < 0.15 else scene(rng.choice(SCENES), rng, SIDE)).convert("RGBA")
    owner, layers = np.full((SIDE, SIDE), -1, np.int8), []
    for n in range(rng.choice([1, 1, 2, 3])):
        emoji = instance(renders, rng, renders.trainable)
        scale = (rng.uniform(60, 150) if n == 0 else rng.uniform(40, 100)) / max(emoji.size)
        emoji = emoji.resize((max(3, int(emoji.width * scale)), max(3, int(emoji.height * scale))), Image.BILINEAR)
        x, y = (rng.uniform(60, 132), rng.uniform(60, 132)) if n == 0 else (rng.uniform(0, SIDE), rng.uniform(0, SIDE))
        layer = Image.new("RGBA", (SIDE, SIDE))
        layer.paste(emoji, (int(x - emoji.width / 2), int(y - emoji.height / 2)))
        layers.append(layer)
    order = list(range(len(layers)))
    rng.shuffle(order)
    for n in order:
        picture.alpha_composite(layers[n])
        owner[np.asarray(layers[n])[..., 3] > 127] = n
    return degrade(picture.convert("RGB"), rng), owner == 0


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--work", required=True)
    arguments.add_argument("--count", type=int, default=160)
    arguments.add_argument("--seed", type=int, default=4242)
    arguments.add_argument("--out", required=True)
    a = arguments.parse_args()
    renders, rng, out, listed = Renders(Path(a.work)), random.Random(a.seed), Path(a.out), []
    out.mkdir(parents=True, exist_ok=True)
    while len(listed) < a.count:
        picture, mask = composite(renders, rng)
        if mask.sum() < 400:
            continue
        inner = ndimage.binary_erosion(mask, iterations=3)
        rows, columns = np.where(inner if inner.any() else mask)
        at = rng.randrange(len(rows))
        name = f"composite-{len(listed)}"
        picture.save(out / f"{name}.png")
        Image.fromarray((mask * 255).astype(np.uint8)).save(out / f"{name}-mask.png")
        listed.append({"file": f"{name}.png", "click": [int(columns[at]), int(rows[at])]})
    (out / "composites.json").write_text(json.dumps(listed) + "\n")


if __name__ == "__main__":
    main()
