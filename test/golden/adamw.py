"""Writes adamw.safetensors: 100 steps of torch.optim.AdamW on made-up gradients, the parameter and both moments after every
step, with and without weight decay.

Run: python test/golden/adamw.py        Made with the versions that the metadata names.
"""

from pathlib import Path

import torch
from safetensors.torch import save_file

torch.set_num_threads(1)
torch.manual_seed(20261123)
steps, size = 100, 37
start = torch.randn(size) * 0.1
# From common to denormal-making sizes, one always zero, signs that flip.
gradients = torch.randn(steps, size) * torch.logspace(-12, 2, size)
gradients[:, 3] = 0
tensors = {"start": start, "gradients": gradients}
for name, decay in (("decayed", 1e-2), ("plain", 0.0)):
    parameter = torch.nn.Parameter(start.clone())
    optimizer = torch.optim.AdamW([parameter], lr=2e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=decay)
    history = {"parameter": [], "first": [], "second": []}
    for gradient in gradients:
        parameter.grad = gradient.clone()
        optimizer.step()
        state = optimizer.state[parameter]
        for key, value in (("parameter", parameter), ("first", state["exp_avg"]), ("second", state["exp_avg_sq"])):
            history[key].append(value.detach().clone())
    tensors |= {f"{name}.{key}": torch.stack(values) for key, values in history.items()}
save_file(tensors, Path(__file__).with_suffix(".safetensors"), metadata={"torch": torch.__version__})
