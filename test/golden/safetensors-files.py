"""Writes safetensors-files/*.safetensors with the format's own library, one of them holding the f32 values of another, and
hashes of what all 16-bit patterns mean.

Run: python test/golden/safetensors-files.py        Made with safetensors 0.8.0, torch 2.9.1.
"""

import hashlib
import json
from pathlib import Path

import safetensors
import torch
from safetensors.torch import load_file, save_file

folder = Path(__file__).with_suffix("")
folder.mkdir(exist_ok=True)
versions = {"safetensors": safetensors.__version__, "torch": torch.__version__.split("+")[0]}

save_file({"attn.0": torch.arange(6, dtype=torch.float32).reshape(1, 2, 3)}, folder / "attn.safetensors")

# Each of the 65,536 bit patterns has one meaning; all NaNs are made the same one before hashing.
bits = torch.arange(65536, dtype=torch.int32).to(torch.int16)
hashes = {}
for name, dtype in [("F16", torch.float16), ("BF16", torch.bfloat16)]:
    values = torch.nan_to_num(bits.view(dtype).float(), nan=12345.0, posinf=torch.inf, neginf=-torch.inf)
    hashes[name] = hashlib.sha256(values.numpy().astype("<f4").tobytes()).hexdigest()
(folder / "all-16-bit.json").write_text(json.dumps({"versions": versions, "sha256": hashes}) + "\n")

generator = torch.Generator().manual_seed(0)
wide = torch.randn(40, 25, generator=generator) * torch.logspace(-12, 6, 40).unsqueeze(1)
special = torch.tensor([0.0, -0.0, 65504, 65519.996, 65520, 1e-8, 2.98e-8, 2.9802322387695312e-8, 5.96e-8, 3.4e38, 1e-40, 6.1e-5])
mixed = {
    "f32": wide,
    "special": special,
    "f16": wide.half(),
    "special.f16": special.half(),
    "bf16": wide.bfloat16(),
    "special.bf16": special.bfloat16(),
    "f64": wide[:4].double() / 3,
    "i64": torch.tensor([[-(2**40), 3], [0, 77]]),
    "i32": torch.tensor([-(2**31), 2**31 - 1], dtype=torch.int32),
    "u8": torch.tensor([0, 255], dtype=torch.uint8),
    "bool": torch.tensor([True, False]),
    "scalar": torch.tensor(2.5),
    "empty": torch.zeros(0, 3),
}
save_file(mixed, folder / "mixed.safetensors", {**versions, "größe": 'a "quoted" text'})
save_file({name: value.float() for name, value in mixed.items()}, folder / "mixed-as-f32.safetensors", versions)
