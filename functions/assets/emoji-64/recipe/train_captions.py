"""Trains the classifier and the captioner together, on one trunk, with the pool that crop_pool.py made.

    python train_captions.py --work DIR --minutes 10 [--resume]

Things outside the vocabulary have soft targets (outlier exposure, Hendrycks et al. 2019), so that confidence means something:
an unknown animal is a little of every known one, and its colour is still named. Muon, AdamW, bf16 and the schedule as in
train_segmenter.py.
"""

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from crop_pool import open_pool
from models import FAST_BF16
from renders import WORDS
from tokenizer import write_tokenizer
from vision_models import CaptionDecoder, CaptionEncoder, Classifier
from vision_training import arguments_of, begin, train

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
    a = arguments_of(minutes=10, batch=64, seed=6).parse_args()
    rng, work = begin(a.seed), Path(a.work)
    tokenizer = write_tokenizer(work / "tokenizer")
    word_ids = torch.tensor([tokenizer(word).input_ids[1] for word in WORDS])
    crops = Crops(work, tokenizer, rng)
    held, last = np.arange(VALIDATION), len(crops.ids)
    classifier, teller = Classifier(len(WORDS)), CaptionDecoder(len(tokenizer))
    seer = CaptionEncoder(classifier.trunk)
    models = [classifier, seer, teller]

    def loss_of_next():
        return loss_of(models, crops.batch(rng.integers(VALIDATION, last, a.batch), rng), word_ids)

    def told():
        names = ("class", "subject", "colour", "chance", "chance of others", "colour of others")
        return ", ".join(f"{name} {value:.3f}" for name, value in zip(names, validate(models, crops, held), strict=True))

    def save():
        torch.save({"state": classifier.state_dict(), "words": WORDS}, work / "classifier.pt")
        torch.save({"states": [seer.state_dict(), teller.state_dict()], "tokens": tokenizer.convert_ids_to_tokens(range(len(tokenizer)))}, work / "captioner.pt")

    train(a, models, work / "captions-running.pt", loss_of_next, told, save)


if __name__ == "__main__":
    main()
