"""Draws sheets with the exported folder: subjects × scenes, as users would prompt for them.

    python draw.py --folder FOLDER --out sheet.png [--guidance 3.5] [--steps 25] [--pairs unseen|any] [--prompts "a; b"]
"""

import argparse

import numpy as np
import torch
from diffusers import StableDiffusionPipeline

from data import never_together, sheet, with_article
from renders import WORDS
from scenes import PHRASES, SCENES


def draw(pipeline, prompts, guidance=3.5, steps=25, seed=0, batch=16):
    """uint8 [N, 64, 64, 3]; picture i starts from the noise of seed + i."""
    made = []
    for i in range(0, len(prompts), batch):
        part = prompts[i : i + batch]
        generators = [torch.Generator().manual_seed(seed + i + j) for j in range(len(part))]
        made.append(pipeline(part, num_inference_steps=steps, guidance_scale=guidance, generator=generators, output_type="np").images)
    return (np.concatenate(made) * 255).round().astype(np.uint8)


def open_pipeline(folder):
    pipeline = StableDiffusionPipeline.from_pretrained(folder, torch_dtype=torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def prompts_of(count, unseen=None):
    """Prompts in turn over the subjects, each in another scene; `unseen` picks pairs that training did or did not show."""
    prompts = []
    for i in range(count):
        word = WORDS[i * 13 % len(WORDS)]
        scenes = [s for s in SCENES if unseen is None or never_together(word, s) == unseen]
        prompts.append(with_article("a photo of a {}", word) + " " + PHRASES[scenes[(i * 5) % len(scenes)]][0])
    return prompts


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--folder", required=True)
    arguments.add_argument("--out", required=True)
    arguments.add_argument("--guidance", type=float, default=3.5)
    arguments.add_argument("--steps", type=int, default=25)
    arguments.add_argument("--count", type=int, default=70)
    arguments.add_argument("--columns", type=int, default=14)
    arguments.add_argument("--scale", type=int, default=1)
    arguments.add_argument("--pairs", choices=["any", "unseen", "seen"], default="any")
    arguments.add_argument("--prompts")
    a = arguments.parse_args()
    torch.set_num_threads(1)
    prompts = [p.strip() for p in a.prompts.split(";")] if a.prompts else prompts_of(a.count, {"any": None, "unseen": True, "seen": False}[a.pairs])
    sheet(list(draw(open_pipeline(a.folder), prompts, a.guidance, a.steps)), a.columns, a.out, a.scale)
    print("; ".join(prompts))


if __name__ == "__main__":
    main()
