"""Pictures that look like photographs to a network that must only tell things from their surroundings: outlines of emoji, filled
with procedural surfaces under one light, in front of procedural grounds. No photograph is in them.

Surfaces are fields (noise of falling spectra as in natural images, Field 1987; dead leaves, Lee et al. 2001; folds of warped
noise for coats and stripes) between colours of one palette, so that things have strong edges inside and weak ones at their outline.
"""

import colorsys
import random

import numpy as np
from PIL import Image, ImageFilter
from scipy import ndimage

from renders import COLOURS
from vision_data import SEGMENT_SIDE, degrade, segment_background

# Fields are larger than pictures, which show a random piece of them at a random scale.
FIELD_SIDE = 160
# How strongly light falls off across a thing, and how dark its shadow is, at most.
MOST_SHADE, MOST_SHADOW = 0.75, 0.7


def normal(field):
    """Zero mean, unit deviation."""
    return ((field - field.mean()) / (field.std() + 1e-6)).astype(np.float32)


def noise(source, side=FIELD_SIDE):
    """Noise whose amplitude falls with a power of frequency, stretched along a direction for hair, grass and wood."""
    angle, stretch = source.uniform(0, np.pi), np.exp(source.uniform(0, 2.2)) if source.random() < 0.5 else 1.0
    v, u = np.meshgrid(np.fft.fftfreq(side), np.fft.rfftfreq(side), indexing="ij")
    along, across = u * np.cos(angle) + v * np.sin(angle), v * np.cos(angle) - u * np.sin(angle)
    frequency = np.hypot(along * stretch, across / stretch) + 1.5 / side
    spectrum = np.fft.rfft2(source.normal(size=(side, side))) * frequency ** -source.uniform(0.5, 2.2)
    return normal(np.fft.irfft2(spectrum, (side, side)))


def leaves(source, side=FIELD_SIDE):
    """Dead leaves: discs of a power law of sizes, each with a level of its own."""
    field, (y, x) = source.normal(size=(side, side)).astype(np.float32) * 0.1, np.mgrid[0:side, 0:side]
    smallest = source.uniform(2, 10)
    for _ in range(int(source.uniform(60, 260))):
        radius = min(smallest * source.pareto(1.6) + smallest, side / 3)
        a, b = source.uniform(0, side, 2)
        top, left = max(0, int(b - radius)), max(0, int(a - radius))
        box = np.s_[top : int(b + radius) + 1, left : int(a + radius) + 1]
        inside = np.hypot((x[box] - a) * source.uniform(1, 2), y[box] - b) < radius
        field[box][inside] = source.normal()
    return normal(field)


def folds(source, side=FIELD_SIDE):
    """Bands or patches of warped noise, as of coats, barks and sands."""
    field = np.sin(noise(source, side) * source.uniform(1, 5))
    return normal(np.tanh(field * source.uniform(1, 8)))


def fields(source, count):
    """float32 [count, FIELD_SIDE, FIELD_SIDE]."""
    kinds = [noise, noise, leaves, folds]
    return np.stack([kinds[i % len(kinds)](source) for i in range(count)])


def piece(bank, source, side):
    """A piece of a random field, [side, side], turned or mirrored."""
    field = bank[source.integers(len(bank))]
    seen = int(source.uniform(0.35, 1) * FIELD_SIDE)
    top, left = source.integers(0, FIELD_SIDE - seen + 1, 2)
    cut = np.asarray(Image.fromarray(field[top : top + seen, left : left + seen]).resize((side, side), Image.BOX if seen > side else Image.BILINEAR))
    cut = np.rot90(cut, source.integers(4))
    return cut[:, ::-1] if source.random() < 0.5 else cut


def colour(source):
    """An RGB colour as things in the world have: mostly of little saturation, of any lightness."""
    if source.random() < 0.25:
        return np.array(list(COLOURS.values())[source.integers(len(COLOURS))], np.float32)
    hue = source.choice([source.uniform(0.02, 0.17), source.uniform(0.2, 0.45), source.uniform(0, 1)], p=[0.5, 0.2, 0.3])
    return np.array(colorsys.hsv_to_rgb(hue, source.beta(1.3, 2.2), source.uniform(0.08, 1)), np.float32) * 255


def near(source, of, reach):
    return np.clip(of + source.normal(0, reach, 3) + source.normal(0, reach), 0, 255).astype(np.float32)


def surface(bank, source, side, base):
    """A textured colour, float32 [side, side, 3]: two fields, of lightness and of hue, and a slow change of light."""
    strength = source.gamma(1.5, 12)
    grain, slow = piece(bank, source, side), piece(bank, source, side)
    tint = near(source, base, 30) - base
    return base + grain[..., None] * strength * source.uniform(0.8, 1.2, 3) + np.clip(slow, -2, 2)[..., None] * tint * source.uniform(0, 0.8)


