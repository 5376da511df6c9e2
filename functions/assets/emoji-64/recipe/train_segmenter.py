"""Trains the click segmenter on the pool that segment_pool.py made.

    python train_segmenter.py --work DIR --minutes 40 [--resume | --from-weights]

The encoder sees a picture once, the decoder answers several clicks on it. Muon for convolutions, AdamW for the rest, bf16
where the processor has it and PyTorch finds it safe, warm-up and cosine by processor time. A checkpoint every minute holds everything but the clock.
"""

import json
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from models import FAST_BF16
from segment_models import DENSE, SIDE, SegmentDecoder, SegmentEncoder
from segment_pool import CLICKS, open_pool
from vision_training import arguments_of, begin, train

LEVEL_WEIGHTS = torch.tensor([0.2, 1.0, 0.35])
VALIDATION = 480


def shares_of(pool, first, last):
    """The chance [last − first] of each row: two fifths for pictures with one clickable thing, as many for two, the rest for more."""
    things = pool["masks"][first:last, :, 1].astype(np.uint64) @ np.random.default_rng(0).integers(1, 2**40, SIDE * SIDE // 8, dtype=np.uint64)
    kinds = np.minimum([len(set(row)) for row in things.tolist()], 3)
    share = np.array([0, 0.4, 0.42, 0.18]) / np.maximum(np.bincount(kinds, minlength=4), 1)
    return share[kinds] / share[kinds].sum()


def batch_of(pool, rows, clicks, rng=None):
    """(pictures float [B, 3, 64, 64] in −1…1, points [B, K, 2], masks float [B, 6, 3, 64, 64], the first K of them the points');
    varied where there is an `rng`."""
    k = np.stack([rng.permutation(CLICKS) for _ in rows]) if rng else np.tile(np.arange(CLICKS), (len(rows), 1))
    pictures = torch.from_numpy(pool["pictures"][rows]).permute(0, 3, 1, 2).float() / 127.5 - 1
    points = torch.from_numpy(pool["clicks"][rows[:, None], k[:, :clicks]]).float()
    masks = torch.from_numpy(np.unpackbits(pool["masks"][rows[:, None], k], axis=-1)).reshape(len(rows), CLICKS, 3, SIDE, SIDE)
    if rng is None:
        return pictures, points, masks.float()
    # Mirrors, turns, and colours in another order make forty-eight pictures of one.
    pictures = pictures[:, rng.permutation(3)] * rng.uniform(0.8, 1.1) + rng.uniform(-0.12, 0.12)
    for axis in (0, 1):
        if rng.random() < 0.5:
            pictures, masks = pictures.flip(3 - axis), masks.flip(4 - axis)
            points[..., axis] = SIDE - 1 - points[..., axis]
    if rng.random() < 0.3:
        pictures, masks, points = pictures.transpose(2, 3), masks.transpose(3, 4), points.flip(-1)
    return pictures, points, masks.float()


def answer(models, pictures, points):
    with torch.autocast("cpu", torch.bfloat16, enabled=FAST_BF16):
        embeddings, grid = models[0](pictures.contiguous(memory_format=torch.channels_last))
        scores, made = models[1](points[:, :, None], torch.ones(*points.shape[:2], 1, dtype=torch.long), embeddings, grid)
    return scores.float(), made.float(), embeddings[:, -DENSE:].float()


def dense_loss(dense, things, grid):
    """Loss of the directly trained channels. `things`: float [B, 6, 64, 64], every clickable thing at least once."""
    some = things.amax(1, keepdim=True)
    edges = (F.max_pool2d(things, 3, 1, 1) + F.max_pool2d(-things, 3, 1, 1)).amax(1, keepdim=True)
    entropy = F.binary_cross_entropy_with_logits(F.pixel_shuffle(dense[:, :8], 2), torch.cat([some, edges], 1))
    cells = F.avg_pool2d(things, 2)
    area = cells.sum((2, 3)) + 1e-3
    middle = torch.einsum("bkyx,cyx->bkc", cells, grid[0]) / area[..., None]
    spread = (torch.einsum("bkyx,cyx->bkc", cells, grid[0].pow(2)) / area[..., None] - middle.pow(2)).clamp(min=1e-3).sqrt().log()
    share = cells / cells.sum(1, keepdim=True).clamp(min=1e-3)
    truth = torch.einsum("bkyx,bkc->bcyx", share, torch.cat([middle, spread], 2))
    inside = (F.avg_pool2d(some, 2) > 0.5).float()
    away = F.smooth_l1_loss(dense[:, 8:], truth, reduction="none", beta=0.1) * inside
    return entropy + away.sum() / inside.sum().clamp(min=1)


def overlap(made, masks):
    """Intersection over union of logits cut at 0 and masks, over the last two dimensions."""
    hard = (made > 0).float()
    return (hard * masks).sum((-2, -1)) / torch.maximum(hard, masks).sum((-2, -1)).clamp(min=1)


def loss_of(models, batch):
    pictures, points, masks = batch
    scores, made, dense = answer(models, pictures, points)
    extra = dense_loss(dense, masks[:, :, 1], models[0].grid)
    masks = masks[:, : points.shape[1]]
    chance = made.sigmoid()
    both, either = (chance * masks).sum((-2, -1)), (chance + masks - chance * masks).sum((-2, -1))
    area = masks.sum((-2, -1))
    # Every thing weighs the same, however small: the cross entropy is per pixel of it, within limits.
    entropy = F.binary_cross_entropy_with_logits(made, masks, reduction="none").sum((-2, -1)) / (area + 150)
    with torch.no_grad():
        iou = overlap(made, masks)
    soft = 1 - (both + 2) / (either + 2)
    return ((entropy * 0.5 + soft) * LEVEL_WEIGHTS).mean() + 0.1 * (scores - iou).pow(2).mean() + 0.4 * extra, iou[..., 1].mean().item()


def validate(models, pool, rows):
    for model in models:
        model.eval()
    with torch.no_grad():
        found = torch.cat([overlap(answer(models, *(b := batch_of(pool, part, 1))[:2])[1], b[2][:, :1]) for part in np.split(rows, len(rows) // 48)])
    for model in models:
        model.train()
    return found[:, 0].mean(0).tolist()


def main():
    arguments = arguments_of(minutes=40, batch=24, seed=5)
    arguments.add_argument("--clicks", type=int, default=3)
    arguments.add_argument("--from-weights", action="store_true", help="start from segmenter.pt, with fresh optimisers")
    arguments.add_argument("--even", action="store_true", help="every picture as often as any, however many things it shows")
    a = arguments.parse_args()
    rng, work = begin(a.seed), Path(a.work)
    made = json.loads((work / "segment-pool/pool.json").read_text())
    pool = open_pool(work / "segment-pool", made["count"])
    held, last = np.arange(VALIDATION), made["made"]
    models = [SegmentEncoder(), SegmentDecoder()]
    shares = None if a.even else shares_of(pool, VALIDATION, last)
    if a.from_weights:
        for model, saved in zip(models, torch.load(work / "segmenter.pt"), strict=True):
            model.load_state_dict(saved)

    def loss_of_next():
        rows = VALIDATION + rng.choice(last - VALIDATION, a.batch, p=shares)
        return loss_of(models, batch_of(pool, rows, a.clicks, rng))

    def told():
        return ", ".join(f"{level} {value:.3f}" for level, value in zip(("part", "object", "group"), validate(models, pool, held), strict=True))

    train(a, models, work / "segmenter-running.pt", loss_of_next, told, lambda: torch.save([model.state_dict() for model in models], work / "segmenter.pt"))


if __name__ == "__main__":
    main()
