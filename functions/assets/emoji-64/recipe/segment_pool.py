"""Pictures, clicks and masks for the segmenter, made once and kept on disk.

    python segment_pool.py --work DIR --count 40000 [--photographic 0.5 | --photographic 0.25 --real 0.5]

Making a picture costs more than learning from it, so each carries several clicks, and training varies it further.
"""

import argparse
import json
import random
import time
from pathlib import Path

import numpy as np

from photographic import fields, photographic_picture
from real_photographs import read_photographs, real_photograph
from renders import Renders
from vision_data import SEGMENT_SIDE, click_on, segment_bank, segment_picture

CLICKS = 6
FIELDS = {
    "pictures": (SEGMENT_SIDE, SEGMENT_SIDE, 3),
    "clicks": (CLICKS, 2),
    # Three masks a click, eight pixels a byte.
    "masks": (CLICKS, 3, SEGMENT_SIDE * SEGMENT_SIDE // 8),
}


def open_pool(folder, count, mode="r"):
    """uint8 arrays on disk, one row a picture, in the shapes of FIELDS."""
    return {name: np.memmap(folder / f"{name}.u8", np.uint8, mode, shape=(count, *shape)) for name, shape in FIELDS.items()}


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--work", required=True)
    arguments.add_argument("--count", type=int, default=40_000)
    arguments.add_argument("--seed", type=int, default=5)
    arguments.add_argument("--photographic", type=float, default=0, help="share of pictures made to look like photographs")
    arguments.add_argument("--real", type=float, default=0, help="share of pictures made of photographs")
    a = arguments.parse_args()
    folder = Path(a.work) / "segment-pool"
    folder.mkdir(parents=True, exist_ok=True)
    renders, rng, started = Renders(a.work), random.Random(a.seed), time.time()
    pool, bank = open_pool(folder, a.count, "w+"), segment_bank(rng, 400)
    if a.photographic:
        bank["fields"] = fields(np.random.default_rng(a.seed), 2000)
    if a.real:
        bank["photographs"] = read_photographs(a.work)
    makers, shares = [real_photograph, photographic_picture, segment_picture], [a.real, a.photographic, 1 - a.real - a.photographic]
    for i in range(a.count):
        make = rng.choices(makers, shares)[0] if a.real or a.photographic else segment_picture
        picture, layers, owner, visible = make(renders, rng, bank, renders.trainable)
        pool["pictures"][i] = picture
        for k in range(CLICKS):
            click, masks, _ = click_on(layers, owner, visible[k % len(visible)], rng)
            pool["clicks"][i, k] = click
            pool["masks"][i, k] = np.packbits(masks.reshape(3, -1), axis=1)
        if (i + 1) % 1000 == 0:
            # Training may begin on what there is.
            (folder / "pool.json").write_text(json.dumps({"count": a.count, "made": i + 1}))
            print(f"{i + 1} pictures, {(i + 1) / (time.time() - started):.0f} a second", flush=True)


if __name__ == "__main__":
    main()
