"""Training pictures for the click segmenter, and what makes pictures varied for all three vision models.

Segmenter: cluttered 64-px pictures with one to four emoji, clicks, and the masks of three levels: `part` (the
connected patch of one flat colour under the click), `object` (the emoji), `group` (the object and all that touch it).
"""

import io
import random

import numpy as np
from PIL import Image, ImageDraw, ImageFilter
from scipy import ndimage

from renders import COLOURS, accessorise, hue_of, lit, pattern, recolour
from scenes import SCENES, jitter, plain, scene

SEGMENT_SIDE = 64
# Composites for checks: larger than what the segmenter sees, as uploads are.
CHECK_SIDE = 128
# The guided filter that draws masks to the outlines of the picture: cells, and variance of colours in 0…1.
OUTLINE = {"radius": 6, "epsilon": 3e-4}


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


def weathered(picture, texture, rng):
    """The picture with the grain of a texture laid over its own colours, as real surfaces have."""
    rgba = np.asarray(picture).astype(np.float32).copy()
    grain = np.asarray(texture.resize(picture.size, Image.BILINEAR)).astype(np.float32)
    share = rng.uniform(0.15, 0.6)
    rgba[..., :3] = np.clip(rgba[..., :3] * (1 - share + share * grain / 128), 0, 255)
    return Image.fromarray(rgba.astype(np.uint8))


def segment_background(rng, bank, drawn=False):
    """A background of any kind, or a scene or plain colour as the diffusion model draws them."""
    if drawn:
        return rng.choice(bank[rng.choice(SCENES) if rng.random() < 0.72 else "plain"])
    kind = rng.random()
    if kind < 0.45:
        return rng.choice(bank[rng.choice(SCENES)])
    if kind < 0.65:
        return rng.choice(bank["texture"])
    return rng.choice(bank["shapes"]) if kind < 0.8 else rng.choice(bank["plain"])


def segment_bank(rng, each=60, side=SEGMENT_SIDE):
    """Backgrounds by kind, [side, side]; composites take their size from them."""
    bank = {name: [scene(name, rng, side) for _ in range(each // 4)] for name in SCENES}
    bank["texture"] = [texture(rng, side) for _ in range(each * 3)]
    bank["shapes"] = [shapes(rng, side) for _ in range(each * 2)]
    bank["plain"] = [plain(rng.choice(list(COLOURS.values())), rng, side) for _ in range(each)]
    return bank


def segment_layers(renders, rng, bank, indices, kind):
    """RGBA layers from back to front: "one" thing, "two" that overlap, or "clutter" of one to four. Sizes are in 64ths."""
    side, layers = bank["plain"][0].width, []
    touching = rng.random() < 0.35 if kind == "clutter" else kind == "two"
    count = rng.choice([1, 1, 1, 2, 3]) if kind == "clutter" else 1
    target_size, centre = rng.uniform(20, 60), (rng.uniform(18, 46), rng.uniform(18, 46))
    for n in range(count + touching):
        picture = instance(renders, rng, indices)
        if rng.random() < 0.08:
            picture = weathered(picture, rng.choice(bank["texture"]), rng)
        if n == 0:
            size, at = target_size, centre
        elif n == 1 and touching:
            size, angle = rng.uniform(17, 45), rng.uniform(0, 6.28)
            reach = (size + target_size) * rng.uniform(0.3, 0.46)
            at = (centre[0] + reach * np.cos(angle), centre[1] + reach * np.sin(angle))
        else:
            size, at = rng.uniform(12, 30), (rng.uniform(0, 64), rng.uniform(0, 64))
        unit = side / 64
        scale = size * unit / max(picture.size)
        picture = picture.resize((max(3, int(picture.width * scale)), max(3, int(picture.height * scale))), Image.BILINEAR)
        layer = Image.new("RGBA", (side, side))
        layer.paste(picture, (int(at[0] * unit - picture.width / 2), int(at[1] * unit - picture.height / 2)))
        layers.append(layer)
    rng.shuffle(layers)
    return layers


def segment_picture(renders, rng, bank, indices, kind="clutter"):
    """(uint8 picture [H, W, 3], layers, int8 owner [H, W], numbers of the layers that a person could click). Kinds: see
    segment_layers; one and two things stand on drawn scenes and plain colours, clutter on anything."""
    background = segment_background(rng, bank, kind != "clutter").convert("RGBA")
    owner, unit = np.full((background.height, background.width), -1, np.int8), background.width / 64
    layers = segment_layers(renders, rng, bank, indices, kind)
    opaque = [np.asarray(layer)[..., 3] > 127 for layer in layers]
    for n, layer in enumerate(layers):
        if rng.random() < 0.15:
            shadow = Image.new("RGBA", layer.size, (0, 0, 0, 0))
            shadow.putalpha(layer.getchannel("A").filter(ImageFilter.GaussianBlur(1.5 * unit)).point(lambda v: v // 3))
            background.alpha_composite(shadow)
        background.alpha_composite(layer)
        owner[opaque[n]] = n
    seen = [int((owner == n).sum()) for n in range(len(layers))]
    # Nobody means the sliver of a thing that another hides.
    visible = [n for n, count in enumerate(seen) if count > 40 * unit**2 and count > 0.3 * opaque[n].sum()]
    if not visible:
        return segment_picture(renders, rng, bank, indices, kind)
    return np.asarray(degrade(background.convert("RGB"), rng)), layers, owner, visible


def click_on(layers, owner, chosen, rng):
    """(click (x, y), bool masks [3, H, W]: part, object, group, whether another thing touches it)."""
    thing = owner == chosen
    inner = ndimage.binary_erosion(thing)
    rows, columns = np.where(inner if inner.any() and rng.random() < 0.9 else thing)
    pick = rng.randrange(len(rows))
    x, y = int(columns[pick]), int(rows[pick])
    part = part_of(np.asarray(layers[chosen]), x, y) & thing
    near = set(np.unique(owner[ndimage.binary_dilation(thing, iterations=max(2, thing.shape[0] // 32))]).tolist()) - {-1, chosen}
    return (x, y), np.stack([part, thing, np.isin(owner, [chosen, *near])]), bool(near)


def segment_example(renders, rng, bank, indices, kind="clutter"):
    """(uint8 picture [H, W, 3], click (x, y), bool masks [3, H, W]: part, object, group, touching)."""
    picture, layers, owner, visible = segment_picture(renders, rng, bank, indices, kind)
    return picture, *click_on(layers, owner, rng.choice(visible), rng)
