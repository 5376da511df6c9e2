"""Trains the classifier and the captioner together, on one trunk, with the pool that crop_pool.py made.

    python train_captions.py --work DIR --minutes 10 [--resume]

Things outside the vocabulary have soft targets (outlier exposure, Hendrycks et al. 2019), so that confidence means something:
an unknown animal is a little of every known one, and its colour is still named. Muon, AdamW, bf16 and the schedule as in
train_segmenter.py.
"""

import argparse
import math
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from crop_pool import open_pool
from models import FAST_BF16
from renders import WORDS
from tokenizer import write_tokenizer
from train_segmenter import optimisers_of
from vision_models import CaptionDecoder, CaptionEncoder, Classifier

VALIDATION = 1160
SMOOTHING = 0.05
# Share of an unknown thing's target that its kin gets; the rest is spread over all words.
KINSHIP = 0.6


def caption_words(word, colour):
    phrase = f"{colour} {word}" if colour else word
    return f"{'an' if phrase[0] in 'aeiou' else 'a'} {phrase}"


class Crops:
    """The pool with its captions as token ids [N, 6], subjects' places [N] and soft subjects [N, words]."""

    def __init__(self, work, tokenizer, rng):
        self.pictures, facts = open_pool(work / "crop-pool")
        place = {word: i for i, word in enumerate(WORDS)}
        spoken = [rng.choice(fact["words"]) for fact in facts]
        captions = [caption_words(word, fact["colour"]) for word, fact in zip(spoken, facts, strict=True)]
        self.ids = tokenizer(captions, padding="max_length", max_length=6, return_tensors="pt").input_ids
        self.subject_at = torch.tensor([2 + (fact["colour"] is not None) for fact in facts])
        self.word = torch.tensor([place[word] for word in spoken])
        self.known = torch.tensor([len(fact["words"]) == 1 for fact in facts])
        self.soft = torch.full((len(facts), len(WORDS)), 1 / len(WORDS))
        for row, fact in zip(self.soft, facts, strict=True):
            share = 1 - SMOOTHING if len(fact["words"]) == 1 else KINSHIP
            row *= 1 - share
            row[[place[word] for word in fact["words"]]] += share / len(fact["words"])

    def batch(self, rows, rng=None):
        pictures = torch.from_numpy(self.pictures[rows]).permute(0, 3, 1, 2).float() / 127.5 - 1
        if rng:
            # A step aside and a white corner; light was varied when the crop was made.
            dx, dy = rng.integers(-3, 4, 2)
            pictures = F.pad(pictures, (3 + dx, 3 - dx, 3 + dy, 3 - dy), value=1.0)[..., 3:-3, 3:-3]
            if rng.random() < 0.3:
                x, y, w, h = rng.integers(0, 56), rng.integers(0, 56), *rng.integers(6, 24, 2)
                pictures[..., y : y + h, x : x + w] = 1.0
        return pictures, self.ids[rows], self.subject_at[rows], self.soft[rows], self.word[rows]


def answer(models, pictures, ids):
    """(class logits [B, words], caption logits [B, T, tokens])."""
    classifier, seer, teller = models
    with torch.autocast("cpu", torch.bfloat16, enabled=FAST_BF16):
        features = classifier.trunk(pictures.contiguous(memory_format=torch.channels_last))
        classes, told = classifier.read(features), teller(ids, seer.read(features))
    return classes.float(), told.float()


def loss_of(models, batch, word_ids):
    pictures, ids, at, soft, word = batch
    classes, told = answer(models, pictures, ids[:, :-1])
    logs, target, eos = told.log_softmax(-1), ids[:, 1:], ids[0, -1]
    # The first end token is learned, the padding after it is not; the subject has its own target.
    counted = torch.cat([torch.ones_like(target[:, :1], dtype=torch.bool), target[:, :-1] != eos], 1)
    subject = torch.arange(target.shape[1]) == at[:, None] - 1
    others = F.nll_loss(logs[counted & ~subject], target[counted & ~subject])
    subjects = -(logs[subject][:, word_ids] * soft).sum(-1).mean()
    return -(classes.log_softmax(-1) * soft).sum(-1).mean() + subjects + others, (classes.argmax(-1) == word).float().mean().item()


