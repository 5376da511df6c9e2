"""Backgrounds, drawn at any size from a seed: few, large, predictable shapes, so that a small model can learn them."""

import math

import numpy as np
from PIL import Image, ImageDraw

PHRASES = {
    "space": ["in space", "in outer space"],
    "beach": ["on a beach", "on the beach", "at the beach"],
    "forest": ["in a forest", "in the forest", "in the woods"],
    "snow": ["in the snow", "in snow"],
    "water": ["under water", "underwater", "under the sea"],
    "night": ["at night", "in the night"],
    "city": ["in a city", "in the city"],
    "desert": ["in a desert", "in the desert"],
    "grass": ["on grass", "on the grass", "in a field"],
    "mountains": ["in the mountains"],
    "sunset": ["at sunset"],
    "sky": ["in the sky"],
    "room": ["in a room", "in the room"],
    "kitchen": ["in a kitchen", "in the kitchen"],
}
SCENES = list(PHRASES)


class Canvas:
    """Draws in unit coordinates on a square of `side` pixels, four times supersampled below 256."""

    def __init__(self, side):
        self.side, self.big = side, side * (2 if side >= 256 else 4)
        self.image = Image.new("RGB", (self.big, self.big))
        self.draw = ImageDraw.Draw(self.image, "RGBA")

    def gradient(self, top, bottom):
        t = np.linspace(0, 1, self.big)[:, None, None]
        column = np.array(top) * (1 - t) + np.array(bottom) * t
        self.image.paste(Image.fromarray(np.broadcast_to(column, (self.big, self.big, 3)).astype(np.uint8)))

    def box(self, x0, y0, x1, y1, fill):
        self.draw.rectangle([x0 * self.big, y0 * self.big, x1 * self.big, y1 * self.big], fill=fill)

    def disc(self, x, y, r, fill, flat=1.0):
        self.draw.ellipse([(x - r) * self.big, (y - r * flat) * self.big, (x + r) * self.big, (y + r * flat) * self.big], fill=fill)

    def shape(self, points, fill):
        self.draw.polygon([(x * self.big, y * self.big) for x, y in points], fill=fill)

    def ground(self, y, fill, wave=0.0, phase=0.0, turns=1.0):
        edge = [(x / 64, y + wave * math.sin(x / 64 * 6.28 * turns + phase)) for x in range(65)]
        self.shape([*edge, (1, 1), (0, 1)], fill)

    def cloud(self, x, y, r, fill=(255, 255, 255)):
        for dx, dr in ((-1.1, 0.75), (0, 1), (1.1, 0.75)):
            self.disc(x + dx * r, y - (0.25 * r if dx == 0 else 0), r * dr, fill)

    def done(self):
        return self.image.resize((self.side, self.side), Image.BOX)


def jitter(colour, rng, amount=10):
    shift = rng.randint(-amount, amount)
    return tuple(int(min(255, max(0, v + shift + rng.randint(-4, 4)))) for v in colour)


def _space(c, rng):
    c.gradient(jitter((8, 8, 34), rng, 6), jitter((38, 16, 72), rng, 8))
    for x, y in ((0.08, 0.3), (0.3, 0.07), (0.55, 0.05), (0.93, 0.45), (0.06, 0.62), (0.2, 0.93), (0.5, 0.95), (0.9, 0.68), (0.7, 0.1), (0.13, 0.47)):
        c.disc(x + rng.uniform(-0.015, 0.015), y + rng.uniform(-0.015, 0.015), 0.011, (255, 250, 225))
    c.disc(0.87, 0.15, 0.1, jitter((214, 122, 66), rng))
    c.disc(0.84, 0.12, 0.045, (255, 255, 255, 50))
    c.disc(0.1, 0.86, 0.065, jitter((110, 150, 215), rng))


def _beach(c, rng):
    c.gradient(jitter((120, 200, 245), rng), jitter((200, 235, 250), rng, 5))
    sea, sand = 0.42 + rng.uniform(-0.03, 0.03), 0.64 + rng.uniform(-0.03, 0.03)
    c.box(0, sea, 1, 1, jitter((34, 146, 205), rng))
    c.ground(sand - 0.02, (235, 250, 255), 0.012, 1)
    c.ground(sand, jitter((240, 216, 152), rng), 0.012, 1)
    c.disc(0.14, 0.14, 0.085, (255, 226, 90))


def _forest(c, rng):
    c.gradient(jitter((165, 214, 180), rng), jitter((96, 156, 104), rng))
    for x, h in ((0.05, 0.56), (0.24, 0.44), (0.42, 0.36), (0.6, 0.38), (0.78, 0.46), (0.96, 0.58)):
        x, green = x + rng.uniform(-0.015, 0.015), jitter((36, 98, 52), rng)
        c.box(x - 0.02, 0.6, x + 0.02, 0.75, (92, 64, 44))
        c.shape([(x, 0.68 - h), (x - 0.12, 0.68), (x + 0.12, 0.68)], green)
    c.ground(0.7 + rng.uniform(-0.02, 0.02), jitter((66, 124, 52), rng), 0.01, 2)


