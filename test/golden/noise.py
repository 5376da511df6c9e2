"""Writes noise.json: Philox4x32-10 blocks and the project's noise, made by an implementation that shares no code with
it: Python integers, hashlib, and the normal quantile of scipy.

Run: python test/golden/noise.py        Made with the versions that the output names.
"""

import hashlib
import json
import platform
from pathlib import Path

import numpy
import scipy
from scipy.special import ndtri

MASK = 0xFFFFFFFF


def philox(counter, key):
    c, k = list(counter), list(key)
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(p1 >> 32) ^ c[1] ^ k[0], p1 & MASK, (p0 >> 32) ^ c[3] ^ k[1], p0 & MASK]
        k = [(k[0] + 0x9E3779B9) & MASK, (k[1] + 0xBB67AE85) & MASK]
    return c


def words(kind, seed, path, count):
    text = json.dumps([kind, seed, path], separators=(",", ":"), ensure_ascii=False)
    digest = hashlib.sha256(text.encode()).digest()
    k0, k1, c2, c3 = (int.from_bytes(digest[i : i + 4], "little") for i in range(0, 16, 4))
    blocks = (philox([b & MASK, b >> 32, c2, c3], [k0, k1]) for b in range(-(-count // 4)))
    return [word for block in blocks for word in block][:count]


def normal(seed, path, count):
    p = (numpy.array(words("normal", seed, path, count)) + 0.5) / 2.0**32
    return [int(bits) for bits in ndtri(p).astype(numpy.float32).view(numpy.uint32)]


def fractions(kind, seed, path, count):
    w = words(kind, seed, path, 2 * count)
    return [((w[i] >> 5) * 2**26 + (w[i + 1] >> 6)) / 2**53 for i in range(0, 2 * count, 2)]


def integers(seed, path, count, below):
    return [int(u * below) for u in fractions("integers", seed, path, count)]


sources = [(0, ["x"]), (7, ["learn", 3, "noise"]), (2**53 - 1, ["größe", 0.5, "\U0001f408"])]
golden = {
    "versions": {"python": platform.python_version(), "numpy": numpy.__version__, "scipy": scipy.__version__},
    "philox": [
        {"counter": c, "key": k, "words": philox(c, k)} for c, k in [([0] * 4, [0] * 2), ([MASK] * 4, [MASK] * 2), ([5, 0, 9, 1], [3, 4])]
    ],
    "draws": [
        {
            "seed": seed,
            "stream": path,
            "normalBits": normal(seed, path, 501),
            "uniform": fractions("uniform", seed, path, 9),
            "integers": integers(seed, path, 9, 1000),
        }
        for seed, path in sources
    ],
}
Path(__file__).with_suffix(".json").write_text(json.dumps(golden) + "\n")
