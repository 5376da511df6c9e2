"""Trains the autoencoder's decoder on, for latents that stay as they are: sharper pictures from the same UNet.

    python decoder.py --work DIR --banks DIR/bank1,DIR/looks1 --minutes 25

Starts from `vae-decoder.pt`, or `vae.pt` without one, and writes its running average as `vae-decoder.pt`, which export.py prefers. The banks' latents are those that
train.py --encode-only wrote, with some noise on them, for what a UNet draws is never quite a latent.
"""

import argparse
import copy
import time
from pathlib import Path

import numpy as np
import torch

from models import FAST_BF16, make_vae
from vae import difference, psnr, to_tensor

VALIDATION, BATCH, RATE, EDGES = 256, 8, 1e-3, 0.5
# Of the latents, whose own deviation is 1.
MOST_NOISE = 0.12


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--work", required=True)
    arguments.add_argument("--banks", required=True, help="comma-separated; validation is taken from the first")
    arguments.add_argument("--minutes", type=float, default=25)
    arguments.add_argument("--seed", type=int, default=3)
    a = arguments.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(a.seed)
    torch.set_flush_denormal(True)
    work, banks = Path(a.work), [Path(bank) for bank in a.banks.split(",")]
    latents = [torch.load(bank / "latents.pt") for bank in banks]
    pictures = [np.load(bank / "pictures.npy", mmap_mode="r") for bank in banks]
    vae = make_vae().to(memory_format=torch.channels_last)
    begun = work / "vae-decoder.pt"
    vae.load_state_dict(torch.load(begun if begun.exists() else work / "vae.pt"))
    vae.requires_grad_(False)
    for part in (vae.decoder, vae.post_quant_conv):
        part.requires_grad_(True)
    mean = copy.deepcopy(vae)
    trained, means = zip(*[(p, m) for p, m in zip(vae.parameters(), mean.parameters(), strict=True) if p.requires_grad], strict=True)
    mean.requires_grad_(False)
    optimiser = torch.optim.AdamW(trained, lr=RATE, betas=(0.9, 0.99), weight_decay=1e-4, fused=True)
    validation = np.array(pictures[0][:VALIDATION])
    print(f"start {psnr(vae, validation)[0]:.2f} dB", flush=True)
    rng, step, spent, report, last = np.random.default_rng(a.seed), 0, 0.0, 60, time.time()
    while spent < a.minutes * 60:
        for group in optimiser.param_groups:
            group["lr"] = RATE * min(1, (step + 1) / 100) * min(1, (1 - spent / a.minutes / 60) / 0.5 + 0.01)
        bank = rng.integers(len(banks))
        rows = np.sort(rng.choice(np.arange(VALIDATION, len(latents[bank])), BATCH, replace=False))
        x = to_tensor(pictures[bank][rows]).contiguous(memory_format=torch.channels_last)
        z = latents[bank][torch.from_numpy(rows)].float()
        z = z + torch.randn_like(z) * torch.rand(BATCH, 1, 1, 1) * MOST_NOISE
        with torch.autocast("cpu", torch.bfloat16, enabled=FAST_BF16):
            d = vae.decode(z).sample.float() - x
        loss = difference(d, EDGES)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimiser.step()
        torch._foreach_lerp_(means, [p.detach() for p in trained], 1 - min(0.998, (1 + step) / (10 + step)))
        step, now = step + 1, time.time()
        spent, last = spent + min(now - last, 5.0), now
        if spent > report:
            print(f"{spent / 60:.1f} min, step {step}, loss {loss.item():.4f}, {psnr(mean, validation)[0]:.2f} dB", flush=True)
            torch.save(mean.state_dict(), work / "vae-decoder.pt")
            report, last = report + 120, time.time()
    torch.save(mean.state_dict(), work / "vae-decoder.pt")
    print(f"end: step {step}, {psnr(mean, validation)[0]:.2f} dB")


if __name__ == "__main__":
    main()
