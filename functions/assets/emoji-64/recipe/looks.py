"""Things with a look of their own, and the network that says what they look like in rows of the token embedding, so that the UNet learns to
draw what inversion asks of it: a thing from rows that began as its caption and went where its look is.

    python looks.py --work DIR --folder .. --count 50000 --seed 31 --out DIR/looks1

writes `pictures.npy` uint8 [N, 64, 64, 3], `crops.npy` uint8 [N, 64, 64, 3] (the thing alone, on white) and `facts.json`, with what the captioner
of FOLDER says of each crop. The network is trained beside the UNet (train.py --looks), and it is where the product's learning begins; encoders that guess a
concept before it is tuned are Gal et al.'s (2023, "Encoder-based Domain Tuning for Fast Personalization of Text-to-Image Models").
"""

import argparse
import json
import random
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from PIL import Image
from torch import nn

from crop_data import crop_on_white, ragged
from data import SIMPLE, TEMPLATES, background_bank, choose_background, choose_render, place, sheet, vary, where, with_article
from models import FAST_BF16
from renders import WORDS, Renders, hsv_of, main_colour, with_hsv
from tokenizer import write_tokenizer
from vision_data import texture, weathered
from vision_models import CaptionEncoder, DecoderLayer, Trunk

# Rows that a look may take.
MOST_ROWS = 6
# How far a row goes from where it begins, in its own length, at most: inversion's rows end at 1.8 to 2.3 times their length.
REACH = 2.2


class LookEncoder(nn.Module):
    """crops [B, 3, 64, 64] and the rows they begin as [B, MOST_ROWS, 128] → what is added to them, [B, MOST_ROWS, 128]."""

    def __init__(self):
        super().__init__()
        self.seer = CaptionEncoder(Trunk())
        self.place = nn.Parameter(torch.randn(MOST_ROWS, 128) * 0.05)
        self.into, self.layers = nn.Linear(128, 128), nn.ModuleList(DecoderLayer() for _ in range(2))
        self.norm, self.out = nn.LayerNorm(128), nn.Linear(128, 128)
        nn.init.normal_(self.out.weight, std=0.02)
        nn.init.zeros_(self.out.bias)

    def forward(self, crops, rows):
        lengths = rows.norm(dim=-1, keepdim=True)
        x = self.into(rows / (lengths + 1e-6) * 8) + self.place
        seen = self.seer(crops)
        mask = torch.zeros(1)
        for layer in self.layers:
            x = layer(x, seen, mask)
        step = self.out(self.norm(x))
        return REACH * lengths * step / (1 + step.pow(2).sum(-1, keepdim=True)).sqrt()


class MovedRows(nn.Module):
    """pixel_values and embeddings → moved_embeddings: what the product runs."""

    def __init__(self, looker):
        super().__init__()
        self.looker = looker

    def forward(self, pixel_values, embeddings):
        return embeddings + self.looker(pixel_values, embeddings)


def rows_of_looks(looker, table, crops, tokens, places, unsteady=0.0):
    """What is added to the rows [B, 24, 128] of `tokens` at `places` [B, MOST_ROWS]; `unsteady` is the size of noise on it, in the rows' lengths."""
    used, at = places >= 0, places.clamp(0).long()
    added = torch.zeros(*tokens.shape, table.shape[1])
    looked = used.any(1).nonzero()[:, 0]
    if len(looked) == 0:
        return added
    begun = table.detach()[tokens.gather(1, at)[looked]]
    pixels = torch.from_numpy(np.stack([crops[i] for i in looked.tolist()])).permute(0, 3, 1, 2).float() / 127.5 - 1
    with torch.autocast("cpu", torch.bfloat16, enabled=FAST_BF16):
        steps = looker(pixels.contiguous(memory_format=torch.channels_last), begun).float()
    if unsteady:
        steps = steps + torch.randn_like(steps) * begun.norm(dim=-1, keepdim=True) * unsteady / table.shape[1] ** 0.5
    return added.index_put((looked[:, None].expand_as(at[looked])[used[looked]], at[looked][used[looked]]), steps[used[looked]])


def crops_of(bank, count_):
    """The crops of a bank of looks, one by one from disk; None for every picture of other banks."""
    return np.load(bank / "crops.npy", mmap_mode="r") if (bank / "crops.npy").exists() else [None] * count_


def faded(picture, rng):
    """Less saturated, and darker or lighter, as things in the world are."""
    hsv = hsv_of(picture).copy()
    hsv[..., 0] = (hsv[..., 0] + rng.gauss(0, 12)) % 360
    hsv[..., 1] *= rng.uniform(0.2, 1.0)
    hsv[..., 2] = np.clip(hsv[..., 2] ** rng.uniform(0.7, 1.6) * rng.uniform(0.6, 1.1), 0, 1)
    return with_hsv(picture, hsv)


