"""Trains the UNet and the text encoder together on latents of banks of composites.

    python train.py --work DIR --banks DIR/bank1[,DIR/bank2] [--looks DIR/looks1[,DIR/looks2]] --minutes 95 [--resume | --from-means]

Captions may hold made-up words (renders.py): their rows of the token embedding come after the tokenizer's own and are cut off in
`ema.pt`. `--freeze-text` trains nothing else of the text encoder. `--looks` shows things whose rows a network makes from their pictures
(looks.py); it is trained beside the UNet, into `looks.pt`.

v-prediction, plain MSE, caption dropout 10 %, Muon for matrices and AdamW for the rest, EMA; the rate rises, stays, and falls
to zero in the last third of the time (WSD: Hu et al. 2024, "MiniCPM"). `running.pt` holds everything a resumed run needs; `ema.pt`
only what export.py needs. Every few minutes the validation v-MSE is printed with right and with shuffled captions: the gate
is that they stand far apart after 15 minutes. Time that the process is stopped (SIGSTOP) does not count.
"""

import argparse
import copy
import json
import random
import re
import time
from pathlib import Path

import numpy as np
import torch

from data import caption_of
from looks import MOST_ROWS, LookEncoder, crops_of, look_caption, rows_of_looks
from models import count, make_scheduler, make_text_encoder, make_unet, make_vae
from muon import Muon
from photograph_data import photograph_words
from renders import ACCESSORIES, PATTERNS, Renders
from tokenizer import write_tokenizer
from vae import encode

VALIDATION = 256
CAPTIONS_EACH = 3
WARM_UP = 200
# Noise on the rows of looks, as rows have that inversion found, in their own lengths.
UNSTEADY = 0.3


def encode_bank(work, bank):
    """Encodes a bank's pictures a few thousand at a time, so that training can start on the first of them."""
    vae = make_vae()
    vae.load_state_dict(torch.load(Path(work) / "vae.pt"))
    pictures, latents = np.load(bank / "pictures.npy", mmap_mode="r"), []
    for i in range(0, len(pictures), 4200):
        latents.append(encode(vae.eval(), pictures[i : i + 4200]).half())
        torch.save(torch.cat(latents), bank / "latents.tmp")
        (bank / "latents.tmp").replace(bank / "latents.pt")
        print(f"{i + len(latents[-1])} pictures encoded", flush=True)


def load_bank(bank, tokenizer, made_up):
    """(latents f16 [N, 16, 8, 8], token ids int16 [N, 3, 24], places of looks' rows int8 [N, 3, MOST_ROWS], -1 where there is none).

    `made_up` words follow the tokenizer's own tokens.
    """
    facts, rng = json.loads((bank / "facts.json").read_text()), random.Random(0)
    say = look_caption if (bank / "crops.npy").exists() else lambda fact, rng: (caption_of(fact, rng), [])
    captions, places = zip(*[say(fact, rng) for fact in facts for _ in range(CAPTIONS_EACH)], strict=True)
    places = torch.tensor([at + [-1] * (MOST_ROWS - len(at)) for at in places], dtype=torch.int8)
    ids = known_token_ids(tokenizer, captions, made_up).short()
    return torch.load(bank / "latents.pt"), ids.reshape(len(facts), CAPTIONS_EACH, -1), places.reshape(len(facts), CAPTIONS_EACH, -1)


def token_ids(tokenizer, captions):
    return tokenizer(captions, padding="max_length", truncation=True, max_length=tokenizer.model_max_length, return_tensors="pt").input_ids


