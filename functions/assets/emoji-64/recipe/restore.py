"""Writes vae.pt and ema.pt of a work folder back from the committed weights, for training to go on without them.

    python restore.py --work DIR --folder ..
"""

import argparse
from pathlib import Path

import torch
from diffusers import StableDiffusionPipeline

if __name__ == "__main__":
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--work", required=True)
    arguments.add_argument("--folder", required=True)
    a = arguments.parse_args()
    loaded, work = StableDiffusionPipeline.from_pretrained(a.folder, torch_dtype=torch.float32), Path(a.work)
    torch.save(loaded.vae.state_dict(), work / "vae.pt")
    torch.save({"unet": loaded.unet.state_dict(), "text": loaded.text_encoder.state_dict(), "step": 0, "seen": 0}, work / "ema.pt")
