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
import re
import time
from pathlib import Path

import numpy as np
import torch
import torch.distributed as dist
import torch.multiprocessing as processes

from data import caption_of
from models import count, make_scheduler, make_text_encoder, make_unet, make_vae
from renders import HERE
from tokenizer import write_tokenizer
from vae import encode

VALIDATION = 256
CAPTIONS_EACH = 3
SECONDS_APART = 10
WARM_UP = 150


def encode_bank(work, bank):
    """Encodes a bank's pictures a few thousand at a time, so that training can start on the first of them."""
    vae = make_vae().to(memory_format=torch.channels_last)
    vae.load_state_dict(torch.load(Path(work) / "vae.pt"))
    pictures, latents = np.load(bank / "pictures.npy", mmap_mode="r"), []
    for i in range(0, len(pictures), 4200):
        latents.append(encode(vae.eval(), pictures[i : i + 4200]).half())
        torch.save(torch.cat(latents), bank / "latents.tmp")
        (bank / "latents.tmp").replace(bank / "latents.pt")
        print(f"{i + len(latents[-1])} pictures encoded", flush=True)


def load_bank(bank, tokenizer):
    """(latents f16 [N, 4, 16, 16], token ids int16 [M ≥ N, 3, 24], words [M]): N as many as are encoded by now."""
    facts, rng = json.loads((bank / "facts.json").read_text()), random.Random(0)
    captions = [caption_of(fact, rng) for fact in facts for _ in range(CAPTIONS_EACH)]
    return torch.load(bank / "latents.pt"), known_token_ids(tokenizer, captions).reshape(len(facts), CAPTIONS_EACH, -1).short(), [fact["word"] for fact in facts]


def token_ids(tokenizer, captions):
    return tokenizer(captions, padding="max_length", truncation=True, max_length=tokenizer.model_max_length, return_tensors="pt").input_ids


def known_token_ids(tokenizer, captions):
    """token_ids for captions of known words only, where one word is one token: a hundred times faster."""
    vocabulary, length = tokenizer.get_vocab(), tokenizer.model_max_length
    rows = []
    for caption in captions:
        words = re.findall(r"[a-z]+|[0-9]|[^\sa-z0-9]", caption)[: length - 2]
        ids = [tokenizer.bos_token_id, *(vocabulary[word + "</w>"] for word in words)]
        rows.append(ids + [tokenizer.eos_token_id] * (length - len(ids)))
    rows = torch.tensor(rows)
    assert torch.equal(rows[:64], token_ids(tokenizer, captions[:64]))
    return rows


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


def start_text_anew(unet, text):
    """New text encoder and cross attention for a UNet that already denoises.

    While a UNet learns to denoise at all, text is noise to it: it turns the text off within a few hundred steps, and hardly
    finds back. Once it denoises, what it lacks is what the text says. The last norm's gain stays 1, so that it cannot be
    turned off there again.
    """
    fresh = make_text_encoder(text.config.vocab_size, text.config.bos_token_id, text.config.eos_token_id)
    text.load_state_dict(fresh.state_dict())
    text.text_model.final_layer_norm.weight.requires_grad_(False)
    for name, module in unet.named_modules():
        if name.endswith("attn2"):
            for part, gain in ((module.to_q, 1.5), (module.to_k, 1.5), (module.to_v, 1.0), (module.to_out[0], 1.0)):
                part.reset_parameters()
                with torch.no_grad():
                    part.weight.mul_(gain * 3**0.5)
        if name.endswith("norm2") and hasattr(module, "normalized_shape"):
            module.reset_parameters()


def shuffled(in_core, core_share, rng):
    """Indices of a pass through the training pictures in which the core subjects make up `core_share` (0: all alike)."""
    known = np.arange(VALIDATION, len(in_core))
    core, rest = known[in_core[VALIDATION:]], known[~in_core[VALIDATION:]]
    if core_share > 0:
        rest = rng.choice(rest, min(len(rest), int(len(core) * (1 - core_share) / core_share)), replace=False)
    return rng.permutation(np.concatenate([core, rest]))


def average(parameters, steps):
    """Local SGD (Stich 2019): every worker's weights become the mean of all, weighted by the steps each has done."""
    flat = torch.cat([p.detach().flatten() for p in parameters])
    flat, total = flat * steps, torch.tensor([float(steps)])
    dist.all_reduce(flat)
    dist.all_reduce(total)
    for p, mean in zip(parameters, (flat / total).split([p.numel() for p in parameters]), strict=True):
        p.data.copy_(mean.view_as(p))


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--work", required=True)
    arguments.add_argument("--bank", required=True)
    arguments.add_argument("--minutes", type=float, default=95)
    arguments.add_argument("--rate", type=float, default=1e-3)
    arguments.add_argument("--batch", type=int, default=16)
    arguments.add_argument("--threads", type=int, default=1)
    arguments.add_argument("--widths", default="32,64,96")
    arguments.add_argument("--fresh-text", action="store_true", help="with --resume: start the text encoder and cross attention anew")
    arguments.add_argument("--core-share", type=float, default=0.0, help="share of curriculum.json's subjects among the pictures; 0: every subject alike")
    arguments.add_argument("--encode-only", action="store_true", help="only fill the bank's latents, beside a running training")
    arguments.add_argument("--resume", action="store_true")
    arguments.add_argument("--fresh-schedule", action="store_true", help="resume the weights, but start warm-up and cosine anew")
    arguments.add_argument("--workers", type=int, default=2, help="processes that meet every few seconds; on a busy machine better than threads")
    a = arguments.parse_args()
    if a.encode_only or a.workers == 1:
        train(0, a, time.time())
        return
    processes.spawn(train, (a, time.time() + 30), nprocs=a.workers)


