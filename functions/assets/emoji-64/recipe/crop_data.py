"""Crops for the classifier and the captioner: 64 px on white, of a thing in a picture as a segmenter's mask would cut it."""

import random
from functools import cache

import numpy as np
from PIL import Image
from scipy import ndimage

from renders import WORDS, main_colour
from vision_data import degrade, instance, segment_background, segment_bank, weathered

CROP_SIDE = 64


def crop_on_white(picture, mask, side=CROP_SIDE, margin=0.0):
    """The masked thing on white, tightly boxed, padded to a square of `side` px: what the product shows the captioner.

    picture uint8 [H, W, 3], mask bool [H, W].
    """
    rows, columns = np.where(mask.any(1))[0], np.where(mask.any(0))[0]
    alpha = np.asarray(mask, np.float32)[..., None]
    white = (picture * alpha + 255 * (1 - alpha)).astype(np.uint8)[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return squared(Image.fromarray(white), side, margin)


def squared(picture, side=CROP_SIDE, margin=0.0):
    inner = round(side * (1 - 2 * margin))
    scale = inner / max(picture.size)
    small = picture.resize((max(1, round(picture.width * scale)), max(1, round(picture.height * scale))), Image.BILINEAR if scale > 0.6 else Image.BOX)
    out = Image.new("RGB", (side, side), "white")
    out.paste(small, ((side - small.width) // 2, (side - small.height) // 2))
    return out


def ragged(alpha, grid, amplitude, rng):
    """Opacity [H, W] in 0…1 → bool mask as a segmenter with cells of H / `grid` pixels leaves it.

    `amplitude` (0 for a clean cut) is the height of the smooth noise that moves its edge, takes pieces and adds some.
    """
    height, width = alpha.shape
    cells = max(4, round(grid * width / max(alpha.shape))), max(4, round(grid * height / max(alpha.shape)))
    coarse = np.asarray(Image.fromarray(alpha.astype(np.float32)).resize(cells, Image.BOX)) * 2 - 1
    noise = np.random.default_rng(rng.getrandbits(32)).normal(0, amplitude, (max(2, cells[1] // 4), max(2, cells[0] // 4)))
    logits = ndimage.gaussian_filter(coarse, rng.uniform(0, 0.7)) + np.asarray(Image.fromarray(noise.astype(np.float32)).resize(cells, Image.BICUBIC))
    return np.asarray(Image.fromarray(logits.astype(np.float32)).resize((width, height), Image.BILINEAR)) > 0


@cache
def unseen_bank():
    """Backgrounds that are not those of crop_pool.py."""
    return segment_bank(random.Random(0), 200)


def crop_example(renders, rng, word=None, bank=None):
    """(uint8 crop [64, 64, 3], word, colour word or None) of a subject of the vocabulary."""
    word = word or rng.choice(WORDS)
    crop, colour = crop_of(renders, rng, rng.choice([of_set for of_set in renders.of_word[word].values() if of_set]), bank)
    return crop, word, colour


def crop_of(renders, rng, indices, bank=None):
    """(uint8 crop [64, 64, 3], colour word or None) of one of the renders, found in a picture and cut out by an imperfect mask."""
    bank = bank or unseen_bank()
    picture = instance(renders, rng, indices, 0.8)
    # The colour is named before grain and noise change it, but after recolouring and light: measure what is seen.
    colour = main_colour(picture)[0]
    if rng.random() < 0.08:
        picture = weathered(picture, rng.choice(bank["texture"]), rng)
    scale = rng.randint(36, 128) / max(picture.size)
    picture = picture.resize((max(4, int(picture.width * scale)), max(4, int(picture.height * scale))), Image.BILINEAR)
    pad = max(picture.size) // 6 + 2
    canvas = segment_background(rng, bank).resize((picture.width + 2 * pad, picture.height + 2 * pad), Image.BILINEAR).convert("RGBA")
    if rng.random() < 0.25:
        other = renders.crop(rng.choice(renders.trainable)).resize((max(4, picture.width * 2 // 3), max(4, picture.height * 2 // 3)), Image.BILINEAR)
        canvas.alpha_composite(other, (rng.randint(0, picture.width // 2), rng.randint(0, picture.height // 2)))
    canvas.alpha_composite(picture, (pad, pad))
    alpha = np.pad(np.asarray(picture)[..., 3] / 255, pad)
    clean = rng.random() < 0.25
    mask = alpha > 0.5 if clean else ragged(alpha, rng.uniform(24, 76), rng.choice([0.15, 0.3, 0.45, 0.7]), rng)
    if (mask & (alpha > 0.5)).sum() < 0.6 * (mask | (alpha > 0.5)).sum() or mask.sum() < 30:
        return crop_of(renders, rng, indices, bank)
    soft = degrade(canvas.convert("RGB"), rng)
    return np.asarray(crop_on_white(np.asarray(soft), mask, margin=max(0.0, rng.uniform(-0.04, 0.1)))), colour