def known_token_ids(tokenizer, captions, made_up=()):
    """token_ids for captions of known and made-up words only, where one word is one token: a hundred times faster."""
    vocabulary, length = tokenizer.get_vocab(), tokenizer.model_max_length
    vocabulary |= {word + "</w>": len(tokenizer) + i for i, word in enumerate(made_up)}
    rows = []
    for caption in captions:
        words = re.findall(r"[a-z]+|[0-9]|[^\sa-z0-9]", caption)[: length - 2]
        ids = [tokenizer.bos_token_id, *(vocabulary[word + "</w>"] for word in words)]
        rows.append(ids + [tokenizer.eos_token_id] * (length - len(ids)))
    rows = torch.tensor(rows)
    plain = [i for i, caption in enumerate(captions[:999]) if "zz" not in caption]
    assert torch.equal(rows[plain], token_ids(tokenizer, [captions[i] for i in plain]))
    return rows


def noised(x, noise, t, alphas):
    """(z_t, v) of latents x: z = a x + s e, v = a e − s x."""
    a, s = alphas[t].sqrt()[:, None, None, None], (1 - alphas[t]).sqrt()[:, None, None, None]
    return a * x + s * noise, a * noise - s * x


def contexts(text, tokens, added=None):
    """The text encoder's last hidden state of `tokens` [B, 24], their rows moved by `added` [B, 24, 128]."""
    hook = text.text_model.embeddings.token_embedding.register_forward_hook(lambda module, inputs, rows: rows if added is None else rows + added)
    try:
        return text(input_ids=tokens).last_hidden_state
    finally:
        hook.remove()


def v_error(unet, text, latents, ids, alphas, seed=1, added=None):
    """Mean squared error of the predicted velocity over a fixed draw of noise and timesteps."""
    generator = torch.Generator().manual_seed(seed)
    t = torch.randint(0, 1000, (len(latents),), generator=generator)
    noise = torch.randn(latents.shape, generator=generator)
    errors = []
    with torch.no_grad():
        for i in range(0, len(latents), 64):
            z, v = noised(latents[i : i + 64].float(), noise[i : i + 64], t[i : i + 64], alphas)
            context = contexts(text, ids[i : i + 64].long(), None if added is None else added[i : i + 64])
            errors.append((unet(z, t[i : i + 64], context, return_dict=False)[0] - v).pow(2).mean((1, 2, 3)))
    return torch.cat(errors).mean().item()


def optimisers(unet, text, looker, rate):
    """Muon for the hidden matrices; AdamW for embeddings, norms, biases, and the layers at either end."""
    every = [*unet.named_parameters(prefix="unet"), *text.named_parameters(prefix="text"), *looker.named_parameters(prefix="looks")]
    named = [(name, p) for name, p in every if p.requires_grad]
    ends = ("embedding", "conv_in", "conv_out", "place", "looks.out", "body.0")
    hidden = [p for name, p in named if p.ndim > 1 and not any(end in name for end in ends)]
    chosen = {id(p) for p in hidden}
    rest = [p for _, p in named if id(p) not in chosen]
    return Muon(hidden, rate), torch.optim.AdamW(rest, lr=rate, betas=(0.9, 0.99), weight_decay=0.0, fused=True)


def freeze_known(text, known):
    """Leaves only the rows of made-up words, from row `known` on, to be trained."""
    text.requires_grad_(False)
    rows = text.text_model.embeddings.token_embedding.weight.requires_grad_(True)
    rows.register_hook(lambda gradient: torch.cat([torch.zeros_like(gradient[:known]), gradient[known:]]))


def load_means(path, unet, text):
    """Starts both networks from the running averages of an `ema.pt`; made-up words keep their random rows."""
    state = torch.load(path)
    unet.load_state_dict(state["unet"])
    name, rows = "text_model.embeddings.token_embedding.weight", text.text_model.embeddings.token_embedding.weight.detach()
    text.load_state_dict(state["text"] | {name: torch.cat([state["text"][name], rows[len(state["text"][name]) :]])})
    return state["step"], state["seen"]