def _snow(c, rng):
    c.gradient(jitter((166, 200, 232), rng), jitter((216, 230, 244), rng, 6))
    for x in (0.08, 0.92):
        c.shape([(x, 0.34), (x - 0.09, 0.62), (x + 0.09, 0.62)], jitter((70, 120, 105), rng))
        c.shape([(x, 0.34), (x - 0.035, 0.45), (x + 0.035, 0.45)], (250, 252, 255))
    c.ground(0.6 + rng.uniform(-0.03, 0.03), jitter((246, 249, 253), rng, 3), 0.025, 0.5)
    for x, y in ((0.2, 0.15), (0.4, 0.06), (0.62, 0.1), (0.8, 0.2), (0.06, 0.2), (0.95, 0.08), (0.3, 0.3), (0.7, 0.28)):
        c.disc(x + rng.uniform(-0.02, 0.02), y + rng.uniform(-0.02, 0.02), 0.016, (255, 255, 255))


def _water(c, rng):
    c.gradient(jitter((66, 184, 230), rng), jitter((10, 62, 138), rng))
    for x in (0.15, 0.45, 0.75):
        c.shape([(x, 0), (x + 0.12, 0), (x + 0.02, 1), (x - 0.2, 1)], (255, 255, 255, 20))
    for x, y, r in ((0.1, 0.2, 0.03), (0.15, 0.35, 0.02), (0.9, 0.3, 0.03), (0.86, 0.16, 0.02), (0.92, 0.55, 0.022)):
        c.disc(x, y + rng.uniform(-0.03, 0.03), r, (205, 240, 255, 190))
    c.ground(0.9 + rng.uniform(-0.02, 0.02), jitter((196, 178, 130), rng), 0.02, 1)
    for x in (0.07, 0.13, 0.9):
        c.shape([(x - 0.015, 0.95), (x, 0.68), (x + 0.015, 0.95)], jitter((46, 150, 90), rng))


def _night(c, rng):
    c.gradient(jitter((12, 18, 58), rng, 6), jitter((44, 54, 112), rng, 8))
    for x, y in ((0.1, 0.12), (0.3, 0.2), (0.5, 0.08), (0.06, 0.4), (0.66, 0.2), (0.94, 0.45)):
        c.disc(x + rng.uniform(-0.015, 0.015), y, 0.01, (255, 248, 205))
    c.disc(0.85, 0.16, 0.09, (255, 240, 172))
    c.disc(0.81, 0.13, 0.075, (19, 25, 68))
    c.ground(0.76 + rng.uniform(-0.02, 0.02), jitter((18, 40, 34), rng, 6), 0.03, 0.5)


def _city(c, rng):
    c.gradient(jitter((150, 202, 238), rng), jitter((226, 232, 238), rng, 6))
    walls = ((122, 128, 146), (160, 124, 112), (98, 114, 146), (174, 164, 152), (116, 98, 100), (134, 140, 158))
    for i, (wall, h) in enumerate(zip(walls, (0.5, 0.36, 0.6, 0.44, 0.58, 0.4), strict=True)):
        x, top = i / 6, 0.78 - h + rng.uniform(-0.02, 0.02)
        c.box(x, top, x + 0.155, 0.8, jitter(wall, rng, 6))
        for row in range(int(h / 0.11)):
            for column in (0.03, 0.09):
                c.box(x + column, top + 0.04 + row * 0.11, x + column + 0.035, top + 0.09 + row * 0.11, (248, 232, 160))
    c.box(0, 0.78, 1, 1, jitter((84, 84, 90), rng, 6))
    for x in (0.05, 0.3, 0.55, 0.8):
        c.box(x, 0.88, x + 0.12, 0.9, (236, 226, 160))


def _desert(c, rng):
    c.gradient(jitter((252, 196, 118), rng, 8), jitter((255, 228, 176), rng, 6))
    c.disc(0.86, 0.15, 0.08, (255, 244, 170))
    for k, y in enumerate((0.52, 0.66, 0.8)):
        c.ground(y + rng.uniform(-0.02, 0.02), jitter((228 - 14 * k, 168 - 14 * k, 92 - 8 * k), rng, 6), 0.04, k * 2.1)
    for x, y in ((0.1, 0.62), (0.93, 0.68)):
        green = jitter((70, 140, 74), rng)
        c.box(x - 0.018, y - 0.16, x + 0.018, y + 0.05, green)
        c.box(x - 0.055, y - 0.08, x + 0.055, y - 0.05, green)
        c.box(x - 0.055, y - 0.13, x - 0.03, y - 0.05, green)


