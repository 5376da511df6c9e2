"""Twelve held-out things on scenes at 128 px, the nearest to the paper's twelve that emoji offer, with masks and clicks:
what the orderings of initialisers are measured on.

    python held_out_pictures.py --work DIR --out FOLDER
"""

import argparse
import json
import random
from pathlib import Path

import numpy as np
from PIL import Image

from renders import COLOURS, HELD_OUT, Renders, pattern, recolour
from scenes import scene

SIDE, SIZE = 128, 90
# (name, codepoint, set, scene); the cat is a held-out instance, everything else a held-out class.
THINGS = [
    ("cup", "2615", "fluent-3d", "kitchen"), ("pot", "1f372", "fluent-3d", "room"), ("bird", "1f426", "fluent-3d", "sky"),
    ("police-car", "1f693", "fluent-3d", "city"), ("dotted-cat", "1f431", "noto", "grass"), ("clock", "23f0", "fluent-3d", "room"),
    ("teapot", "1fad6", "fluent-3d", "kitchen"), ("teddy", "1f9f8", "fluent-3d", "beach"), ("backpack", "1f392", "fluent-3d", "mountains"),
    ("sunglasses", "1f576", "fluent-3d", "beach"), ("sneaker", "1f45f", "fluent-3d", "city"), ("robot", "1f916", "fluent-3d", "desert"),
]  # fmt: skip


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--work", required=True, help="where render.ts wrote")
    arguments.add_argument("--out", required=True)
    a = arguments.parse_args()
    renders, out, listed = Renders(a.work), Path(a.out), []
    out.mkdir(parents=True, exist_ok=True)
    for i, (name, codepoint, emoji_set, place) in enumerate(THINGS):
        picture = renders.crop(renders.index[codepoint, emoji_set])
        held = next((h for h in HELD_OUT["instances"] if (h["codepoint"], h["set"]) == (codepoint, emoji_set)), None)
        if held:
            picture = pattern(recolour(picture, held["hue"]), held["pattern"], COLOURS[held["patternColour"]])
        scale = SIZE / max(picture.size)
        picture = picture.resize((round(picture.width * scale), round(picture.height * scale)), Image.LANCZOS)
        canvas, mask = scene(place, random.Random(i), SIDE).convert("RGBA"), Image.new("L", (SIDE, SIDE))
        corner = ((SIDE - picture.width) // 2, (SIDE - picture.height) // 2 + 2)
        canvas.alpha_composite(picture, corner)
        mask.paste(picture.getchannel("A").point(lambda v: 255 if v > 128 else 0), corner)
        canvas.convert("RGB").save(out / f"{name}.png", optimize=True)
        mask.convert("1").save(out / f"{name}-mask.png", optimize=True)
        rows, columns = np.where(np.asarray(mask) > 0)
        nearest = np.argmin((rows - rows.mean()) ** 2 + (columns - columns.mean()) ** 2)
        listed.append({"name": name, "scene": place, "click": [int(columns[nearest]), int(rows[nearest])]})
    (out / "held-out.json").write_text(json.dumps(listed, indent=2) + "\n")
    print(len(listed), "pictures,", sum(f.stat().st_size for f in out.iterdir()), "bytes")


if __name__ == "__main__":
    main()