def rate_at(step, share):
    """Share of the full rate after `step` steps, when `share` (0–1) of the time is over."""
    return min(1.0, (step + 1) / WARM_UP) * min(1.0, (1 - share) / 0.33 + 0.01)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--work", required=True)
    arguments.add_argument("--banks", required=True, help="comma-separated; validation is taken from the first")
    arguments.add_argument("--looks", default="", help="comma-separated, of looks.py")
    arguments.add_argument("--minutes", type=float, default=95)
    arguments.add_argument("--rate", type=float, default=2e-3)
    arguments.add_argument("--batch", type=int, default=64)
    arguments.add_argument("--encode-only", action="store_true", help="only fill the banks' latents")
    arguments.add_argument("--resume", action="store_true")
    arguments.add_argument("--from-means", action="store_true", help="start from ema.pt, with fresh optimisers")
    arguments.add_argument("--freeze-text", action="store_true", help="train no row of the text encoder but those of made-up words")
    arguments.add_argument("--fresh-schedule", action="store_true", help="resume the weights, but start the time anew")
    a = arguments.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    torch.set_flush_denormal(True)
    work, banks = Path(a.work), [Path(bank) for bank in (*a.banks.split(","), *a.looks.split(",")) if bank]
    if a.encode_only:
        for bank in banks:
            encode_bank(work, bank)
        return
    train(a, work, banks)


