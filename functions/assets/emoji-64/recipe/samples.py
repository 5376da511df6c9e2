"""The bundled pictures: six held-out things in scenes at 512 px, with the click that finds them.

    node render.ts --packages node_modules --work DIR/large --side 512 --only 1f916,1f9f8,1fad6,1f392,1f42f,1f431
    python samples.py --renders DIR/large --out FOLDER/samples
"""

import argparse
import json
import random
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

from renders import COLOURS, HELD_OUT, pattern, recolour
from scenes import scene

SAMPLES = [
    {"name": "tiger", "codepoint": "1f42f", "set": "fluent-3d", "scene": "forest", "note": "a tiger, a class that training never saw"},
    {"name": "robot", "codepoint": "1f916", "set": "fluent-3d", "scene": "grass", "note": "a robot, a class that training never saw"},
    {"name": "teddy", "codepoint": "1f9f8", "set": "fluent-3d", "scene": "room", "note": "a teddy bear, a class that training never saw"},
    {"name": "teapot", "codepoint": "1fad6", "set": "fluent-3d", "scene": "kitchen", "note": "a red teapot, a class that training never saw"},
    {"name": "backpack", "codepoint": "1f392", "set": "fluent-3d", "scene": "mountains", "note": "a backpack, a class that training never saw"},
    {"name": "dotted cat", "codepoint": "1f431", "set": "noto", "scene": "beach", "note": "a blue cat with dots: the kind is known, this one is held out"},
]  # fmt: skip
SIDE, SIZE = 512, 340


def alter(picture, codepoint):
    held = next((h for h in HELD_OUT["instances"] if h["codepoint"] == codepoint), None)
    if held is None:
        return picture
    picture = recolour(picture, held["hue"])
    return pattern(picture, held["pattern"], COLOURS[held["patternColour"]]) if held["pattern"] else picture


def composite(picture, name, rng):
    """The picture on its scene with a soft shadow; also its mask."""
    box = picture.getchannel("A").point(lambda v: 255 if v > 20 else 0).getbbox()
    picture = picture.crop(box)
    scale = SIZE / max(picture.size)
    picture = picture.resize((round(picture.width * scale), round(picture.height * scale)), Image.LANCZOS)
    out = scene(name, rng, SIDE).convert("RGBA")
    corner = ((SIDE - picture.width) // 2, (SIDE - picture.height) // 2 + 10)
    layer = Image.new("RGBA", (SIDE, SIDE))
    layer.paste(picture, corner)
    shadow = Image.new("RGBA", (SIDE, SIDE), (0, 0, 0, 0))
    shadow.paste(Image.new("RGBA", (SIDE, SIDE), (20, 20, 40, 90)), (0, 12), layer.getchannel("A").filter(ImageFilter.GaussianBlur(10)).point(lambda v: v // 3))
    out.alpha_composite(shadow)
    out.alpha_composite(layer)
    return out.convert("RGB"), np.asarray(layer)[..., 3] > 128


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--renders", required=True)
    arguments.add_argument("--out", required=True)
    a = arguments.parse_args()
    out = Path(a.out)
    out.mkdir(parents=True, exist_ok=True)
    listed = []
    for i, sample in enumerate(SAMPLES):
        source = Image.open(Path(a.renders) / f"{sample['codepoint']}.{sample['set']}.png").convert("RGBA")
        picture, mask = composite(alter(source, sample["codepoint"]), sample["scene"], random.Random(i))
        rows, columns = np.where(mask)
        file = f"{sample['name'].replace(' ', '-')}.png"
        picture.quantize(256, dither=Image.Dither.NONE).save(out / file, optimize=True)
        listed.append({"file": file, "click": [int(np.median(columns)), int(np.median(rows))], "name": sample["name"], "note": sample["note"]})
        print(file, (out / file).stat().st_size, listed[-1]["click"], bool(mask[listed[-1]["click"][1], listed[-1]["click"][0]]))
    (out / "samples.json").write_text(json.dumps(listed, indent=2) + "\n")


if __name__ == "__main__":
    main()
