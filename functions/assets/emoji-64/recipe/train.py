"""Trains the UNet and the text encoder together on latents of a bank of composites.

    python train.py --work DIR --bank DIR/bank1 --minutes 95 [--resume] [--rate 1e-3]

v-prediction, plain MSE, uniform timesteps, caption dropout 10 %, AdamW, EMA, cosine to zero at the end of the time.
`running.pt` holds everything a resumed run needs; `ema.pt` only what export.py needs. Every few minutes the validation
v-MSE is printed with right and with shuffled captions: the gate is that they stand far apart after 15 minutes.
"""

import argparse
import copy
import json
import math
import random
import time
from pathlib import Path

import numpy as np
import torch

from data import caption_of
from models import count, make_scheduler, make_text_encoder, make_unet, make_vae
from tokenizer import write_tokenizer
from vae import encode

VALIDATION = 512
CAPTIONS_EACH = 3


def load_bank(work, bank, tokenizer):
    """(latents f16 [N, 4, 16, 16], token ids int16 [N, 3, 24]); the latents are cached beside the pictures."""
    bank = Path(bank)
    if not (bank / "latents.pt").exists():
        vae = make_vae().to(memory_format=torch.channels_last)
        vae.load_state_dict(torch.load(Path(work) / "vae.pt"))
        torch.save(encode(vae.eval(), np.load(bank / "pictures.npy", mmap_mode="r")).half(), bank / "latents.pt")
    facts, rng = json.loads((bank / "facts.json").read_text()), random.Random(0)
    captions = [caption_of(fact, rng) for fact in facts for _ in range(CAPTIONS_EACH)]
    return torch.load(bank / "latents.pt"), token_ids(tokenizer, captions).reshape(len(facts), CAPTIONS_EACH, -1).short()


def token_ids(tokenizer, captions):
    return tokenizer(captions, padding="max_length", truncation=True, max_length=tokenizer.model_max_length, return_tensors="pt").input_ids


def noised(x, noise, t, alphas):
    """(z_t, v) of latents x: z = a x + s e, v = a e − s x."""
    a, s = alphas[t].sqrt()[:, None, None, None], (1 - alphas[t]).sqrt()[:, None, None, None]
    return a * x + s * noise, a * noise - s * x


