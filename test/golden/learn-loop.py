"""Repeats the run of learn-loop.ts with PyTorch, diffusers and transformers: textual inversion of one picture in the paper's
mode on test/golden/tiny-sd, fed the same noise, timesteps, templates and flips. Writes the final rows and the losses,
prints what PyTorch differs from itself with one and two threads.

Run: python test/golden/learn-loop.py        (with the project's node on the PATH)
"""

import json
import subprocess
import tempfile
from pathlib import Path

import diffusers
import torch
import transformers
from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from transformers import CLIPTextModel, CLIPTokenizer

here = Path(__file__).parent
folder = here / "tiny-sd" / "model"


def load_draws():
    with tempfile.TemporaryDirectory() as temporary:
        path = Path(temporary) / "draws.safetensors"
        subprocess.run(["node", str(here / "learn-loop.ts"), str(path)], check=True)
        with safe_open(path, "pt") as file:
            metadata = file.metadata()
        return load_file(path), metadata


def run(threads, draws, metadata):
    torch.set_num_threads(threads)
    options, templates = json.loads(metadata["options"]), json.loads(metadata["templates"])
    tokenizer = CLIPTokenizer.from_pretrained(folder / "tokenizer")
    text = CLIPTextModel.from_pretrained(folder / "text_encoder").float().eval()
    unet = UNet2DConditionModel.from_pretrained(folder / "unet").float().eval()
    vae = AutoencoderKL.from_pretrained(folder / "vae").float().eval()
    scheduler = DDIMScheduler.from_pretrained(folder / "scheduler")
    for part in (text, unet, vae):
        part.requires_grad_(False)

    initial = tokenizer(metadata["caption"], add_special_tokens=False).input_ids
    words = text.get_input_embeddings().weight.detach().clone()
    placeholders = [f"<{i}>" for i in range(len(initial))]
    tokenizer.add_tokens(placeholders)
    # Built anew: resizing keeps the table's number format, and the checkpoint's is bf16.
    table = torch.nn.Embedding.from_pretrained(torch.cat([words, words[initial]]), freeze=False)
    text.set_input_embeddings(table)
    rate, decay = options["learningRate"], options["weightDecay"]
    optimizer = torch.optim.AdamW([table.weight], lr=rate, betas=(0.9, 0.999), eps=1e-8, weight_decay=decay)

    with torch.no_grad():
        posterior = vae.encode(draws["pixels"]).latent_dist
    losses = []
    for step in range(options["steps"]):
        view, timestep = draws["view"][step].long(), draws["timestep"][step].long()
        latents = posterior.mean[view] + posterior.std[view] * draws["posterior"][step, :, 0]
        latents = latents * vae.config.scaling_factor
        noise = draws["noise"][step, :, 0]
        prompts = [templates[int(i)].replace("{}", " ".join(placeholders)) for i in draws["template"][step]]
        ids = tokenizer(prompts, padding="max_length", truncation=True, max_length=24, return_tensors="pt").input_ids
        prediction = unet(scheduler.add_noise(latents, noise, timestep), timestep, text(ids).last_hidden_state).sample
        each = ((prediction - noise) ** 2).mean(dim=(1, 2, 3))
        optimizer.zero_grad()
        each.mean().backward()
        optimizer.step()
        with torch.no_grad():
            # The words follow the optimiser's decay and nothing else.
            table.weight[: len(words)] = words * (1 - rate * decay) ** (step + 1)
        losses.append(each.mean().item())
    return table.weight[len(words) :].detach(), torch.tensor(losses)


def relative(a, b):
    return ((a.double() - b.double()).norm() / b.double().norm()).item()


def save(rows, losses, **figures):
    versions = {"torch": torch.__version__, "diffusers": diffusers.__version__, "transformers": transformers.__version__}
    tensors = {"rows": rows.contiguous(), "losses": losses.float()}
    save_file(tensors, here / "learn-loop.safetensors", metadata=versions | figures)


draws, metadata = load_draws()
one, losses = run(1, draws, metadata)
save(one, losses)
print("loss:", losses[:5].mean().item(), "→", losses[-5:].mean().item(), flush=True)
two, _ = run(2, draws, metadata)
print("rows, 1 thread against 2:", relative(two, one))
save(one, losses, oneThreadAgainstTwo=f"{relative(two, one):.1e}")
