"""Writes mask-weights.json: loss weights of discs and one lone pixel, by brute force over all pairs of pixels and over a
common multiple of both grids.

Run: python test/golden/mask-weights.py        Made with the versions that the output names.
"""

import json
import math
import platform
from pathlib import Path

import numpy

# side of the picture, [h, w] of the latents, floor, disc: centre × 2 and radius² × 4
cases = [
    (64, [8, 8], 0.1, [70, 50, 900]),
    (100, [12, 12], 0.1, [99, 120, 2500]),
    (128, [16, 16], 0.3, [200, 40, 4000]),
    (48, [6, 6], 0.0, [20, 70, 1]),
]


def dilate(mask, radius):
    points = numpy.argwhere(mask)
    y, x = numpy.mgrid[: mask.shape[0], : mask.shape[1]]
    squares = ((y[..., None] - points[:, 0]) ** 2 + (x[..., None] - points[:, 1]) ** 2).min(-1)
    return squares <= radius**2


def coverage(mask, height, width):
    rows, columns = math.lcm(mask.shape[0], height), math.lcm(mask.shape[1], width)
    fine = mask.repeat(rows // mask.shape[0], 0).repeat(columns // mask.shape[1], 1)
    return fine.reshape(height, rows // height, width, columns // width).mean((1, 3))


out = []
for side, (height, width), floor, (cx, cy, limit) in cases:
    y, x = numpy.mgrid[:side, :side]
    mask = (2 * x - cx) ** 2 + (2 * y - cy) ** 2 <= limit
    weights = floor + (1 - floor) * coverage(dilate(mask, side / 64), height, width)
    out.append(dict(side=side, shape=[height, width], floor=floor, disc=[cx, cy, limit], weights=(weights / weights.mean()).ravel().tolist()))
versions = {"python": platform.python_version(), "numpy": numpy.__version__}
Path(__file__).with_suffix(".json").write_text(json.dumps({"versions": versions, "cases": out}) + "\n")
