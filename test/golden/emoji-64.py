"""Makes test/golden/emoji-64.safetensors: what PyTorch computes with the embedded model's own weights. Run it after every change of
them; the versions are in the golden's metadata.

    python test/golden/emoji-64.py
"""
from pathlib import Path

import torch
from components import golden_of, save_golden
from diffusers import AutoencoderKL, UNet2DConditionModel
from transformers import CLIPTextModel, CLIPTokenizer

torch.manual_seed(20261125)
torch.set_grad_enabled(False)
here = Path(__file__).parent
folder = here.parent.parent / "functions" / "assets" / "emoji-64"
tokenizer = CLIPTokenizer.from_pretrained(folder / "tokenizer")
text = CLIPTextModel.from_pretrained(folder / "text_encoder").float().eval()
unet = UNet2DConditionModel.from_pretrained(folder / "unet").float().eval()
vae = AutoencoderKL.from_pretrained(folder / "vae").float().eval()
prompts = ["a photo of a red apple in space", "a drawing of the blue * on a beach"]
ids = tokenizer(prompts, padding="max_length", max_length=tokenizer.model_max_length, return_tensors="pt").input_ids
side = unet.config.sample_size
golden = golden_of(text, unet, vae, ids, latent_shape=(2, unet.config.in_channels, side, side), picture_shape=(1, 3, 64, 64), timesteps=(120, 870))
save_golden(golden, here / "emoji-64.safetensors")
print(float(golden["loss"]), (here / "emoji-64.safetensors").stat().st_size, "bytes")