@torch.no_grad()
def validate(models, crops, rows):
    """Shares right of known subjects: class, subject of the caption, colour where there is one; mean top chances, known and not."""
    for model in models:
        model.eval()
    found = []
    for part in np.split(rows, len(rows) // 58):
        pictures, ids, at, _, word = crops.batch(part)
        classes, told = answer(models, pictures, ids[:, :-1])
        right = told.argmax(-1) == ids[:, 1:]
        each = torch.arange(len(part))
        coloured = torch.where(at == 3, right[:, 1].float(), torch.nan)
        found.append(torch.stack([(classes.argmax(-1) == word).float(), right[each, at - 1].float(), coloured, classes.softmax(-1).amax(-1), crops.known[part].float()], 1))
    for model in models:
        model.train()
    table = torch.cat(found)
    known, other = table[table[:, 4] == 1], table[table[:, 4] == 0]
    return [*known[:, :4].nanmean(0).tolist(), other[:, 3].mean().item(), other[:, 2].nanmean().item()]


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--work", required=True)
    arguments.add_argument("--minutes", type=float, default=10, help="processor minutes")
    arguments.add_argument("--rate", type=float, default=3e-3)
    arguments.add_argument("--batch", type=int, default=64)
    arguments.add_argument("--seed", type=int, default=6)
    arguments.add_argument("--resume", action="store_true")
    a = arguments.parse_args()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    torch.manual_seed(a.seed)
    work, rng = Path(a.work), np.random.default_rng(a.seed)
    tokenizer = write_tokenizer(work / "tokenizer")
    word_ids = torch.tensor([tokenizer(word).input_ids[1] for word in WORDS])
    crops = Crops(work, tokenizer, rng)
    held, last = np.arange(VALIDATION), len(crops.ids)
    classifier, teller = Classifier(len(WORDS)), CaptionDecoder(len(tokenizer))
    seer = CaptionEncoder(classifier.trunk)
    models = [classifier, seer, teller]
    parameters = list({id(p): p for model in models for p in model.parameters()}.values())
    optimisers = optimisers_of(parameters, a.rate)
    running, step = work / "captions-running.pt", 0
    if a.resume:
        state = torch.load(running)
        step = state["step"]
        for part, saved in zip([*models, *optimisers], state["parts"], strict=True):
            part.load_state_dict(saved)
    for model in models:
        model.to(memory_format=torch.channels_last).train()
    print(f"{sum(p.numel() for p in parameters):,} parameters, {last} crops", flush=True)

    def save():
        torch.save({"step": step, "parts": [part.state_dict() for part in [*models, *optimisers]]}, running)
        torch.save({"state": classifier.state_dict(), "words": WORDS}, work / "classifier.pt")
        torch.save({"states": [seer.state_dict(), teller.state_dict()], "tokens": tokenizer.convert_ids_to_tokens(range(len(tokenizer)))}, work / "captioner.pt")

    started, first, report, losses, hits = time.process_time(), step, 60, [], []
    while (spent := time.process_time() - started) < a.minutes * 60:
        rate = a.rate * min(1, (step - first + 1) / 100) * 0.5 * (1 + math.cos(math.pi * spent / a.minutes / 60))
        for group in (g for optimiser in optimisers for g in optimiser.param_groups):
            group["lr"] = rate
        loss, hit = loss_of(models, crops.batch(rng.integers(VALIDATION, last, a.batch), rng), word_ids)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        for optimiser in optimisers:
            optimiser.step()
            optimiser.zero_grad()
        step += 1
        losses.append(loss.item())
        hits.append(hit)
        if spent > report:
            names = ("class", "subject", "colour", "chance", "chance of others", "colour of others")
            checked = ", ".join(f"{name} {value:.3f}" for name, value in zip(names, validate(models, crops, held), strict=True))
            print(f"{spent / 60:.1f} min, step {step}, {(step - first) * a.batch / spent:.0f} crops/s, loss {np.mean(losses):.4f}, hit {np.mean(hits):.3f}; {checked}", flush=True)
            losses, hits, report = [], [], report + 60
            save()
    save()
    print(f"end: {step} steps of {a.batch} crops; {validate(models, crops, held)}")


if __name__ == "__main__":
    main()
