"""The rendered emoji, the vocabulary, the held-out list, and how one picture becomes another instance of its kind.

Reads `rgba.bin` and `renders.json` as render.ts writes them, `subjects.json` and `held-out.json` beside this file.
"""

import colorsys
import json
import random
import re
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image

HERE = Path(__file__).parent
SUBJECTS = json.loads((HERE / "subjects.json").read_text())
HELD_OUT = json.loads((HERE / "held-out.json").read_text())
CATEGORY = {word: category for category, words in SUBJECTS.items() for word in words}
WORDS = list(CATEGORY)

COLOURS = {
    "red": (214, 40, 40), "orange": (245, 140, 30), "yellow": (250, 215, 50), "green": (60, 165, 70),
    "blue": (45, 110, 225), "purple": (135, 70, 190), "pink": (245, 130, 180), "brown": (130, 85, 50),
    "white": (245, 245, 245), "black": (25, 25, 28), "gray": (140, 140, 145),
}  # fmt: skip
# Upper hue in degrees of each colour word.
HUES = [(14, "red"), (42, "orange"), (66, "yellow"), (165, "green"), (258, "blue"), (292, "purple"), (342, "pink"), (361, "red")]

NEVER = {c for held in HELD_OUT["classes"] for c in (held["codepoint"], *held["alsoHeldOut"])}
NEVER |= {reserve["codepoint"] for reserve in HELD_OUT["reserve"]}
# Their names, too, stay out of what is drawn besides the vocabulary: a woman's boot is a boot.
HELD_NAMES = {held["name"] for held in HELD_OUT["classes"]}
HELD_PAIRS = {(held["codepoint"], held["set"]) for held in HELD_OUT["instances"]}


# Emoji outside the vocabulary stand in training captions as made-up words, and so do patterns and accessories. Their embeddings
# are trained and thrown away: what stays is a UNet that draws things from embeddings of no known word, as inversion asks of it.
PATTERNS = {"stripes": "zzstriped", "dots": "zzdotted", "stars": "zzstarry", "checks": "zzchecked"}
ACCESSORIES = {"1f451": "zzcrowned", "1f3a9": "zzhatted"}


def made_up(codepoint):
    """A word of letters for a codepoint of hexadecimal digits."""
    return "zz" + codepoint.translate(str.maketrans("0123456789", "ghijklmnop"))


def nameless(entries):
    """{made-up word: codepoint} of things outside the vocabulary: no people, no clock faces, few smileys, nothing held out."""
    known = {code for words in SUBJECTS.values() for codes in words.values() for code in codes}
    found = {}
    for entry in entries:
        code, label = entry["codepoint"], entry["label"].lower()
        skipped = "-" in code or entry["group"] == 1 or (entry["group"] == 0 and int(code, 16) % 5 > 0)
        if not (skipped or code in known | NEVER or set(label.split()) & HELD_NAMES or re.search("o’clock|thirty", label)):
            found[made_up(code)] = code
    return dict(sorted(found.items()))


class Renders:
    """All renders of a work folder. `pixels`: uint8 [N, 128, 128, 4], straight alpha."""

    def __init__(self, work):
        self.entries = json.loads((Path(work) / "renders.json").read_text())
        self.pixels = np.memmap(Path(work) / "rgba.bin", dtype=np.uint8, mode="r").reshape(-1, 128, 128, 4)
        self.index = {(e["codepoint"], e["set"]): i for i, e in enumerate(self.entries)}
        self.trainable = [
            i for i, e in enumerate(self.entries)
            if e["codepoint"] not in NEVER and (e["codepoint"], e["set"]) not in HELD_PAIRS
        ]  # fmt: skip
        allowed = set(self.trainable)
        self.nameless = nameless(self.entries)
        codes_of = {word: codes for words in SUBJECTS.values() for word, codes in words.items()} | {word: [code] for word, code in self.nameless.items()}
        self.of_word = {
            word: {s: [self.index[c, s] for c in codes if self.index.get((c, s)) in allowed] for s in ("fluent-flat", "fluent-3d", "fluent-gradient", "noto")}
            for word, codes in codes_of.items()
        }  # fmt: skip
        self.crop = lru_cache(maxsize=8000)(self._crop)

    def _crop(self, i):
        """The picture cut to its own opaque box."""
        rgba = self.pixels[i]
        rows, columns = np.where((rgba[..., 3] > 20).any(1))[0], np.where((rgba[..., 3] > 20).any(0))[0]
        return Image.fromarray(np.ascontiguousarray(rgba[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]))


def hsv_of(picture):
    """float [H, W, 3], hue in degrees, saturation and value in 0…1."""
    hsv = np.asarray(picture.convert("RGB").convert("HSV")).astype(np.float32)
    return hsv * np.array([360 / 255, 1 / 255, 1 / 255], np.float32)


def main_colour(picture):
    """(colour word or None where no colour leads, main hue in degrees or None) of the opaque pixels."""
    hsv = hsv_of(picture)[np.asarray(picture)[..., 3] > 128]
    if len(hsv) == 0:
        return None, None
    hue, saturation, value = hsv.T
    vivid = (saturation > 0.35) & (value > 0.27)
    if vivid.mean() > 0.4:
        counts = np.bincount((hue[vivid] / 5).astype(int) % 72, minlength=72)
        smooth = counts + np.roll(counts, 1) + np.roll(counts, -1) + np.roll(counts, 2) + np.roll(counts, -2)
        peak = int(smooth.argmax())
        near = np.abs((hue[vivid] - (peak * 5 + 2.5) + 180) % 360 - 180) < 17
        mean = float((np.mean((hue[vivid][near] - peak * 5 + 180) % 360 - 180) + peak * 5) % 360)
        if smooth[peak] < 0.55 * vivid.sum():
            return None, mean
        word = next(name for limit, name in HUES if mean < limit)
        dark = np.median(value[vivid][near])
        if word in ("orange", "red", "yellow") and dark < (0.62 if word != "red" else 0.5):
            word = "brown"
        return word, mean
    if ((saturation < 0.25) & (value > 0.8)).mean() > 0.55:
        return "white", None
    if (value < 0.32).mean() > 0.55:
        return "black", None
    if ((saturation < 0.3) & (value > 0.3) & (value < 0.85)).mean() > 0.5:
        return "gray", None
    return None, None


