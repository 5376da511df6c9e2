"""The training loop of the vision models: Muon for convolutions, AdamW for the rest, warm-up and cosine by processor time, and a
checkpoint every minute that holds everything but the clock."""

import argparse
import math
import time

import numpy as np
import torch

from muon import Muon


def arguments_of(minutes, batch, seed):
    """What every such training can be told."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--work", required=True)
    arguments.add_argument("--minutes", type=float, default=minutes, help="processor minutes")
    arguments.add_argument("--rate", type=float, default=3e-3)
    arguments.add_argument("--batch", type=int, default=batch)
    arguments.add_argument("--seed", type=int, default=seed)
    arguments.add_argument("--resume", action="store_true")
    return arguments


def begin(seed):
    """One thread, repeatable; returns the source of everything random."""
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    torch.manual_seed(seed)
    return np.random.default_rng(seed)


def optimisers_of(parameters, rate):
    matrices = [p for p in parameters if p.ndim == 4 and p.shape[-1] > 1 and p.shape[0] > 12]
    chosen = {id(p) for p in matrices}
    others = [p for p in parameters if id(p) not in chosen]
    return [Muon(matrices, rate, weight_decay=0.02), torch.optim.AdamW(others, lr=rate, betas=(0.9, 0.99), weight_decay=0.01, fused=True)]


def train(a, models, running, loss_of_next, told, save):
    """Trains `models` for the minutes of the arguments `a`. `loss_of_next()` gives (loss, share of hits) of the next batch, `told()` a line
    about the validation set, `save()` writes what the exports read; `running` is the checkpoint."""
    parameters = list({id(p): p for model in models for p in model.parameters()}.values())
    optimisers, step = optimisers_of(parameters, a.rate), 0
    if a.resume:
        state = torch.load(running)
        step = state["step"]
        for part, saved in zip([*models, *optimisers], state["parts"], strict=True):
            part.load_state_dict(saved)
    for model in models:
        model.to(memory_format=torch.channels_last).train()
    print(f"{sum(p.numel() for p in parameters):,} parameters", flush=True)

    def keep():
        torch.save({"step": step, "parts": [part.state_dict() for part in [*models, *optimisers]]}, running)
        save()

    started, first, report, losses, hits = time.process_time(), step, 60, [], []
    while (spent := time.process_time() - started) < a.minutes * 60:
        rate = a.rate * min(1, (step - first + 1) / 100) * 0.5 * (1 + math.cos(math.pi * spent / a.minutes / 60))
        for group in (g for optimiser in optimisers for g in optimiser.param_groups):
            group["lr"] = rate
        loss, hit = loss_of_next()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        for optimiser in optimisers:
            optimiser.step()
            optimiser.zero_grad()
        step += 1
        losses.append(loss.item())
        hits.append(hit)
        if spent > report:
            pace = (step - first) * a.batch / spent
            print(f"{spent / 60:.1f} min, step {step}, {pace:.0f} pictures/s, loss {np.mean(losses):.4f}, hit {np.mean(hits):.4f}; {told()}", flush=True)
            losses, hits, report = [], [], report + 60
            keep()
    keep()
    print(f"end: {step} steps of {a.batch} pictures; {told()}")