def ground(bank, source, side, beside):
    """What is behind: one or two surfaces with a seam, or a wall; `beside` are colours of the thing, which grounds often have."""
    made, (y, x) = None, np.mgrid[0:side, 0:side] / side
    for _ in range(source.choice([1, 2, 3], p=[0.4, 0.45, 0.15])):
        base = near(source, beside[source.integers(len(beside))], 45) if source.random() < 0.4 else colour(source)
        one = surface(bank, source, side, base)
        if source.random() < 0.5:
            one = ndimage.gaussian_filter(one, (source.uniform(0.5, 4),) * 2 + (0,))
        if made is None:
            made = one
            continue
        angle, width = source.normal(np.pi / 2, 0.35), source.choice([0.01, 0.03, 0.15])
        seam = x * np.cos(angle) + y * np.sin(angle) - source.uniform(0.2, 0.9) + piece(bank, source, side) * source.uniform(0, 0.06)
        share = (1 / (1 + np.exp(-np.clip(seam / width, -30, 30))))[..., None]
        made = made * (1 - share) + one * share
    if source.random() < 0.3:
        light = x * source.normal() + y * source.normal()
        made = made * (1 + np.clip(light, -0.6, 0.6)[..., None] * 0.7)
    return made.astype(np.float32)


def parts_of(rgba, source):
    """Which part of the thing a pixel belongs to, int [H, W]: emoji are painted in few colours, of which some are joined."""
    levels = source.integers(2, 4)
    key = (rgba[..., :3].astype(int) * levels // 256) @ np.array([levels * levels, levels, 1])
    _, parts = np.unique(key, return_inverse=True)
    parts = parts.reshape(key.shape)
    return source.integers(0, source.integers(2, 6), parts.max() + 1)[parts]


def outline_of(renders, rng, indices, size):
    """An emoji in other proportions and turned, longest edge `size`."""
    emoji = renders.crop(rng.choice(indices))
    if rng.random() < 0.5:
        emoji = emoji.transpose(Image.FLIP_LEFT_RIGHT)
    if rng.random() < 0.5:
        emoji = emoji.rotate(rng.uniform(-40, 40), Image.BILINEAR, expand=True)
    aspect = np.exp(rng.uniform(-0.35, 0.35))
    width, height = emoji.width * aspect, emoji.height / aspect
    scale = size / max(width, height)
    return emoji.resize((max(4, int(width * scale)), max(4, int(height * scale))), Image.BOX if scale < 0.7 else Image.BILINEAR)


def warped(layer, bank, source):
    """The layer with its outline drawn crooked: no two cats have the same."""
    side, reach = layer.shape[0], source.uniform(0, 0.05)
    slow = [ndimage.gaussian_filter(piece(bank, source, side), side / 16) for _ in range(2)]
    shift = [field / (np.abs(field).max() + 1e-6) * reach * side for field in slow]
    y, x = np.mgrid[0:side, 0:side]
    at = np.clip(np.rint(np.stack([y + shift[0], x + shift[1]])), 0, side - 1).astype(int)
    return layer[at[0], at[1]]


def lit_thing(layer, bank, source):
    """(float colour [H, W, 3], alpha in 0…1, the colours it was painted in) of a flat layer, uint8 RGBA [H, W, 4]."""
    side, alpha = layer.shape[0], layer[..., 3].astype(np.float32) / 255
    parts, base = parts_of(layer, source), colour(source)
    flat, painted = layer[..., :3].astype(np.float32), [base]
    made = np.zeros((side, side, 3), np.float32)
    for part in np.unique(parts):
        kind = source.random()
        own = near(source, base, 18) if kind < 0.5 else base * source.uniform(0.1, 0.7) if kind < 0.7 else 255 - (255 - base) * source.uniform(0, 0.5) if kind < 0.85 else colour(source)
        painted.append(own)
        made = np.where((parts == part)[..., None], surface(bank, source, side, own), made)
    made = made + (flat.mean(-1, keepdims=True) - 128) * source.uniform(0, 0.4)
    keep = source.choice([0.0, source.uniform(0, 1)], p=[0.6, 0.4])
    made = made * (1 - keep) + flat * keep
    # Round bodies: height grows with the root of the distance from the outline.
    deep = ndimage.distance_transform_edt(np.pad(alpha > 0.5, 1))[1:-1, 1:-1]
    height = ndimage.gaussian_filter(np.sqrt(np.minimum(deep, side / 4)), 1.5)
    slope, angle = np.gradient(height), source.uniform(0, 6.28)
    light = slope[1] * np.cos(angle) + slope[0] * np.sin(angle)
    made = made * (1 + np.clip(light * source.uniform(0, 2), -1, 1) * MOST_SHADE * source.random())[..., None]
    if source.random() < 0.4:
        # Hair: the outline frays.
        alpha = np.clip((ndimage.gaussian_filter(alpha, source.uniform(0.5, 1.3)) - 0.5) * 3 + 0.5 + piece(bank, source, side) * source.uniform(0.1, 0.5), 0, 1) * (ndimage.maximum_filter(alpha, 3) > 0)
    return made, ndimage.gaussian_filter(alpha, source.uniform(0.2, 0.8)), painted


def sizes_and_places(rng):
    """(longest edge, x, y) in 64ths of the picture, from the back to the front; the first is the one that the picture is about."""
    kind = rng.random()
    if kind < 0.2:
        size, reach = rng.uniform(13, 28), (10, 54)
    elif kind < 0.6:
        size, reach = rng.uniform(28, 60), (20, 44)
    else:
        size, reach = rng.uniform(58, 115), (14, 50)
    found = [(size, rng.uniform(*reach), rng.uniform(*reach))]
    for _ in range(rng.choice([0, 0, 0, 1, 1, 2])):
        found.append((rng.uniform(12, 45), rng.uniform(0, 64), rng.uniform(0, 64)))
    return found


def photographic_picture(renders, rng, bank, indices):
    """As `vision_data.segment_picture`: (uint8 picture [64, 64, 3], layers, int8 owner [64, 64], numbers of the layers that a person
    could click). `bank` has the backgrounds of `segment_bank` and the fields of `fields`, under that name."""
    side, source, drawn = SEGMENT_SIDE, np.random.default_rng(rng.getrandbits(48)), []
    for size, x, y in sizes_and_places(rng):
        emoji = outline_of(renders, rng, indices, size)
        layer = Image.new("RGBA", (side, side))
        layer.paste(emoji, (int(x - emoji.width / 2), int(y - emoji.height / 2)))
        flat = warped(np.asarray(layer), bank["fields"], source)
        drawn.append((flat, *lit_thing(flat, bank["fields"], source)))
    if rng.random() < 0.6:
        drawn.reverse()
    if rng.random() < 0.9:
        picture = ground(bank["fields"], source, side, drawn[-1][3])
    else:
        picture = np.asarray(segment_background(rng, bank)).astype(np.float32)
    owner = np.full((side, side), -1, np.int8)
    for n, (_, made, alpha, _) in enumerate(drawn):
        if rng.random() < 0.6:
            fallen = ndimage.shift(ndimage.gaussian_filter(alpha, source.uniform(0.8, 4)), source.uniform(-4, 4, 2), order=1)
            picture = picture * (1 - fallen * source.uniform(0, MOST_SHADOW))[..., None]
        picture = picture * (1 - alpha[..., None]) + made * alpha[..., None]
        owner[alpha > 0.5] = n
    # One lens and one light for all.
    picture = np.clip(picture, 0, 255) * near(source, np.full(3, 255, np.float32), 18) / 255
    picture = 255 * (np.clip(picture, 0, 255) / 255) ** np.exp(source.normal(0, 0.2))
    made = Image.fromarray(picture.astype(np.uint8))
    if rng.random() < 0.3:
        made = made.filter(ImageFilter.UnsharpMask(1, rng.randint(30, 120), 0))
    whole = [alpha > 0.5 for _, _, alpha, _ in drawn]
    visible = [n for n, seen in enumerate(whole) if (owner == n).sum() > max(40, 0.3 * seen.sum())]
    if not visible:
        return photographic_picture(renders, rng, bank, indices)
    return np.asarray(degrade(made, rng)), [flat for flat, *_ in drawn], owner, visible


if __name__ == "__main__":
    # A sheet to look at: python photographic.py WORK OUT
    import sys

    from renders import Renders
    from vision_data import click_on, segment_bank

    renders, rng = Renders(sys.argv[1]), random.Random(1)
    bank = segment_bank(rng, 20) | {"fields": fields(np.random.default_rng(1), 80)}
    sheet = Image.new("RGB", (16 * 66, 12 * 66))
    for i in range(96):
        picture, layers, owner, visible = photographic_picture(renders, rng, bank, renders.trainable)
        (x, y), masks, _ = click_on(layers, owner, rng.choice(visible), rng)
        at = (i % 16 * 66, i // 16 * 132)
        sheet.paste(Image.fromarray(picture), at)
        shown = picture.copy()
        shown[~masks[1]] = shown[~masks[1]] // 4
        sheet.paste(Image.fromarray(shown), (at[0], at[1] + 64))
    sheet.resize((sheet.width * 2, sheet.height * 2), Image.NEAREST).save(sys.argv[2])
