"""The PyTorch side of the benchmarks: opens a diffusers folder and does one kind of work on request.

Started by python-peer.ts with its settings as JSON; then each line on stdin asks for one run, each line on stdout answers.
Settings: task (step | learn | imagine), model (folder), data (safetensors with the inputs), threads, compile, and for each
task what it needs (see the functions).
"""

import json
import sys
import time

import diffusers
import torch
import transformers
from diffusers import AutoencoderKL, UNet2DConditionModel
from safetensors.torch import load_file, save_file
from transformers import CLIPTextModel

settings = json.loads(sys.argv[1])
torch.set_num_threads(settings["threads"])
transformers.logging.set_verbosity_error()


def opened(model_class, part):
    """A frozen f32 model: its weights get no gradients, as in ours."""
    model = model_class.from_pretrained(f"{settings['model']}/{part}", torch_dtype=torch.float32)
    return model.requires_grad_(False).eval()


unet = opened(UNet2DConditionModel, "unet")
text = opened(CLIPTextModel, "text_encoder").text_model
data = load_file(settings["data"])
positions = text.embeddings.position_embedding.weight
causal = torch.full((len(positions),) * 2, float("-inf")).triu(1)[None, None]


def encode(embeddings):
    """CLIPTextModel from token embeddings on."""
    hidden = embeddings + positions
    hidden = text.encoder(inputs_embeds=hidden, attention_mask=None, causal_attention_mask=causal).last_hidden_state
    return text.final_layer_norm(hidden)


def losses_of(embeddings, latents, timesteps, target, weights):
    """mean(w (prediction - target)^2) of each picture."""
    prediction = unet(latents, timesteps, encode(embeddings)).sample
    return (weights * (prediction - target) ** 2).mean((1, 2, 3))


if settings.get("compile"):
    losses_of = torch.compile(losses_of)


def step():
    """Loss, and its gradient in the token embeddings. Data: embeddings, latents, timesteps, target, weights."""
    embeddings = data["embeddings"].clone().requires_grad_()
    losses = losses_of(embeddings, data["latents"], data["timesteps"], data["target"], data["weights"])
    losses.mean().backward()
    return {"losses": losses.detach(), "gradient": embeddings.grad}


def learn():
    """Textual inversion: AdamW on `rows` [n, D]. Data has a leading axis of steps: embeddings [S, B, T, D] with the rows'
    places (starts [S, B]) still to fill, latents, timesteps, target, weights. Only the rows are parameters, which is cheaper
    than the usual loop that looks them up in the whole embedding table and restores the other words after each step."""
    rows = torch.nn.Parameter(data["rows"].clone())
    optimiser = torch.optim.AdamW([rows], lr=settings["learningRate"], weight_decay=settings["weightDecay"])
    curve = []
    for s in range(len(data["latents"])):
        embeddings = data["embeddings"][s].clone()
        for i, start in enumerate(data["starts"][s].int().tolist()):
            embeddings[i, start : start + len(rows)] = rows
        losses = losses_of(embeddings, data["latents"][s], data["timesteps"][s], data["target"][s], data["weights"][s])
        optimiser.zero_grad()
        losses.mean().backward()
        optimiser.step()
        curve.append(losses.mean().detach())
    return {"rows": rows.detach(), "curve": torch.stack(curve)}


def imagine():
    """One picture by diffusers' DDIM with guidance. Data: embeddings [2, T, D] (empty, prompt), noise [1, C, h, w]."""
    scheduler = diffusers.DDIMScheduler.from_pretrained(f"{settings['model']}/scheduler", clip_sample=False)
    scheduler.set_timesteps(settings["steps"])
    with torch.no_grad():
        context = encode(data["embeddings"])
        latents = data["noise"] * scheduler.init_noise_sigma
        for t in scheduler.timesteps:
            empty, prompt = unet(torch.cat([latents, latents]), t, context).sample.chunk(2)
            output = empty + settings["guidance"] * (prompt - empty)
            latents = scheduler.step(output, t, latents).prev_sample
        return {"pixels": vae.decode(latents / vae.config.scaling_factor).sample}


def matrix_product_rate(side=1536, times=12):
    """GFLOP/s of the fastest of several large products."""
    a, b = torch.randn(side, side), torch.randn(side, side)
    best = float("inf")
    for _ in range(times):
        start = time.perf_counter()
        a @ b
        best = min(best, time.perf_counter() - start)
    return 2e-9 * side**3 / best


tasks = {"step": step, "learn": learn, "imagine": imagine}
work = tasks[settings["task"]]
if settings["task"] == "imagine":
    vae = opened(AutoencoderKL, "vae")


def answer(**values):
    print(json.dumps(values), flush=True)


answer(versions=f"torch {torch.__version__}, diffusers {diffusers.__version__}, transformers {transformers.__version__}")
for line in sys.stdin:
    command = json.loads(line)
    if command["do"] == "matrix product":
        answer(gflops=matrix_product_rate())
        continue
    begin, begin_processor = time.perf_counter(), time.process_time()
    tensors = work()
    seconds, processor = time.perf_counter() - begin, time.process_time() - begin_processor
    if command.get("result"):
        save_file({name: value.contiguous() for name, value in tensors.items()}, command["result"])
    answer(seconds=seconds, processorSeconds=processor)