def v_error(unet, text, latents, ids, alphas, seed=1):
    """Mean squared error of the predicted velocity over a fixed draw of noise and timesteps."""
    generator = torch.Generator().manual_seed(seed)
    t = torch.randint(0, 1000, (len(latents),), generator=generator)
    noise = torch.randn(latents.shape, generator=generator)
    errors = []
    with torch.no_grad():
        for i in range(0, len(latents), 64):
            z, v = noised(latents[i : i + 64].float(), noise[i : i + 64], t[i : i + 64], alphas)
            context = text(input_ids=ids[i : i + 64].long()).last_hidden_state
            errors.append((unet(z, t[i : i + 64], context, return_dict=False)[0] - v).pow(2).mean((1, 2, 3)))
    return torch.cat(errors).mean().item()


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--work", required=True)
    arguments.add_argument("--bank", required=True)
    arguments.add_argument("--minutes", type=float, default=95)
    arguments.add_argument("--rate", type=float, default=1e-3)
    arguments.add_argument("--batch", type=int, default=32)
    arguments.add_argument("--threads", type=int, default=2)
    arguments.add_argument("--widths", default="48,96,144")
    arguments.add_argument("--resume", action="store_true")
    arguments.add_argument("--fresh-schedule", action="store_true", help="resume the weights, but start warm-up and cosine anew")
    a = arguments.parse_args()
    torch.set_num_threads(a.threads)
    torch.manual_seed(0)
    torch.set_flush_denormal(True)
    work = Path(a.work)
    tokenizer = write_tokenizer(work / "tokenizer")
    latents, ids = load_bank(work, a.bank, tokenizer)
    known = len(latents) - VALIDATION
    empty = token_ids(tokenizer, [""])[0].short()
    alphas = make_scheduler().alphas_cumprod
    unet, text = make_unet(tuple(int(w) for w in a.widths.split(","))), make_text_encoder(len(tokenizer), tokenizer.bos_token_id, tokenizer.eos_token_id)
    parameters = [*unet.parameters(), *text.parameters()]
    mean_unet, mean_text = copy.deepcopy(unet), copy.deepcopy(text)
    means = [*mean_unet.parameters(), *mean_text.parameters()]
    optimiser = torch.optim.AdamW(parameters, lr=a.rate, betas=(0.9, 0.99), weight_decay=0.01, fused=True)
    step, before, start_step = 0, 0.0, 0
    if a.resume:
        state = torch.load(work / "running.pt")
        for module, key in ((unet, "unet"), (text, "text"), (mean_unet, "mean_unet"), (mean_text, "mean_text"), (optimiser, "optimiser")):
            module.load_state_dict(state[key])
        step, before = state["step"], state["seconds"]
        start_step = step if a.fresh_schedule else 0
        before = 0.0 if a.fresh_schedule else before
    print(f"UNet {count(unet):,}, text encoder {count(text):,}, {known} pictures", flush=True)

    def save():
        torch.save({"unet": mean_unet.state_dict(), "text": mean_text.state_dict(), "step": step}, work / "ema.tmp")
        (work / "ema.tmp").replace(work / "ema.pt")
        full = {"unet": unet, "text": text, "mean_unet": mean_unet, "mean_text": mean_text, "optimiser": optimiser}
        torch.save({key: module.state_dict() for key, module in full.items()} | {"step": step, "seconds": spent}, work / "running.tmp")
        (work / "running.tmp").replace(work / "running.pt")

    rng, started, losses, seen = np.random.default_rng(step), time.time(), [], 0
    order, report, spent = np.empty(0, int), 60.0, before
    while (spent := time.time() - started + before) < a.minutes * 60:
        rate = a.rate * min(1, (step - start_step + 1) / 300) * 0.5 * (1 + math.cos(math.pi * spent / a.minutes / 60))
        for group in optimiser.param_groups:
            group["lr"] = rate
        if len(order) < a.batch:
            order = rng.permutation(known)
        chosen, order = torch.from_numpy(order[: a.batch]), order[a.batch :]
        tokens = ids[chosen, torch.randint(0, CAPTIONS_EACH, (a.batch,))]
        tokens = torch.where(torch.rand(a.batch, 1) < 0.1, empty, tokens).long()
        # Stratified timesteps: one from each of `batch` equal spans.
        t = ((torch.arange(a.batch) + torch.rand(a.batch)) / a.batch * 1000).long()
        x = latents[chosen].float()
        z, v = noised(x, torch.randn_like(x), t, alphas)
        loss = (unet(z, t, text(input_ids=tokens).last_hidden_state, return_dict=False)[0] - v).pow(2).mean()
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimiser.step()
        step += 1
        seen += a.batch
        losses.append(loss.item())
        keep = min(0.998, (1 + step) / (10 + step))
        torch._foreach_lerp_(means, [p.detach() for p in parameters], 1 - keep)
        if spent - before > report:
            minute = round((spent - before) / 60)
            line = f"{spent / 60:.1f} min, step {step}, {seen / (spent - before):.1f} pictures/s, rate {rate:.1e}, train {np.mean(losses):.4f}"
            if minute % 5 == 0:
                right = v_error(mean_unet, mean_text, latents[known:], ids[known:, 0], alphas)
                wrong = v_error(mean_unet, mean_text, latents[known:], ids[known:, 0].roll(7, 0), alphas)
                line += f", validation {right:.4f}, captions shuffled {wrong:.4f}"
                save()
            print(line, flush=True)
            losses, report = [], report + 60
    save()
    print(f"end: step {step}, {v_error(mean_unet, mean_text, latents[known:], ids[known:, 0], alphas):.4f}")


if __name__ == "__main__":
    main()
