"""Two judges of pictures, of different architecture and seed, trained on true composites only: what check:model trusts.

    python judges.py --work DIR --judge a --minutes 14 --out test/check-model/judge-a.onnx

One network gives a subject of the vocabulary, the background (scenes, then plain colours) and a feature of length 1.
The feature is trained to tell apart every codepoint that training may see, not only the vocabulary, so that it also
separates things that neither judge nor model ever saw. In two pictures of five all outside the subject's box is gray:
that is how a masked picture is shown to the judge. Held-out things never appear.
"""

import argparse
import json
import random
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.nn import functional as F

from data import background_bank, place
from export_vision import export
from renders import COLOURS, WORDS, Renders, hue_of, lit, recolour
from scenes import SCENES
from vision_data import degrade

GRAY = 128
SEEDS = {"a": 11, "b": 23}
BACKGROUNDS = [*SCENES, *COLOURS]
WIDTH = 192


class Residual(nn.Module):
    def __init__(self, inner, outer, stride):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(inner, outer, 3, stride, 1, bias=False), nn.BatchNorm2d(outer), nn.ReLU(),
            nn.Conv2d(outer, outer, 3, 1, 1, bias=False), nn.BatchNorm2d(outer),
        )  # fmt: skip
        same = inner == outer and stride == 1
        self.skip = nn.Identity() if same else nn.Sequential(nn.Conv2d(inner, outer, 1, stride, bias=False), nn.BatchNorm2d(outer))

    def forward(self, x):
        return F.relu(self.body(x) + self.skip(x))


class Mix(nn.Module):
    """ConvMixer's block (Trockman and Kolter, 2022): a depthwise convolution with a skip, then a pointwise one."""

    def __init__(self, width):
        super().__init__()
        self.spatial = nn.Sequential(nn.Conv2d(width, width, 5, padding=2, groups=width), nn.GELU(), nn.BatchNorm2d(width))
        self.pointwise = nn.Sequential(nn.Conv2d(width, width, 1), nn.GELU(), nn.BatchNorm2d(width))

    def forward(self, x):
        return self.pointwise(x + self.spatial(x))


def trunk_a():
    """A small residual network: 32² × 32, 16² × 64, 8² × 128, 4² × 256."""
    stem = [nn.Conv2d(3, 32, 3, 2, 1, bias=False), nn.BatchNorm2d(32), nn.ReLU(), Residual(32, 32, 1)]
    return nn.Sequential(*stem, Residual(32, 64, 2), Residual(64, 64, 1), Residual(64, 128, 2), Residual(128, 128, 1), Residual(128, 256, 2)), 256


def trunk_b():
    """A ConvMixer on patches of four pixels: 16² × 192, then 8² × 256."""
    first = [nn.Conv2d(3, 160, 4, 4), nn.GELU(), nn.BatchNorm2d(160), *(Mix(160) for _ in range(4))]
    return nn.Sequential(*first, nn.Conv2d(160, 256, 2, 2), nn.GELU(), nn.BatchNorm2d(256), *(Mix(256) for _ in range(4))), 256


class Judge(nn.Module):
    def __init__(self, name):
        super().__init__()
        self.trunk, width = trunk_a() if name == "a" else trunk_b()
        self.feature = nn.Sequential(nn.Linear(width, WIDTH), nn.BatchNorm1d(WIDTH))
        self.subject = nn.Linear(WIDTH, len(WORDS))
        self.background = nn.Linear(width, len(BACKGROUNDS))

    def forward(self, pixel_values):
        """f32 [B, 3, 64, 64] in −1…1 → subject logits [B, words], background logits [B, scenes + colours], features [B, 192]."""
        seen = self.trunk(pixel_values).mean((2, 3))
        feature = self.feature(seen)
        return self.subject(F.relu(feature)), self.background(seen), F.normalize(feature, dim=1)


