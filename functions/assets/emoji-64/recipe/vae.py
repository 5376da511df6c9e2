"""Trains the autoencoder.

    python vae.py --work DIR --minutes 12 [--resume]

Writes `vae.pt` (state dict, statistics baked in) and `vae.png` (originals above, reconstructions below).
Loss: L1 + MSE + edges + a small KL. The held-out things are never among its pictures.
"""

import argparse
import math
import random
import time
from pathlib import Path

import numpy as np
import torch

from data import background_bank, composites, place, sheet
from models import FAST_BF16, bake_statistics, count, make_vae
from renders import COLOURS, Renders
from scenes import SCENES


def pictures_for(work, count_, seed):
    """uint8 [N, 64, 64, 3]: half the subjects of the vocabulary in many instances, half any known emoji anywhere."""
    renders, rng = Renders(work), random.Random(seed)
    half = [np.asarray(picture) for picture, _, _ in composites(renders, count_ // 2, 2, seed)]
    bank = background_bank(rng, 40)
    for _ in range(count_ - len(half)):
        background = rng.choice(bank[rng.choice([*SCENES, *COLOURS])])
        for _ in range(rng.choice([1, 1, 2])):
            picture = renders.crop(rng.choice(renders.trainable))
            background, _ = place(background, picture, rng.uniform(24, 60), (rng.uniform(16, 48), rng.uniform(16, 48)))
        half.append(np.asarray(background))
    order = np.random.default_rng(seed).permutation(len(half))
    return np.stack(half)[order]


def to_tensor(pictures):
    return (torch.from_numpy(np.ascontiguousarray(pictures)).permute(0, 3, 1, 2).float() / 127.5 - 1).contiguous()


def encode(vae, pictures):
    """Posterior means [N, 16, 8, 8] of uint8 pictures, in batches."""
    with torch.no_grad():
        return torch.cat([vae.encode(to_tensor(pictures[i : i + 64])).latent_dist.mean for i in range(0, len(pictures), 64)])


def psnr(vae, pictures):
    """(mean PSNR in dB through the posterior mean, reconstructions uint8)."""
    with torch.no_grad():
        made = torch.cat([vae.decode(encode(vae, pictures[i : i + 64])).sample for i in range(0, len(pictures), 64)]).clamp(-1, 1)
    errors = ((made - to_tensor(pictures)) / 2).pow(2).flatten(1).mean(1)
    return (-10 * errors.log10()).mean().item(), ((made + 1) * 127.5).round().byte().permute(0, 2, 3, 1).numpy()


def difference(d, edges):
    """L1 + MSE + `edges` × the L1 of the gradients of pictures that differ by d [N, 3, H, W]."""
    steps = (d[..., 1:] - d[..., :-1]).abs().mean() + (d[:, :, 1:] - d[:, :, :-1]).abs().mean()
    return d.abs().mean() + d.pow(2).mean() + edges * steps


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--work", required=True)
    arguments.add_argument("--minutes", type=float, default=12)
    arguments.add_argument("--count", type=int, default=16000)
    arguments.add_argument("--threads", type=int, default=2)
    a = arguments.parse_args()
    torch.set_num_threads(a.threads)
    torch.manual_seed(0)
    torch.set_flush_denormal(True)
    work = Path(a.work)
    cache = work / "vae-pictures.npy"
    if not cache.exists():
        np.save(cache, pictures_for(work, a.count, 11))
    everything = np.load(cache)
    pictures, validation = everything[:-256], everything[-256:]
    vae = make_vae()
    print(f"{count(vae):,} parameters, {len(pictures)} pictures, start {psnr(vae, validation)[0]:.2f} dB", flush=True)
    optimiser = torch.optim.AdamW(vae.parameters(), lr=2e-3, betas=(0.9, 0.99), weight_decay=1e-4, fused=True)
    rng, started, step, report, paused = np.random.default_rng(0), time.time(), 0, 30, 0.0
    while (spent := time.time() - started - paused) < a.minutes * 60:
        rate = 2e-3 * min(1, (step + 1) / 100) * (0.485 * (1 + math.cos(math.pi * spent / a.minutes / 60)) + 0.03)
        for group in optimiser.param_groups:
            group["lr"] = rate
        x = to_tensor(pictures[np.sort(rng.choice(len(pictures), 8, replace=False))])
        x = x.flip(3) if rng.random() < 0.5 else x
        if spent < 0.6 * a.minutes * 60:
            # Quarter crops first: four times the steps for the same work.
            top, left = rng.integers(0, 9, 2) * 4
            x = x[..., top : top + 32, left : left + 32].contiguous()
        with torch.autocast("cpu", torch.bfloat16, enabled=FAST_BF16):
            posterior = vae.encode(x).latent_dist
            d = vae.decode(posterior.sample()).sample.float() - x
        kl = 0.5 * (posterior.mean.pow(2) + posterior.var - 1 - posterior.logvar).float().mean()
        loss = difference(d, 0.25) + 3e-5 * kl
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(vae.parameters(), 1.0)
        optimiser.step()
        step += 1
        if spent > report:
            t = time.time()
            print(f"{spent / 60:.1f} min, step {step}, {step * 8 / spent:.0f} pictures/s, loss {loss.item():.4f}, {psnr(vae, validation)[0]:.2f} dB", flush=True)
            torch.save(vae.state_dict(), work / "vae-running.pt")
            report += 60
            paused += time.time() - t
    bake_statistics(vae, encode(vae, pictures[:2000]))
    latents = encode(vae, pictures[:2000])
    value, made = psnr(vae, validation)
    print(f"final {value:.2f} dB after {step} steps; latent mean {latents.mean().item():.3f}, deviation {latents.std().item():.3f}")
    torch.save(vae.state_dict(), work / "vae.pt")
    sheet([p for row in range(0, 40, 20) for p in (*validation[row : row + 20], *made[row : row + 20])], 20, work / "vae.png")


if __name__ == "__main__":
    main()
