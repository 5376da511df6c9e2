"""Makes test/golden/cross-attention.safetensors: the cross-attention probabilities that diffusers computes in every layer of
test/golden/tiny-sd for the latents, timesteps and context of its golden.

    python test/golden/cross-attention.py
"""
from pathlib import Path

import diffusers
import torch
from diffusers import UNet2DConditionModel
from safetensors.torch import load_file, save_file

torch.set_grad_enabled(False)
root = Path(__file__).parent
golden = load_file(root / "tiny-sd" / "golden.safetensors")
unet = UNet2DConditionModel.from_pretrained(root / "tiny-sd" / "model" / "unet").float().eval()
seen = {}


class Recorder(diffusers.models.attention_processor.AttnProcessor):
    """The plain processor, which calls get_attention_scores, and keeps what that gives."""

    def __init__(self, name):
        super().__init__()
        self.name = name

    def __call__(self, attention, hidden, encoder_hidden_states=None, **rest):
        scores = attention.get_attention_scores

        def keep(query, key, mask=None):
            probabilities = scores(query, key, mask)
            if encoder_hidden_states is not None:
                seen[self.name] = probabilities.unflatten(0, (-1, attention.heads)).clone()
            return probabilities

        attention.get_attention_scores = keep
        result = super().__call__(attention, hidden, encoder_hidden_states=encoder_hidden_states, **rest)
        attention.get_attention_scores = scores
        return result


unet.set_attn_processor({name: Recorder(name.removesuffix(".processor")) for name in unet.attn_processors})
prediction = unet(golden["latents"], golden["timesteps"].long(), golden["context"]).sample
assert torch.allclose(prediction, golden["prediction"], atol=1e-5)
versions = {"torch": torch.__version__, "diffusers": diffusers.__version__}
save_file({k: v.contiguous() for k, v in seen.items()}, root / "cross-attention.safetensors", metadata=versions)
print({k: tuple(v.shape) for k, v in seen.items()})
