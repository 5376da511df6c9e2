"""Training pictures for the click segmenter, the classifier and the captioner.

Segmenter: cluttered 64-px pictures with one to four emoji, a click, and the masks of three levels: `part` (the
connected patch of one flat colour under the click), `object` (the emoji), `group` (the object and all that touch it).
Classifier and captioner: 64-px crops on white of a subject of the vocabulary, as a mask would cut it.
"""

import io
import random

import numpy as np
from PIL import Image, ImageDraw, ImageFilter
from scipy import ndimage

from renders import COLOURS, WORDS, accessorise, hue_of, lit, main_colour, pattern, recolour
from scenes import SCENES, jitter, plain, scene

SEGMENT_SIDE = 64
CROP_SIDE = 64


def texture(rng, side):
    """A photo-like background: blurred noise at several scales between two or three colours."""
    source = np.random.default_rng(rng.getrandbits(32))
    field = np.zeros((side, side))
    for cells in (2, 4, 8, 16, 32):
        noise = Image.fromarray((source.random((cells, cells)) * 255).astype(np.uint8))
        field += np.asarray(noise.resize((side, side), Image.BICUBIC)) / 255 * source.random() * (8 / cells) ** 0.5
    field = (field - field.min()) / (np.ptp(field) + 1e-6)
    a, b, c = (np.array(jitter(rng.choice(list(COLOURS.values())), rng, 60)) for _ in range(3))
    blend = np.where(field[..., None] < 0.5, a + (b - a) * 2 * field[..., None], b + (c - b) * (2 * field[..., None] - 1))
    grain = source.normal(0, source.random() * 10, (side, side, 1))
    return Image.fromarray(np.clip(blend + grain, 0, 255).astype(np.uint8))


def shapes(rng, side):
    """Overlapping boxes and discs in many colours."""
    picture = plain(rng.choice(list(COLOURS.values())), rng, side)
    draw = ImageDraw.Draw(picture)
    for _ in range(rng.randint(3, 14)):
        x, y, w, h = (rng.uniform(-0.1, 1) * side, rng.uniform(-0.1, 1) * side, rng.uniform(0.05, 0.5) * side, rng.uniform(0.05, 0.5) * side)
        draw.__getattribute__(rng.choice(["rectangle", "ellipse"]))([x, y, x + w, y + h], fill=jitter(rng.choice(list(COLOURS.values())), rng, 30))
    return picture


def part_of(rgba, x, y):
    """Boolean map of the connected patch of about one colour around a pixel of an RGBA array."""
    near = (np.abs(rgba[..., :3].astype(int) - rgba[y, x, :3].astype(int)).max(-1) < 26) & (rgba[..., 3] > 128)
    labels, _ = ndimage.label(near)
    return labels == labels[y, x] if labels[y, x] else rgba[..., 3] > 128


def degrade(picture, rng):
    """Light, blur, noise and JPEG, each now and then."""
    if rng.random() < 0.3:
        picture = picture.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 0.8)))
    pixels = np.asarray(picture).astype(np.float32)
    if rng.random() < 0.5:
        pixels = (pixels - 128) * rng.uniform(0.75, 1.15) + 128 + rng.uniform(-20, 20)
    if rng.random() < 0.25:
        pixels = pixels + np.random.default_rng(rng.getrandbits(32)).normal(0, rng.uniform(2, 9), pixels.shape)
    picture = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
    if rng.random() < 0.35:
        buffer = io.BytesIO()
        picture.save(buffer, "JPEG", quality=rng.randint(35, 90))
        picture = Image.open(io.BytesIO(buffer.getvalue())).convert("RGB")
    return picture


def instance(renders, rng, indices, strength=1.0):
    """A render of `indices`, perhaps recoloured, patterned, crowned, lit, turned or mirrored."""
    picture = renders.crop(rng.choice(indices))
    if rng.random() < 0.3 * strength:
        picture = recolour(picture, hue_of(rng.choice(["red", "orange", "yellow", "green", "blue", "purple", "pink"]), rng))
    if rng.random() < 0.12 * strength:
        picture = pattern(picture, rng.choice(["stripes", "dots", "stars", "checks"]), rng.choice(list(COLOURS.values())))
    if rng.random() < 0.05 * strength:
        picture = accessorise(picture, renders.crop(renders.index[rng.choice(["1f451", "1f3a9"]), "fluent-flat"]))
    if rng.random() < 0.3:
        picture = lit(picture, rng)
    if rng.random() < 0.3:
        picture = picture.transpose(Image.FLIP_LEFT_RIGHT)
    if rng.random() < 0.2 * strength:
        picture = picture.rotate(rng.uniform(-20, 20), Image.BILINEAR, expand=True)
    return picture


def segment_background(rng, bank):
    kind = rng.random()
    if kind < 0.45:
        return rng.choice(bank[rng.choice(SCENES)])
    if kind < 0.65:
        return rng.choice(bank["texture"])
    return rng.choice(bank["shapes"]) if kind < 0.8 else rng.choice(bank["plain"])


