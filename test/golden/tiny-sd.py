"""Makes test/golden/tiny-sd/: a random checkpoint in the SD 1.x layout (other widths, heads and blocks than any real one)
and what PyTorch computes with it. Versions are recorded in the golden's metadata.

    python test/golden/tiny-sd.py
"""
import json
from pathlib import Path

import torch
from components import golden_of, save_golden
from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel
from safetensors.torch import load_file, save_file
from transformers import CLIPTextConfig, CLIPTextModel

torch.manual_seed(20261123)
torch.set_grad_enabled(False)
root = Path(__file__).parent / "tiny-sd"
model = root / "model"


def byte_alphabet():
    """The printable stand-ins for the 256 bytes (GPT-2's table, which CLIP keeps)."""
    keep = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [b for b in range(256) if b not in keep]
    return [chr(b) for b in keep] + [chr(256 + i) for i in range(len(rest))]


def write_tokenizer(folder):
    words = "a an of the in on photo picture red blue cat dog mug space beach snow".split()
    alphabet = byte_alphabet()
    tokens = alphabet + [c + "</w>" for c in alphabet]
    merges = []
    for word in words:
        parts = [*word[:-1], word[-1] + "</w>"]
        while len(parts) > 1:
            merge = (parts[0], parts[1])
            if merge not in merges:
                merges.append(merge)
                tokens.append("".join(merge))
            parts = ["".join(merge), *parts[2:]]
    tokens += ["<|startoftext|>", "<|endoftext|>"]
    tokens = list(dict.fromkeys(tokens))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.json").write_text(json.dumps({t: i for i, t in enumerate(tokens)}, ensure_ascii=False))
    (folder / "merges.txt").write_text("#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in merges))
    special = {"bos_token": "<|startoftext|>", "eos_token": "<|endoftext|>", "unk_token": "<|endoftext|>", "pad_token": "<|endoftext|>"}
    (folder / "special_tokens_map.json").write_text(json.dumps(special))
    (folder / "tokenizer_config.json").write_text(
        json.dumps({**special, "tokenizer_class": "CLIPTokenizer", "model_max_length": 24, "do_lower_case": True})
    )
    return len(tokens)


def randomise(module):
    """Weights of a size that keeps activations near 1, so that errors are seen."""
    for name, p in module.named_parameters():
        if p.dim() > 1:
            p.copy_(torch.randn_like(p) * (0.05 if "embedding" in name and "time" not in name else (1.0 / p[0].numel()) ** 0.5))
        else:
            p.copy_(torch.randn_like(p) * 0.1 + (1.0 if "norm" in name and name.endswith("weight") else 0.0))


vocabulary = write_tokenizer(model / "tokenizer")
text = CLIPTextModel(
    CLIPTextConfig(
        vocab_size=vocabulary, hidden_size=24, intermediate_size=40, num_hidden_layers=2, num_attention_heads=3,
        max_position_embeddings=24, hidden_act="gelu", bos_token_id=vocabulary - 2, eos_token_id=vocabulary - 1,
        pad_token_id=vocabulary - 1,
    )
).eval()
unet = UNet2DConditionModel(
    sample_size=8, block_out_channels=(16, 24, 32), norm_num_groups=4, cross_attention_dim=24, attention_head_dim=2,
    layers_per_block=2, down_block_types=("CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"),
    up_block_types=("UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"),
).eval()
vae = AutoencoderKL(
    block_out_channels=(8, 16), norm_num_groups=4, layers_per_block=1, sample_size=16, scaling_factor=0.5,
    down_block_types=("DownEncoderBlock2D",) * 2, up_block_types=("UpDecoderBlock2D",) * 2,
).eval()
for part in (text, unet, vae):
    randomise(part)
scheduler = DDIMScheduler(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", steps_offset=1, set_alpha_to_one=False, clip_sample=False)
for name, part in (("text_encoder", text), ("unet", unet), ("vae", vae)):
    part.half().save_pretrained(model / name)
    part.float()
scheduler.save_pretrained(model / "scheduler")
# One component in another number format, as Hub checkpoints mix them.
path = model / "text_encoder" / "model.safetensors"
save_file({k: v.to(torch.bfloat16) for k, v in load_file(path).items()}, path, metadata={"format": "pt"})
text = CLIPTextModel.from_pretrained(model / "text_encoder").float().eval()
(model / "model_index.json").write_text(
    json.dumps({
        "_class_name": "StableDiffusionPipeline", "safety_checker": [None, None], "feature_extractor": [None, None],
        "scheduler": ["diffusers", "DDIMScheduler"], "text_encoder": ["transformers", "CLIPTextModel"],
        "tokenizer": ["transformers", "CLIPTokenizer"], "unet": ["diffusers", "UNet2DConditionModel"],
        "vae": ["diffusers", "AutoencoderKL"],
    }, indent=2)
)

ids = torch.randint(0, vocabulary - 2, (2, 24))
golden = golden_of(text, unet, vae, ids, latent_shape=(2, 4, 8, 8), picture_shape=(2, 3, 16, 16), timesteps=(7, 731))
save_golden(golden, root / "golden.safetensors")
print({p.name: sum(f.stat().st_size for f in p.rglob("*")) for p in model.iterdir() if p.is_dir()}, float(golden["loss"]))
