"""Pictures for the segmenter that are real photographs: pieces of Caltech 101's, and its things cut out and set into others, with the
masks that photograph_masks.py made of them.

    python real_photographs.py WORK OUT.png     # a sheet to look at
"""

import random
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

from vision_data import SEGMENT_SIDE, degrade

# Kinds of which no network sees a picture: how photographs are cut is chosen on them.
KEPT_KINDS = frozenset(
    ["beaver", "car_side", "cup", "elephant", "hedgehog", "llama", "lobster", "okapi", "pagoda", "pigeon", "pizza", "scissors", "sunflower", "umbrella"]
)
# What a mask must be to be learned from: found alike by several prompts, sure of itself, neither speck nor picture.
LEAST_AGREEMENT, LEAST_SURE, AREAS = 0.72, 0.84, (0.04, 0.85)


def fits(thing):
    return thing["agreement"] >= LEAST_AGREEMENT and thing["sure"] >= LEAST_SURE and AREAS[0] <= thing["mask"].mean() <= AREAS[1]


def read_photographs(work, kept=False):
    """What photograph_masks.py wrote, of trainable kinds or of those kept: dictionaries of uint8 picture [H, W, 3], bool mask [H, W],
    name, agreement and sure."""
    stored = np.load(Path(work) / "photograph-masks.npz", allow_pickle=False)
    found = []
    for i, name in enumerate(stored["names"].tolist()):
        if (name.split("/")[-2] in KEPT_KINDS) == kept:
            mask = np.unpackbits(stored[f"mask{i}"])
            picture = stored[f"picture{i}"]
            height, width = picture.shape[:2]
            found.append({"name": name, "picture": picture, "mask": mask[: height * width].reshape(height, width) > 0, "agreement": stored["agreement"][i], "sure": stored["sure"][i]})
    return [thing for thing in found if fits(thing)]


def box_of(mask):
    rows, columns = np.where(mask)
    return columns.min(), rows.min(), columns.max() + 1, rows.max() + 1


def piece_of(thing, rng):
    """(picture, mask) of a piece of a photograph that shows a good part of the thing, stretched to a square as the product does."""
    picture, mask = Image.fromarray(thing["picture"]), Image.fromarray(thing["mask"].astype(np.uint8) * 255)
    left, top, right, bottom = box_of(thing["mask"])
    longest = max(right - left, bottom - top) * np.exp(rng.uniform(np.log(0.6), np.log(2.2)))
    stretch = np.exp(rng.uniform(-0.25, 0.25))
    width, height = min(picture.width, longest * stretch), min(picture.height, longest / stretch)
    x = min(max(0, rng.gauss((left + right) / 2, (right - left) / 5) - width / 2), picture.width - width)
    y = min(max(0, rng.gauss((top + bottom) / 2, (bottom - top) / 5) - height / 2), picture.height - height)
    box, size = (x, y, x + width, y + height), (SEGMENT_SIDE, SEGMENT_SIDE)
    return picture.resize(size, Image.BOX if width > SEGMENT_SIDE else Image.BILINEAR, box), mask.resize(size, Image.BOX, box)


def like(cut, ground, share):
    """Colours of a cut-out [H, W, 3], moved a share of the way to the mean of what is behind it."""
    return np.clip(cut + (ground.mean((0, 1)) - cut.mean((0, 1))) * share, 0, 255)


def cut_out(thing, rng, size):
    """RGBA picture of the thing alone, longest edge `size`."""
    left, top, right, bottom = box_of(thing["mask"])
    rgba = np.dstack([thing["picture"], thing["mask"].astype(np.uint8) * 255])[top:bottom, left:right]
    made = Image.fromarray(rgba)
    if rng.random() < 0.4:
        made = made.rotate(rng.uniform(-25, 25), Image.BILINEAR, expand=True)
    scale = size / max(made.size)
    made = made.resize((max(4, int(made.width * scale)), max(4, int(made.height * scale))), Image.BOX if scale < 0.7 else Image.BILINEAR)
    made.putalpha(made.getchannel("A").filter(ImageFilter.GaussianBlur(rng.uniform(0, 0.7))))
    return made


def set_into(things, rng):
    """(picture, RGBA layers from back to front) of one to three things before a photograph of something else."""
    ground, _ = piece_of(rng.choice(things), rng)
    if rng.random() < 0.4:
        ground = ground.filter(ImageFilter.GaussianBlur(rng.uniform(0.5, 2)))
    picture, layers = np.asarray(ground).astype(np.float32), []
    for n in range(rng.choice([1, 1, 2, 2, 3])):
        made = cut_out(rng.choice(things), rng, rng.uniform(14, 60) if n else rng.uniform(16, 90))
        layer = Image.new("RGBA", ground.size)
        layer.paste(made, (int(rng.uniform(8, 56) - made.width / 2), int(rng.uniform(8, 56) - made.height / 2)))
        layers.append(np.asarray(layer))
    for layer in layers:
        alpha = layer[..., 3:] / 255.0
        picture = picture * (1 - alpha) + like(layer[..., :3].astype(np.float32), picture, rng.uniform(0, 0.6)) * alpha
    return Image.fromarray(picture.astype(np.uint8)), layers


def real_photograph(_renders, rng, bank, _indices):
    """As `vision_data.segment_picture`; `bank` has the things of `read_photographs`, under "photographs"."""
    things = bank["photographs"]
    if rng.random() < 0.7:
        picture, mask = piece_of(rng.choice(things), rng)
        layers = [np.dstack([np.asarray(picture), np.asarray(mask)])]
    else:
        picture, layers = set_into(things, rng)
    owner, whole = np.full((SEGMENT_SIDE, SEGMENT_SIDE), -1, np.int8), [layer[..., 3] > 127 for layer in layers]
    for n, alpha in enumerate(whole):
        owner[alpha] = n
    visible = [n for n, seen in enumerate(whole) if (owner == n).sum() > max(40, 0.3 * seen.sum())]
    if not visible:
        return real_photograph(_renders, rng, bank, _indices)
    return np.asarray(degrade(picture, rng)), layers, owner, visible


if __name__ == "__main__":
    import sys

    from vision_data import click_on

    bank, rng = {"photographs": read_photographs(sys.argv[1])}, random.Random(1)
    print(f"{len(bank['photographs'])} photographs")
    sheet = Image.new("RGB", (16 * 66, 12 * 66))
    for i in range(96):
        picture, layers, owner, visible = real_photograph(None, rng, bank, None)
        (x, y), masks, _ = click_on(layers, owner, rng.choice(visible), rng)
        at = (i % 16 * 66, i // 16 * 132)
        sheet.paste(Image.fromarray(picture), at)
        shown = picture.copy()
        shown[~masks[1]] = shown[~masks[1]] // 4
        shown[max(0, y - 1) : y + 2, max(0, x - 1) : x + 2] = (255, 0, 255)
        sheet.paste(Image.fromarray(shown), (at[0], at[1] + 64))
    sheet.resize((sheet.width * 2, sheet.height * 2), Image.NEAREST).save(sys.argv[2])