def look_composites(renders, count, seed):
    """Yields (RGB picture, RGB crop, fact): half show subjects of the vocabulary, half other emoji."""
    rng = random.Random(seed)
    bank, others = background_bank(rng), list(renders.nameless)
    for i in range(count):
        word = WORDS[i // 2 % len(WORDS)] if i % 2 else rng.choice(others)
        picture, _, marks = vary(renders.crop(choose_render(renders, word, 2, rng)), 2, renders, rng)
        plain = not marks and word in WORDS
        if rng.random() < 0.4:
            picture, plain = faded(picture, rng), False
        if rng.random() < 0.12:
            picture, plain = weathered(picture, texture(rng, 64), rng), False
        if rng.random() < 0.15:
            picture = picture.transpose(Image.FLIP_LEFT_RIGHT)
        colour = main_colour(picture)[0]
        background, scene_name, background_colour = choose_background(word, bank, rng)
        if background_colour and background_colour == colour:
            background_colour = "white" if colour != "white" else "blue"
            background = rng.choice(bank[background_colour])
        centre = (32 + rng.uniform(-4, 4), 33 + rng.uniform(-4, 4))
        out, _ = place(background, picture, rng.uniform(40, 50), centre)
        rgba = np.asarray(picture)
        mask = rgba[..., 3] > 127
        if rng.random() < 0.5:
            loose = ragged(rgba[..., 3] / 255, rng.uniform(32, 76), 0.2, rng) & mask
            mask = loose if loose.sum() > 30 else mask
        crop = crop_on_white(rgba[..., :3], mask, margin=max(0.0, rng.uniform(-0.04, 0.1)))
        yield out, crop, {"word": word if plain else None, "colour": colour, "scene": scene_name, "background": background_colour}


def open_captioner(folder):
    """crop uint8 [64, 64, 3] → the ids of its caption."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    seer, teller = (onnxruntime.InferenceSession(str(Path(folder) / f"vision/captioner/{part}_model.onnx"), options) for part in ("encoder", "decoder"))
    ends = json.loads((Path(folder) / "vision/captioner/generation_config.json").read_text())

    def caption(crop):
        (seen,) = seer.run(None, {"pixel_values": crop.astype(np.float32).transpose(2, 0, 1)[None] / 127.5 - 1})
        ids = [ends["bos_token_id"]]
        while len(ids) < 5:
            (logits,) = teller.run(["logits"], {"input_ids": np.array([ids], np.int64), "encoder_hidden_states": seen})
            ids.append(int(logits[0, -1].argmax()))
            if ids[-1] == ends["eos_token_id"]:
                return ids[1:-1]
        return ids[1:]

    return caption


def phrase_of(fact, rng):
    """Words that a look begins as: the caption, or without its article and with `*` besides, or its last word, or `*` alone."""
    told, kind = fact["told"].split(), rng.random()
    if kind < 0.4:
        return told
    if kind < 0.7:
        return told[1:] + ["*"] * rng.choice([0, 1, 2, 2, 3])
    return told[-1:] if kind < 0.78 else ["*"] * rng.choice([1, 2, 3, 3, 4, 5])


def look_caption(fact, rng):
    """(caption, where the look's rows are in its words or nothing)."""
    template = rng.choice(TEMPLATES) if rng.random() < 0.7 else rng.choice(SIMPLE)
    ending = where(fact, rng) if rng.random() < 0.85 else ""
    if fact["word"] and rng.random() < 0.2:
        return with_article(template, f"{fact['colour']} {fact['word']}" if fact["colour"] else fact["word"]) + ending, []
    phrase = phrase_of(fact, rng)[:MOST_ROWS]
    before = len(template.split("{}")[0].split())
    # "close-up" is three words to the tokenizer.
    before += 2 * ("close-up" in template.split("{}")[0])
    return template.format(" ".join(phrase)) + ending, list(range(1 + before, 1 + before + len(phrase)))


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--work", required=True)
    arguments.add_argument("--folder", required=True, help="whose captioner says what each look begins as")
    arguments.add_argument("--count", type=int, default=50_000)
    arguments.add_argument("--seed", type=int, default=31)
    arguments.add_argument("--out", required=True)
    a = arguments.parse_args()
    out = Path(a.out)
    out.mkdir(parents=True, exist_ok=True)
    caption, tokenizer = open_captioner(a.folder), write_tokenizer(Path(a.work) / "tokenizer")
    pictures, crops = (np.lib.format.open_memmap(out / f"{name}.npy", "w+", np.uint8, (a.count, 64, 64, 3)) for name in ("pictures", "crops"))
    facts = []
    for i, (picture, crop, fact) in enumerate(look_composites(Renders(a.work), a.count, a.seed)):
        pictures[i], crops[i] = np.asarray(picture), np.asarray(crop)
        facts.append(fact | {"told": tokenizer.decode(caption(crops[i])).strip()})
        if (i + 1) % 5000 == 0:
            print(f"{i + 1} looks", flush=True)
    (out / "facts.json").write_text(json.dumps(facts))
    sheet([p for pair in zip(pictures[:80], crops[:80], strict=True) for p in pair], 20, out / "samples.png")
    rng = random.Random(0)
    for fact in facts[:24]:
        print(look_caption(fact, rng), fact["told"])


if __name__ == "__main__":
    main()