def composites(renders, count, seed):
    """Pictures and labels: half of them of the vocabulary, half of any trainable render; −1 where a label is not known."""
    rng = random.Random(seed)
    bank = background_bank(rng, 100)
    codepoints = sorted({renders.entries[i]["codepoint"] for i in renders.trainable})
    code_at = {code: at for at, code in enumerate(codepoints)}
    word_of = {i: w for w, word in enumerate(WORDS) for of_set in renders.of_word[word].values() for i in of_set}
    known = [[i for of_set in renders.of_word[word].values() for i in of_set] for word in WORDS]
    pictures = np.zeros((count, 64, 64, 3), np.uint8)
    labels, boxes = np.full((count, 3), -1, np.int64), np.zeros((count, 4), np.int64)
    for n in range(count):
        at = rng.choice(known[n // 2 % len(WORDS)] if n % 2 else renders.trainable)
        picture, code = renders.crop(at), code_at[renders.entries[at]["codepoint"]]
        if rng.random() < 0.25:
            picture, code = recolour(picture, hue_of(rng.choice(["red", "orange", "yellow", "green", "blue", "purple", "pink"]), rng)), -1
        if rng.random() < 0.3:
            picture = lit(picture, rng)
        if rng.random() < 0.2:
            picture = picture.transpose(Image.FLIP_LEFT_RIGHT)
        name = rng.choice(SCENES if rng.random() < 0.65 else list(COLOURS))
        centre = (32 + rng.uniform(-5, 5), 33 + rng.uniform(-5, 5))
        out, mask = place(rng.choice(bank[name]), picture, rng.uniform(36, 52), centre)
        box = mask.point(lambda v: 255 if v > 100 else 0).getbbox() or (0, 0, 64, 64)
        pictures[n], labels[n], boxes[n] = np.asarray(degrade(out, rng)), (word_of.get(at, -1), BACKGROUNDS.index(name), code), box
    return pictures, labels, boxes, len(codepoints)


def batch_of(pictures, labels, boxes, chosen, source):
    """Shifts by up to 3 px and grays out all but the subject's box in two of five pictures, which loses their background label."""
    x, y = pictures[chosen].astype(np.float32), labels[chosen].copy()
    for k, n in enumerate(chosen):
        dy, dx = source.integers(-3, 4, 2)
        if source.random() < 0.4:
            left, top, right, bottom = boxes[n] + source.integers(-2, 3, 4)
            keep = np.zeros((64, 64, 1), bool)
            keep[max(0, top) : bottom, max(0, left) : right] = True
            x[k], y[k, 1] = np.where(keep, x[k], GRAY), -1
        x[k] = np.roll(np.pad(x[k], ((3, 3), (3, 3), (0, 0)), mode="edge"), (dy, dx), (0, 1))[3:-3, 3:-3]
    return torch.from_numpy((x / 127.5 - 1).transpose(0, 3, 1, 2).copy()), torch.from_numpy(y)


def loss_of(judge, codes, x, y):
    subject, background, feature = judge(x)
    nearness = 20 * feature @ F.normalize(codes, dim=1).T
    return sum(F.cross_entropy(out, y[:, i], ignore_index=-1) if (y[:, i] >= 0).any() else 0 for i, out in enumerate((subject, background, nearness)))


def scores(judge, codes, pictures, labels, boxes):
    """Share right of subject, background and codepoint on pictures as they are."""
    judge.eval()
    with torch.no_grad():
        x = torch.from_numpy((pictures.astype(np.float32) / 127.5 - 1).transpose(0, 3, 1, 2).copy())
        outs = [torch.cat(part) for part in zip(*(judge(chunk) for chunk in x.split(64)), strict=True)]
    outs[2] = outs[2] @ F.normalize(codes.detach(), dim=1).T
    y = torch.from_numpy(labels)
    judge.train()
    return [float((out.argmax(1) == y[:, i])[y[:, i] >= 0].float().mean()) for i, out in enumerate(outs)]


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--work", required=True)
    arguments.add_argument("--judge", choices=list(SEEDS), required=True)
    arguments.add_argument("--minutes", type=float, default=14, help="of processor time")
    arguments.add_argument("--count", type=int, default=24000)
    arguments.add_argument("--out", required=True)
    a = arguments.parse_args()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    seed = SEEDS[a.judge]
    torch.manual_seed(seed)
    source, renders = np.random.default_rng(seed), Renders(a.work)
    unseen = composites(renders, 1000, seed + 1000)
    pictures, labels, boxes, code_count = composites(renders, a.count, seed)
    print("composites", pictures.shape, f"{time.process_time():.0f} s", flush=True)
    judge, codes = Judge(a.judge).to(memory_format=torch.channels_last), nn.Parameter(torch.randn(code_count, WIDTH) * 0.1)
    optimiser = torch.optim.AdamW([*judge.parameters(), codes], lr=2e-3, weight_decay=0.02)
    begin, budget, step = time.process_time(), a.minutes * 60, 0
    while (share := (time.process_time() - begin) / budget) < 1:
        for group in optimiser.param_groups:
            group["lr"] = 2e-3 * min(1, (step + 1) / 100) * (0.5 + 0.5 * np.cos(np.pi * share))
        chosen = source.integers(0, a.count, 64)
        loss = loss_of(judge, codes, *batch_of(pictures, labels, boxes, chosen, source))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        step += 1
        if step % 100 == 0:
            print(f"{share:.2f} step {step} loss {loss.item():.3f}", [round(s, 3) for s in scores(judge, codes, *unseen[:3])] if step % 300 == 0 else "", flush=True)
    print("unseen composites: subject, background, codepoint", scores(judge, codes, *unseen[:3]), flush=True)
    export(judge, Path(a.out), {"pixel_values": torch.zeros(2, 3, 64, 64)}, ["subject", "background", "features"], {n: {0: "batch"} for n in ("pixel_values", "subject", "background", "features")})
    Path(a.out).with_suffix(".json").write_text(json.dumps({"words": WORDS, "scenes": SCENES, "colours": list(COLOURS)}, indent=2) + "\n")


if __name__ == "__main__":
    main()