def segment_bank(rng, each=60):
    side = SEGMENT_SIDE
    bank = {name: [scene(name, rng, side) for _ in range(each // 4)] for name in SCENES}
    bank["texture"] = [texture(rng, side) for _ in range(each * 3)]
    bank["shapes"] = [shapes(rng, side) for _ in range(each * 2)]
    bank["plain"] = [plain(rng.choice(list(COLOURS.values())), rng, side) for _ in range(each)]
    return bank


def segment_example(renders, rng, bank, indices):
    """(uint8 picture [64, 64, 3], click (x, y), bool masks [3, 64, 64]: part, object, group, touching)."""
    side = SEGMENT_SIDE
    background = segment_background(rng, bank).convert("RGBA")
    layers, owner = [], np.full((side, side), -1, np.int8)
    touching = rng.random() < 0.35
    target_size = rng.uniform(20, 60)
    centre = (rng.uniform(18, 46), rng.uniform(18, 46))
    for n in range(rng.choice([1, 1, 1, 2, 3]) + touching):
        picture = instance(renders, rng, indices)
        if n == 0:
            size, at = target_size, centre
        elif n == 1 and touching:
            size, angle = rng.uniform(17, 45), rng.uniform(0, 6.28)
            reach = (size + target_size) * rng.uniform(0.3, 0.46)
            at = (centre[0] + reach * np.cos(angle), centre[1] + reach * np.sin(angle))
        else:
            size, at = rng.uniform(12, 30), (rng.uniform(0, side), rng.uniform(0, side))
        scale = size / max(picture.size)
        picture = picture.resize((max(3, int(picture.width * scale)), max(3, int(picture.height * scale))), Image.BILINEAR)
        layer = Image.new("RGBA", (side, side))
        layer.paste(picture, (int(at[0] - picture.width / 2), int(at[1] - picture.height / 2)))
        layers.append(layer)
    order = list(range(len(layers)))
    rng.shuffle(order)
    for n in order:
        if rng.random() < 0.15:
            shadow = Image.new("RGBA", (side, side), (0, 0, 0, 0))
            shadow.putalpha(layers[n].getchannel("A").filter(ImageFilter.GaussianBlur(1.5)).point(lambda v: v // 3))
            background.alpha_composite(shadow)
        background.alpha_composite(layers[n])
        owner[np.asarray(layers[n])[..., 3] > 127] = n
    visible = [n for n in range(len(layers)) if (owner == n).sum() > 40]
    if not visible:
        return segment_example(renders, rng, bank, indices)
    chosen = rng.choice(visible)
    thing = owner == chosen
    inner = ndimage.binary_erosion(thing)
    rows, columns = np.where(inner if inner.any() and rng.random() < 0.9 else thing)
    pick = rng.randrange(len(rows))
    x, y = int(columns[pick]), int(rows[pick])
    part = part_of(np.asarray(layers[chosen]), x, y) & thing
    group = thing
    near = [n for n in range(len(layers)) if n != chosen and (ndimage.binary_dilation(group, iterations=2) & (owner == n)).any()]
    for n in near:
        group = group | (owner == n)
    picture = np.asarray(degrade(background.convert("RGB"), rng))
    return picture, (x, y), np.stack([part, thing, group]), bool(near)


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


def crop_example(renders, rng, word=None):
    """(uint8 crop [64, 64, 3], word, colour word or None) of a subject as an imperfect mask would cut it."""
    word = word or rng.choice(WORDS)
    indices = [i for of_set in renders.of_word[word].values() for i in of_set]
    picture = instance(renders, rng, indices, 0.8)
    # The colour is named before the light and the noise change it, but after recolouring: measure what is seen.
    colour = main_colour(picture)[0]
    side = rng.randint(36, 128)
    scale = side / max(picture.size)
    picture = picture.resize((max(4, int(picture.width * scale)), max(4, int(picture.height * scale))), Image.BILINEAR)
    rgba = np.asarray(picture)
    mask = np.pad(rgba[..., 3] > 127, 3)
    backdrop = np.array(jitter(rng.choice(list(COLOURS.values())), rng, 30))
    pixels = np.pad(rgba[..., :3] * (rgba[..., 3:] / 255) + backdrop * (1 - rgba[..., 3:] / 255), ((3, 3), (3, 3), (0, 0)), constant_values=0)
    pixels[np.pad(rgba[..., 3], 3) == 0] = backdrop
    wobble = rng.random()
    if wobble < 0.2:
        mask = ndimage.binary_dilation(mask, iterations=rng.randint(1, 2))
    elif wobble < 0.4 and side > 60:
        mask = ndimage.binary_erosion(mask, iterations=1)
    if rng.random() < 0.15:
        # A neighbour took a corner of the mask.
        h, w = mask.shape
        cut = np.zeros_like(mask)
        cut[: int(h * rng.uniform(0.05, 0.35)), : int(w * rng.uniform(0.2, 0.6))] = True
        mask = mask & ~np.rot90(cut, rng.randrange(4)) if h == w else mask & ~cut
    if mask.sum() < 30:
        return crop_example(renders, rng, word)
    soft = degrade(Image.fromarray(pixels.astype(np.uint8)), rng)
    return np.asarray(crop_on_white(np.asarray(soft), mask, margin=max(0.0, rng.uniform(-0.04, 0.1)))), word, colour