def train(rank, a, started):
    """One worker. `started` (seconds since 1970) is the same for all, so that they meet and end together."""
    torch.set_num_threads(a.threads)
    torch.manual_seed(rank)
    torch.set_flush_denormal(True)
    work, workers = Path(a.work), 1 if a.encode_only else a.workers
    if workers > 1:
        meeting = work.resolve() / f"meeting-{int(started)}"
        dist.init_process_group("gloo", init_method=f"file://{meeting}", rank=rank, world_size=workers)
    tokenizer = write_tokenizer(work / f"tokenizer{rank or ''}")
    bank = Path(a.bank)
    if a.encode_only:
        encode_bank(work, bank)
        return
    latents, ids, words = load_bank(bank, tokenizer)
    in_core = np.isin(words, json.loads((HERE / "curriculum.json").read_text())["core"])
    validation = (latents[:VALIDATION], ids[:VALIDATION, 0])
    empty = token_ids(tokenizer, [""])[0].short()
    alphas = make_scheduler().alphas_cumprod
    unet, text = make_unet(tuple(int(w) for w in a.widths.split(","))), make_text_encoder(len(tokenizer), tokenizer.bos_token_id, tokenizer.eos_token_id)
    # Backgrounds are learned in minutes: the middle, where the subject stands, counts three times as much.
    centre = torch.full((16, 16), 0.5)
    centre[2:14, 2:14] = 1.5
    centre /= centre.mean()
    parameters = [*unet.parameters(), *text.parameters()]
    mean_unet, mean_text = copy.deepcopy(unet).requires_grad_(False), copy.deepcopy(text).requires_grad_(False)
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
    if a.fresh_text:
        start_text_anew(unet, text)
        mean_unet.load_state_dict(unet.state_dict())
        mean_text.load_state_dict(text.state_dict())
        optimiser = torch.optim.AdamW(parameters, lr=a.rate, betas=(0.9, 0.99), weight_decay=0.0, fused=True)
    if rank == 0:
        print(f"UNet {count(unet):,}, text encoder {count(text):,}, {len(latents)} pictures", flush=True)

    def save():
        torch.save({"unet": mean_unet.state_dict(), "text": mean_text.state_dict(), "step": step}, work / "ema.tmp")
        (work / "ema.tmp").replace(work / "ema.pt")
        full = {"unet": unet, "text": text, "mean_unet": mean_unet, "mean_text": mean_text, "optimiser": optimiser}
        torch.save({key: module.state_dict() for key, module in full.items()} | {"step": step, "seconds": spent}, work / "running.tmp")
        (work / "running.tmp").replace(work / "running.pt")

    if workers > 1:
        average(parameters, 1)
    time.sleep(max(0.0, started - time.time()))
    rng, losses, seen, meetings, since = np.random.default_rng([step, rank]), [], 0, 0, 0
    order, report, spent = np.empty(0, int), 60.0, before
    meeting_count = int((a.minutes * 60 - before) / SECONDS_APART)
    while meetings < meeting_count if workers > 1 else time.time() - started + before < a.minutes * 60:
        spent = time.time() - started + before
        rate = a.rate * min(1, (step - start_step + 1) / WARM_UP) * 0.5 * (1 + math.cos(math.pi * min(1, spent / a.minutes / 60)))
        for group in optimiser.param_groups:
            group["lr"] = rate
        if len(order) < a.batch:
            order = shuffled(in_core[: len(latents)], a.core_share, rng)
        chosen, order = torch.from_numpy(order[: a.batch]), order[a.batch :]
        tokens = ids[chosen, torch.randint(0, CAPTIONS_EACH, (a.batch,))]
        tokens = torch.where(torch.rand(a.batch, 1) < 0.1, empty, tokens).long()
        # Stratified timesteps, one from each of `batch` spans; a little more often the noisy ones, where shape is decided.
        t = (((torch.arange(a.batch) + torch.rand(a.batch)) / a.batch) ** 0.8 * 1000).long()
        x = latents[chosen].float()
        z, v = noised(x, torch.randn_like(x), t, alphas)
        loss = ((unet(z, t, text(input_ids=tokens).last_hidden_state, return_dict=False)[0] - v).pow(2) * centre).mean()
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_([p for p in parameters if p.grad is not None], 1.0)
        optimiser.step()
        step += 1
        seen += a.batch
        losses.append(loss.item())
        keep = min(0.998, (1 + step) / (10 + step))
        torch._foreach_lerp_(means, [p.detach() for p in parameters], 1 - keep)
        since += 1
        while workers > 1 and meetings < meeting_count and time.time() - started > (meetings + 1) * SECONDS_APART:
            average(parameters, max(since, 1))
            meetings, since = meetings + 1, 0
        if rank == 0 and spent - before > report:
            minute = round((spent - before) / 60)
            line = f"{spent / 60:.1f} min, step {step}, {seen / (spent - before):.1f} pictures/s, rate {rate:.1e}, train {np.mean(losses):.4f}"
            if minute % 5 == 0 or minute == 3:
                right = v_error(mean_unet, mean_text, *validation, alphas)
                wrong = v_error(mean_unet, mean_text, validation[0], validation[1].roll(7, 0), alphas)
                line += f", validation {right:.4f}, captions shuffled {wrong:.4f}"
                save()
                latents = torch.load(bank / "latents.pt")
            print(line, flush=True)
            losses, report = [], max(report + 60, time.time() - started)
    if rank > 0:
        return
    save()
    print(f"end: step {step}, {v_error(mean_unet, mean_text, *validation, alphas):.4f}")


if __name__ == "__main__":
    main()
