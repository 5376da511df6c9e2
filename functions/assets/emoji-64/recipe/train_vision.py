"""Trains one of the vision models.

    python train_vision.py segmenter|classifier|captioner --work DIR --minutes 10 [--resume]

Pictures are made while training, a few workers' worth ahead; the captioner starts from the classifier's trunk.
"""

import argparse
import math
import random
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch.utils.data import DataLoader, IterableDataset

from renders import WORDS, Renders
from tokenizer import write_tokenizer
from vision_data import crop_example, segment_bank, segment_example
from vision_models import CaptionDecoder, CaptionEncoder, Classifier, SegmentDecoder, SegmentEncoder


def caption_words(word, colour):
    phrase = f"{colour} {word}" if colour else word
    return f"{'an' if phrase[0] in 'aeiou' else 'a'} {phrase}"


def normal(pictures):
    """uint8 [B, H, W, 3] → float [B, 3, H, W] in −1…1."""
    return pictures.permute(0, 3, 1, 2).float() / 127.5 - 1


class Segments(IterableDataset):
    def __init__(self, work, seed):
        self.work, self.seed = work, seed

    def __iter__(self):
        renders, rng = Renders(self.work), random.Random(self.seed)
        bank = segment_bank(rng)
        while True:
            picture, click, masks, _ = segment_example(renders, rng, bank, renders.trainable)
            yield torch.from_numpy(picture.copy()), torch.tensor(click, dtype=torch.float32), torch.from_numpy(masks.copy())


class Crops(IterableDataset):
    def __init__(self, work, seed, tokenizer=None):
        self.work, self.seed, self.tokenizer = work, seed, tokenizer

    def __iter__(self):
        renders, rng = Renders(self.work), random.Random(self.seed)
        while True:
            picture, word, colour = crop_example(renders, rng)
            target = torch.tensor(WORDS.index(word))
            if self.tokenizer:
                target = self.tokenizer(caption_words(word, colour), padding="max_length", max_length=8, return_tensors="pt").input_ids[0]
            yield torch.from_numpy(picture.copy()), target


def replayed(stream, rng, times=4, size=250):
    """Batches of a stream, each drawn about `times` times in all: making pictures costs as much as learning from them."""
    kept = []
    while True:
        if len(kept) < 20 or rng.random() < 1 / times:
            batch = next(stream)
            kept.append(batch)
            yield batch
        else:
            yield rng.choice(kept)
        if len(kept) > size:
            kept.pop(rng.randrange(len(kept)))


def segment_loss(models, batch):
    picture, click, masks = batch
    masks = masks.float()
    embeddings, grid = models[0](normal(picture))
    scores, made = models[1](click[:, None, None], torch.ones(len(click), 1, 1, dtype=torch.long), embeddings, grid)
    made, chance = made[:, 0], made[:, 0].sigmoid()
    overlap = (chance * masks).sum((2, 3))
    dice = 1 - (2 * overlap + 10) / (chance.sum((2, 3)) + masks.sum((2, 3)) + 10)
    with torch.no_grad():
        hard = (made > 0).float()
        iou = (hard * masks).sum((2, 3)) / (hard + masks).clamp(max=1).sum((2, 3)).clamp(min=1)
    weight = torch.tensor([0.5, 1.5, 0.75])
    mask_loss = (F.binary_cross_entropy_with_logits(made, masks, reduction="none").mean((2, 3)) * 2 + dice) * weight
    return mask_loss.mean() + 0.3 * (scores[:, 0] - iou).pow(2).mean(), iou[:, 1].mean().item()


def class_loss(models, batch):
    picture, target = batch
    logits = models[0](normal(picture))
    return F.cross_entropy(logits, target, label_smoothing=0.05), (logits.argmax(-1) == target).float().mean().item()


def caption_loss(models, batch):
    picture, ids = batch
    logits = models[1](ids[:, :-1], models[0](normal(picture)))
    target, eos = ids[:, 1:], ids[0, -1]
    # The first end token is learned, the padding after it is not.
    counted = torch.cat([torch.ones_like(target[:, :1], dtype=torch.bool), target[:, :-1] != eos], 1)
    right = ((logits.argmax(-1) == target) | ~counted).all(1).float().mean().item()
    return F.cross_entropy(logits[counted], target[counted]), right


def build(kind, work, tokenizer):
    if kind == "segmenter":
        return [SegmentEncoder(), SegmentDecoder()], segment_loss, 16
    if kind == "classifier":
        return [Classifier(len(WORDS))], class_loss, 48
    models = [CaptionEncoder(), CaptionDecoder(len(tokenizer))]
    if (work / "classifier.pt").exists():
        trunk = {k.removeprefix("trunk."): v for k, v in torch.load(work / "classifier.pt")[0].items() if k.startswith("trunk.")}
        models[0].trunk.load_state_dict(trunk)
    return models, caption_loss, 48


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("kind", choices=["segmenter", "classifier", "captioner"])
    arguments.add_argument("--work", required=True)
    arguments.add_argument("--minutes", type=float, default=10)
    arguments.add_argument("--rate", type=float, default=2e-3)
    arguments.add_argument("--seed", type=int, default=5)
    arguments.add_argument("--resume", action="store_true")
    a = arguments.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(a.seed)
    torch.set_flush_denormal(True)
    work = Path(a.work)
    tokenizer = write_tokenizer(work / "tokenizer")
    models, loss_of, batch_size = build(a.kind, work, tokenizer)
    saved = work / f"{a.kind}.pt"
    if a.resume:
        for model, state in zip(models, torch.load(saved), strict=True):
            model.load_state_dict(state)
    parameters = [p for model in models for p in model.parameters()]
    print(f"{a.kind}: {sum(p.numel() for p in parameters):,} parameters", flush=True)
    optimiser = torch.optim.AdamW(parameters, lr=a.rate, betas=(0.9, 0.99), weight_decay=0.02, fused=True)
    examples = Segments(work, a.seed) if a.kind == "segmenter" else Crops(work, a.seed, tokenizer if a.kind == "captioner" else None)
    stream = replayed(iter(DataLoader(examples, batch_size=batch_size, num_workers=1, prefetch_factor=6)), random.Random(a.seed))
    batch = next(stream)
    started, step, report, losses, hits = time.time(), 0, 60, [], []
    while (spent := time.time() - started) < a.minutes * 60:
        for group in optimiser.param_groups:
            group["lr"] = a.rate * min(1, (step + 1) / 50) * 0.5 * (1 + math.cos(math.pi * spent / a.minutes / 60))
        loss, hit = loss_of(models, batch)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimiser.step()
        step += 1
        losses.append(loss.item())
        hits.append(hit)
        batch = next(stream)
        if spent > report:
            print(f"{spent / 60:.1f} min, step {step}, {step * batch_size / spent:.0f} pictures/s, loss {np.mean(losses):.4f}, hit {np.mean(hits):.4f}", flush=True)
            losses, hits, report = [], [], report + 60
            torch.save([model.state_dict() for model in models], saved)
    torch.save([model.state_dict() for model in models], saved)
    print(f"end: {step} steps, {step * batch_size} pictures")


if __name__ == "__main__":
    main()