def train(a, work, banks):
    tokenizer = write_tokenizer(work / "tokenizer")
    made_up = [*Renders(work).nameless, *PATTERNS.values(), *ACCESSORIES.values(), *photograph_words(work)]
    loaded = [load_bank(bank, tokenizer, made_up) for bank in banks]
    latents, ids, places = (torch.cat(parts) for parts in zip(*loaded, strict=True))
    crops = [crop for bank, (of_bank, *_) in zip(banks, loaded, strict=True) for crop in crops_of(bank, len(of_bank))]
    validation = (latents[:VALIDATION], ids[:VALIDATION, 0])
    # Of looks, which come last, the last ones: none of their pictures is trained on either.
    seen_looks = torch.arange(len(latents) - (VALIDATION if a.looks else 0), len(latents))
    empty = token_ids(tokenizer, [""])[0].short()
    alphas = make_scheduler().alphas_cumprod
    # Channels last: a step takes about a fifth less time.
    unet, text = make_unet().to(memory_format=torch.channels_last), make_text_encoder(len(tokenizer) + len(made_up), tokenizer.bos_token_id, tokenizer.eos_token_id)
    looker = LookEncoder().to(memory_format=torch.channels_last).requires_grad_(bool(a.looks))
    step, seen, spent = 0, 0, 0.0
    if a.from_means:
        step, seen = load_means(work / "ema.pt", unet, text)
        if a.looks and (work / "looks.pt").exists():
            looker.load_state_dict(torch.load(work / "looks.pt"))
    if a.freeze_text:
        freeze_known(text, len(tokenizer))
    # Backgrounds are learned in minutes: the middle, where the subject stands, counts more.
    centre = torch.full((8, 8), 0.5)
    centre[1:7, 1:7] = 1.4
    centre /= centre.mean()
    mean_unet, mean_text = copy.deepcopy(unet), copy.deepcopy(text)
    pairs = zip([*unet.parameters(), *text.parameters()], [*mean_unet.parameters(), *mean_text.parameters()], strict=True)
    table = text.text_model.embeddings.token_embedding.weight
    parameters, means = zip(*[(p, mean) for p, mean in pairs if p.requires_grad], strict=True)
    mean_unet.requires_grad_(False), mean_text.requires_grad_(False)
    muon, adam = optimisers(unet, text, looker, a.rate)
    parts = {"unet": unet, "text": text, "mean_unet": mean_unet, "mean_text": mean_text, "looker": looker, "muon": muon, "adam": adam}
    if a.resume:
        state = torch.load(work / "running.pt")
        for key, part in parts.items():
            part.load_state_dict(state[key])
        step, seen, spent = state["step"], state["seen"], 0.0 if a.fresh_schedule else state["seconds"]
    print(f"UNet {count(unet):,}, text encoder {count(text):,}, {len(latents)} pictures", flush=True)

    def look_errors():
        """Errors of pictures of looks with their own, with another's and without."""
        looker.eval()
        at, tokens, found = places[seen_looks, 0], ids[seen_looks, 0].long(), []
        with torch.no_grad():
            for order in (seen_looks, seen_looks.roll(7, 0)):
                added = rows_of_looks(looker, table, [crops[i] for i in order.tolist()], tokens, at)
                found.append(v_error(mean_unet, mean_text, latents[seen_looks], tokens, alphas, added=added))
        looker.train()
        return [*found, v_error(mean_unet, mean_text, latents[seen_looks], tokens, alphas)]

    def save():
        name = "text_model.embeddings.token_embedding.weight"
        shipped = mean_text.state_dict() | {name: mean_text.state_dict()[name][: len(tokenizer)].clone()}
        torch.save({"unet": mean_unet.state_dict(), "text": shipped, "step": step, "seen": seen}, work / "ema.tmp")
        (work / "ema.tmp").replace(work / "ema.pt")
        if a.looks:
            torch.save(looker.state_dict(), work / "looks.pt")
        torch.save({key: part.state_dict() for key, part in parts.items()} | {"step": step, "seen": seen, "seconds": spent}, work / "running.tmp")
        (work / "running.tmp").replace(work / "running.pt")

    rng, losses, order, started = np.random.default_rng(step), [], np.empty(0, int), step
    report, seen_before, last = spent + 60, seen, time.time()
    while spent < a.minutes * 60:
        rate = a.rate * rate_at(step - started, spent / a.minutes / 60)
        for group in (*muon.param_groups, *adam.param_groups):
            group["lr"] = rate
        if len(order) < a.batch:
            order = rng.permutation(np.arange(VALIDATION, len(latents) - len(seen_looks)))
        chosen, order = torch.from_numpy(order[: a.batch]), order[a.batch :]
        told = torch.randint(0, CAPTIONS_EACH, (a.batch,))
        dropped = torch.rand(a.batch, 1) < 0.1
        tokens = torch.where(dropped, empty, ids[chosen, told]).long()
        added = rows_of_looks(looker, table, [crops[i] for i in chosen.tolist()], tokens, torch.where(dropped, -1, places[chosen, told]), UNSTEADY)
        # Stratified timesteps, one from each of `batch` spans; a little more often the noisy ones, where shape is decided.
        t = (((torch.arange(a.batch) + torch.rand(a.batch)) / a.batch) ** 0.8 * 1000).long()
        x = latents[chosen].float()
        z, v = noised(x, torch.randn_like(x), t, alphas)
        loss = ((unet(z, t, contexts(text, tokens, added), return_dict=False)[0] - v).pow(2) * centre).mean()
        muon.zero_grad()
        adam.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_([p for p in parameters if p.grad is not None], 1.0)
        torch.nn.utils.clip_grad_norm_(looker.parameters(), 1.0)
        muon.step()
        adam.step()
        step, seen = step + 1, seen + a.batch
        losses.append(loss.item())
        torch._foreach_lerp_(means, [p.detach() for p in parameters], 1 - min(0.999, (1 + step) / (10 + step)))
        now = time.time()
        spent, last = spent + min(now - last, 5.0), now
        if spent > report:
            line = f"{spent / 60:.1f} min, step {step}, seen {seen}, {(seen - seen_before) / 60:.0f} pictures/s, rate {rate:.1e}, train {np.mean(losses):.4f}"
            if round(report / 60) % 5 == 0 or report < 300:
                right = v_error(mean_unet, mean_text, *validation, alphas)
                wrong = v_error(mean_unet, mean_text, validation[0], validation[1].roll(7, 0), alphas)
                line += f", validation {right:.4f}, captions shuffled {wrong:.4f}"
                if a.looks:
                    line += ", looks {:.4f}, of others {:.4f}, captions alone {:.4f}".format(*look_errors())
                save()
            print(line, flush=True)
            losses, report, seen_before = [], spent + 60, seen
    save()
    print(f"end: step {step}, {v_error(mean_unet, mean_text, *validation, alphas):.4f}")


if __name__ == "__main__":
    main()
