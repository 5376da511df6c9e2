"""Writes samplers.safetensors: final latents of every sampler on the noise schedule of Stable Diffusion 1, both
predictions, 7 and 20 steps, and other timestep spacings, from diffusers' schedulers; the timesteps they visit; and the
cumulative alphas of every beta schedule.

Run: python test/golden/samplers.py        Made with the versions that the file's metadata names.
"""

from pathlib import Path

import diffusers
import numpy
import torch
from diffusers import DDIMScheduler, DPMSolverMultistepScheduler, EulerDiscreteScheduler, PNDMScheduler
from safetensors.torch import save_file

SD = {
    "num_train_timesteps": 1000,
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "steps_offset": 1,
}
OLD = {"set_alpha_to_one": False}
SAMPLERS = {
    "ddim": (DDIMScheduler, OLD | {"clip_sample": False}),
    "euler": (EulerDiscreteScheduler, {}),
    "euler-karras": (EulerDiscreteScheduler, {"use_karras_sigmas": True}),
    "dpmpp-2m": (DPMSolverMultistepScheduler, {}),
    "dpmpp-2m-karras": (DPMSolverMultistepScheduler, {"use_karras_sigmas": True}),
    "pndm": (PNDMScheduler, OLD | {"skip_prk_steps": True}),
    "pndm-prk": (PNDMScheduler, OLD),
}


def network(latents, timestep):
    """A stand-in with a bend in it, so that a step rule that mixes its outputs up shows."""
    t = float(timestep)
    return 0.2 * torch.sin(1.7 * latents + t / 300) + latents * (t / (t + 100))


def run(scheduler, steps, noise):
    scheduler.set_timesteps(steps)
    latents = noise * scheduler.init_noise_sigma
    for t in scheduler.timesteps:
        output = network(scheduler.scale_model_input(latents, t), t)
        latents = scheduler.step(output, t, latents).prev_sample
    return latents, scheduler.timesteps.to(torch.float32)


def main():
    noise = torch.randn((2, 4, 4, 4), generator=torch.Generator().manual_seed(1))
    tensors = {"noise": noise}
    for name, (make, extra) in SAMPLERS.items():
        runs = [(p, n, None) for p in ("epsilon", "v_prediction") for n in (7, 20)]
        # diffusers' DDIM and PNDM step past the next timestep of these spacings, ours to it: only the others compare.
        if make not in (DDIMScheduler, PNDMScheduler):
            runs += [("epsilon", 7, "leading"), ("epsilon", 7, "trailing")]
        for prediction, steps, spacing in runs:
            config = SD | extra | {"prediction_type": prediction}
            if spacing:
                config["timestep_spacing"] = spacing
            key = f"{name} {prediction} {steps} {spacing or 'default'}"
            tensors[f"{key} latents"], tensors[f"{key} timesteps"] = run(make(**config), steps, noise)
    for schedule in ("linear", "scaled_linear", "squaredcos_cap_v2"):
        scheduler = DDIMScheduler(**(SD | {"beta_schedule": schedule}))
        tensors[f"alphas {schedule}"] = scheduler.alphas_cumprod
    versions = {"diffusers": diffusers.__version__, "torch": torch.__version__, "numpy": numpy.__version__}
    path = Path(__file__).with_suffix(".safetensors")
    save_file({key: value.contiguous() for key, value in tensors.items()}, path, metadata=versions)


main()
