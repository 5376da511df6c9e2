"""Fits the weights of functions/vision/photograph.ts: logistic regression that tells photographs from drawings.

    python photograph.py --photographs DIR [DIR ...] --drawings DIR [DIR ...]

Prints the table to paste, and accuracies over six folds. The features are those of photograph.ts, figure for figure.
Files whose names are the same up to a `~` (cuts of one photograph) are held out together.
"""

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

SIDE = 96
STEPS, BENDS, TONES = [0, 1, 2, 4, 8, 16, 32], [2, 6, 12, 24, 48], [26, 51, 102, 153, 204]
AGREEMENTS, VISIBLE_STEP = [-0.25, 0, 0.5, 0.9], 2
PATCH, GRAINS = 12, [2, 4, 8, 16, 32]
HUES, COLOURFUL = 24, 30
# Which of the features is the share of neighbours that are about the same.
FLAT = STEPS.index(2)
# Corners are cut from a copy of this size.
LARGE = 160
ENDINGS = {".jpg", ".jpeg", ".png", ".webp"}


def shares(values, edges):
    """Cumulative: the share of values at most each edge."""
    return [float((values <= edge).mean()) if len(values) else 0.0 for edge in edges]


def entropy(counts):
    p = counts[counts > 0] / max(1, counts.sum())
    return float(-(p * np.log2(p)).sum()) / 10


def agreements(steps):
    """1 where all channels step alike, -1 where one steps up as far as another steps down."""
    high, low = steps.max(-1), steps.min(-1)
    seen = np.maximum(high, -low) > VISIBLE_STEP
    high, low = high[seen], low[seen]
    return np.where(high >= -low, low, high) / np.where(high >= -low, high, low)


def grains(a):
    """What is left of each patch without its plane of best fit: standard deviation of the channel where it is largest."""
    patches = a.reshape(SIDE // PATCH, PATCH, SIDE // PATCH, PATCH, 3).swapaxes(1, 2).astype(float)
    place = np.arange(PATCH) - (PATCH - 1) / 2
    spread = (place**2).mean()
    across, down = (patches * place[:, None]).mean((2, 3)), (patches * place[:, None, None]).mean((2, 3))
    return np.sqrt(np.maximum(0, patches.var((2, 3)) - (across**2 + down**2) / spread)).max(-1).ravel()


def hues(a, high, low):
    """Counts of the hues of what has colour."""
    chroma = high - low
    r, g, b = (a[..., c] for c in range(3))
    width = np.maximum(chroma, 1)
    sixths = np.where(high == r, (g - b) / width % 6, np.where(high == g, (b - r) / width + 2, (r - g) / width + 4))
    return np.bincount((sixths[chroma > COLOURFUL] * HUES / 6).astype(int) % HUES, minlength=HUES)


def features(view):
    a = np.asarray(view).astype(int)
    steps = np.concatenate([np.diff(a, axis=1).reshape(-1, 3), np.diff(a, axis=0).reshape(-1, 3)])
    bend = np.abs(4 * a[1:-1, 1:-1] - a[:-2, 1:-1] - a[2:, 1:-1] - a[1:-1, :-2] - a[1:-1, 2:]).max(-1)
    high, low = a.max(-1), a.min(-1)
    counts = np.sort(np.bincount((a >> 4).reshape(-1, 3) @ [256, 16, 1], minlength=4096))[::-1]
    return [
        *shares(np.abs(steps).max(-1), STEPS), *shares(bend.ravel(), BENDS),
        *shares((high - low).ravel(), TONES), *shares(high.ravel(), TONES),
        *shares(agreements(steps), AGREEMENTS), *shares(grains(a), GRAINS), entropy(hues(a, high, low)),
        float(counts[:8].sum()) / SIDE**2, entropy(counts),
    ]  # fmt: skip


def views(picture):
    """The picture and its four corners, at one size; the mean of their scores decides."""
    large, corners = picture.resize((LARGE, LARGE), Image.BICUBIC), (0, LARGE - SIDE)
    return [picture.resize((SIDE, SIDE), Image.BICUBIC), *(large.crop((x, y, x + SIDE, y + SIDE)) for y in corners for x in corners)]


def crossed(x):
    """The features, and again times flatness: what tells a photograph where much is flat is not what tells it elsewhere."""
    return np.concatenate([x, x * x[..., [FLAT]]], -1)


def read(path):
    picture = Image.open(path).convert("RGBA")
    white = Image.new("RGBA", picture.size, "white")
    white.alpha_composite(picture)
    return white.convert("RGB")


def fit(x, y, ridge=3e-4):
    """Newton's method on all views [N, V, F]; both kinds weigh the same. The last weight is the constant."""
    x, y = x.reshape(-1, x.shape[-1]), np.repeat(y, x.shape[1])
    weight = np.where(y, 0.5 / y.sum(), 0.5 / (~y).sum())
    a = np.c_[x, np.ones(len(x))]
    w, penalty = np.zeros(a.shape[1]), ridge * np.r_[np.ones(x.shape[1]), 1e-6]
    for _ in range(40):
        p = 1 / (1 + np.exp(-np.clip(a @ w, -30, 30)))
        hessian = (a * (weight * p * (1 - p))[:, None]).T @ a + np.diag(penalty)
        w -= np.linalg.solve(hessian, a.T @ ((p - y) * weight) + penalty * w)
    return w


def files(folders):
    return sorted(f for folder in folders for f in Path(folder).iterdir() if f.suffix.lower() in ENDINGS and "mask" not in f.name)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--photographs", nargs="+", required=True)
    arguments.add_argument("--drawings", nargs="+", required=True)
    a = arguments.parse_args()
    kinds = [files(a.photographs), files(a.drawings)]
    paths = [*kinds[0], *kinds[1]]
    x = crossed(np.array([[features(view) for view in views(read(path))] for path in paths]))
    y = np.arange(len(paths)) < len(kinds[0])
    mean, deviation = x.mean((0, 1)), x.std((0, 1)) + 1e-6
    z = (x - mean) / deviation
    groups = np.unique([path.stem.split("~")[0] for path in paths], return_inverse=True)[1]
    fold, right = np.random.default_rng(0).integers(0, 6, len(paths))[groups], np.zeros(len(y), bool)
    for n in range(6):
        w = fit(z[fold != n], y[fold != n])
        right[fold == n] = (z[fold == n].mean(1) @ w[:-1] + w[-1] > 0) == y[fold == n]
    w = fit(z, y)
    plain = w[:-1] / deviation
    print(f"{y.sum()} photographs, {(~y).sum()} drawings; held out: {right[y].mean():.3f} and {right[~y].mean():.3f} right")
    for name, table in zip(["weights", "weightsOfFlatness"], np.split(plain, 2), strict=True):
        print(name, ", ".join(f"{v:.2f}" for v in table))
    print(f"constant {w[-1] - plain @ mean:.4f}")
    for path, ok in zip(paths, right, strict=True):
        if not ok:
            print("wrong:", path.name)


if __name__ == "__main__":
    main()