def with_hsv(picture, hsv):
    """The picture in other colours, as hsv_of gives them; its opacity stays."""
    scaled = np.clip(hsv * np.array([255 / 360, 255, 255], np.float32), 0, 255).astype(np.uint8)
    rgb = np.asarray(Image.fromarray(scaled, "HSV").convert("RGB"))
    return Image.fromarray(np.dstack([rgb, np.asarray(picture)[..., 3]]))


def recolour(picture, hue):
    """Turns the main hue to `hue` degrees; a picture without a main hue is tinted. Outlines and eyes stay dark."""
    hsv = hsv_of(picture).copy()
    _, main = main_colour(picture)
    if main is None:
        body = hsv[..., 2] > 0.25
        hsv[..., 0] = np.where(body, hue, hsv[..., 0])
        hsv[..., 1] = np.where(body, np.maximum(hsv[..., 1], 0.5), hsv[..., 1])
    else:
        hsv[..., 0] = (hsv[..., 0] + hue - main) % 360
        hsv[..., 2] = np.where(hsv[..., 1] > 0.3, np.clip(hsv[..., 2] * 1.06, 0, 1), hsv[..., 2])
    return with_hsv(picture, hsv)


def pattern(picture, kind, colour):
    """Paints stripes, dots, stars or checks in an RGB colour on the opaque, not too dark pixels."""
    height, width = picture.height, picture.width
    y, x = np.mgrid[0:height, 0:width] / max(height, width)
    if kind == "stripes":
        on = ((x + y) * 5) % 1 < 0.35
    elif kind == "checks":
        on = ((x * 6).astype(int) + (y * 6).astype(int)) % 2 == 0
    else:
        row = (y * 5).astype(int)
        u, v = (x * 5 + 0.5 * (row % 2)) % 1 - 0.5, (y * 5) % 1 - 0.5
        angle = np.arctan2(v, u)
        on = np.hypot(u, v) < (0.27 if kind == "dots" else 0.24 + 0.13 * np.cos(5 * angle))
    rgba = np.asarray(picture).copy()
    light = rgba[..., :3].max(-1, keepdims=True) / 255
    on = (on & (light[..., 0] > 0.35))[..., None]
    rgba[..., :3] = np.where(on, np.clip(np.array(colour) * (0.25 + 0.75 * light), 0, 255), rgba[..., :3]).astype(np.uint8)
    return Image.fromarray(rgba)


def accessorise(picture, accessory):
    """Sets a crown or a hat on top; the result is taller than the picture."""
    width = max(8, int(picture.width * 0.5))
    worn = accessory.resize((width, max(4, int(accessory.height * width / accessory.width))), Image.LANCZOS)
    # The head of a side-view animal is where its topmost pixels are.
    alpha = np.asarray(picture)[..., 3] > 128
    top = np.where(alpha[: max(2, picture.height // 7)].any(0))[0]
    middle = int(top.mean()) if len(top) else picture.width // 2
    rise = int(worn.height * 0.75)
    left = min(max(0, middle - width // 2), picture.width - width)
    out = Image.new("RGBA", (picture.width, picture.height + rise))
    out.alpha_composite(picture, (0, rise))
    out.alpha_composite(worn, (left, 0))
    return out


def held_instance(renders, held):
    """The altered picture of one entry of held-out.json's `instances`."""
    picture = recolour(renders.crop(renders.index[held["codepoint"], held["set"]]), held["hue"])
    if held["pattern"]:
        picture = pattern(picture, held["pattern"], COLOURS[held["patternColour"]])
    if held["accessory"]:
        picture = accessorise(picture, renders.crop(renders.index[held["accessory"], "fluent-flat"]))
    return picture


def lit(picture, rng):
    """A gentle gradient of light across the picture and a change of contrast."""
    rgba = np.asarray(picture).astype(np.float32).copy()
    angle = rng.uniform(0, 6.28)
    y, x = np.mgrid[-1 : 1 : picture.height * 1j, -1 : 1 : picture.width * 1j]
    gain = rng.uniform(0.85, 1.1) + rng.uniform(0, 0.22) * (x * np.cos(angle) + y * np.sin(angle))
    rgba[..., :3] = np.clip(rgba[..., :3] * gain[..., None], 0, 255)
    return Image.fromarray(rgba.astype(np.uint8))


def hue_of(word, rng):
    """A hue in degrees inside a colour word's range."""
    spans = {"red": (-8, 8), "orange": (24, 38), "yellow": (48, 60), "green": (95, 150), "blue": (200, 240), "purple": (268, 285), "pink": (312, 332)}
    low, high = spans[word]
    return rng.uniform(low, high) % 360


if __name__ == "__main__":
    rng = random.Random(0)
    assert main_colour(Image.new("RGBA", (4, 4), (*COLOURS["blue"], 255)))[0] == "blue"
    assert abs(colorsys.rgb_to_hsv(*recolour(Image.new("RGBA", (4, 4), (200, 30, 30, 255)), 120).getpixel((0, 0))[:3])[0] - 1 / 3) < 0.03