def _grass(c, rng):
    c.gradient(jitter((108, 184, 246), rng), jitter((196, 228, 250), rng, 6))
    c.cloud(0.2, 0.16, 0.06)
    c.cloud(0.82, 0.12, 0.05)
    c.ground(0.58 + rng.uniform(-0.03, 0.03), jitter((112, 192, 72), rng), 0.03, 0.6)
    for x, y, petal in ((0.08, 0.78, (250, 222, 64)), (0.9, 0.72, (246, 124, 154)), (0.16, 0.92, (255, 255, 255)), (0.86, 0.92, (250, 222, 64))):
        c.disc(x + rng.uniform(-0.02, 0.02), y, 0.022, petal)


def _mountains(c, rng):
    c.gradient(jitter((128, 180, 238), rng), jitter((226, 234, 246), rng, 6))
    for x, top, half in ((0.5, 0.1, 0.42), (0.14, 0.24, 0.36), (0.88, 0.2, 0.36)):
        x, top = x + rng.uniform(-0.02, 0.02), top + rng.uniform(-0.02, 0.02)
        c.shape([(x, top), (x - half, 0.8), (x + half, 0.8)], jitter((106, 116, 138), rng, 8))
        t = 0.3
        c.shape([(x, top), (x - half * t, top + (0.8 - top) * t), (x + half * t, top + (0.8 - top) * t)], (250, 252, 255))
    c.ground(0.74 + rng.uniform(-0.02, 0.02), jitter((92, 146, 84), rng), 0.01, 1)


def _sunset(c, rng):
    c.gradient(jitter((92, 50, 130), rng, 8), jitter((255, 156, 84), rng, 8))
    c.disc(0.5, 0.68, 0.2, (255, 214, 110))
    c.box(0, 0.7, 1, 1, jitter((70, 44, 96), rng, 8))
    for y, half in ((0.76, 0.16), (0.84, 0.11), (0.92, 0.07)):
        c.box(0.5 - half, y, 0.5 + half, y + 0.02, (255, 190, 100))


def _sky(c, rng):
    c.gradient(jitter((84, 164, 242), rng), jitter((176, 218, 250), rng))
    for x, y, r in ((0.16, 0.2, 0.085), (0.84, 0.3, 0.075), (0.14, 0.8, 0.085), (0.8, 0.86, 0.1)):
        c.cloud(x + rng.uniform(-0.02, 0.02), y, r)


def _room(c, rng):
    wall = jitter((238, 206, 176), rng)
    c.gradient(wall, wall)
    c.box(0.06, 0.1, 0.36, 0.44, (250, 250, 250))
    c.box(0.085, 0.125, 0.335, 0.415, jitter((150, 208, 246), rng))
    c.box(0.2, 0.1, 0.22, 0.44, (250, 250, 250))
    c.box(0.72, 0.14, 0.92, 0.34, jitter((176, 96, 84), rng))
    c.box(0.745, 0.165, 0.895, 0.315, (252, 236, 196))
    c.box(0, 0.74, 1, 1, jitter((166, 112, 74), rng))
    c.disc(0.5, 0.88, 0.4, jitter((190, 70, 76), rng), 0.22)


def _kitchen(c, rng):
    c.gradient((232, 240, 242), (232, 240, 242))
    tile = jitter((150, 200, 200), rng)
    for row in range(5):
        for column in range(7):
            c.box(column / 7 + 0.01, row * 0.14 + 0.01, (column + 1) / 7 - 0.01, row * 0.14 + 0.13, tile)
    c.box(0, 0.68, 1, 0.78, jitter((196, 148, 100), rng))
    c.box(0, 0.78, 1, 1, jitter((246, 240, 228), rng, 6))
    for x in (0.22, 0.78):
        c.disc(x, 0.88, 0.025, (120, 120, 126))


_DRAW = {
    "space": _space, "beach": _beach, "forest": _forest, "snow": _snow, "water": _water, "night": _night, "city": _city,
    "desert": _desert, "grass": _grass, "mountains": _mountains, "sunset": _sunset, "sky": _sky, "room": _room, "kitchen": _kitchen,
}  # fmt: skip


def scene(name, rng, side=64):
    """RGB picture [side, side] of a scene of PHRASES; `rng` is a random.Random."""
    canvas = Canvas(side)
    _DRAW[name](canvas, rng)
    return canvas.done()


def plain(colour, rng, side=64):
    """A plain background of an RGB colour, slightly varied, sometimes a little darker below."""
    canvas = Canvas(side)
    top = jitter(colour, rng, 8)
    shade = rng.uniform(0.86, 1.0)
    canvas.gradient(top, tuple(v * shade for v in top))
    return canvas.done()
