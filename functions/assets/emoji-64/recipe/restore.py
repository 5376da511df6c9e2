"""Writes vae.pt, ema.pt, looks.pt, segmenter.pt and photographs/segmenter.pt of a work folder back from the committed weights, for training to go on without them.

    python restore.py --work DIR --folder ..
"""

import argparse
from pathlib import Path

import onnx
import torch
from diffusers import StableDiffusionPipeline

from looks import LookEncoder
from models import EPSILON, scale_stream


def state_of(path, prefix):
    """The state dictionary of a module that export_vision.py wrote: initialisers keep their names, those of fewer bits with a suffix."""
    stored = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in onnx.load(path).graph.initializer}
    named = {name.removesuffix("_f16"): values for name, values in stored.items() if not name.endswith(("_i8", "_step"))}
    for name in (name.removesuffix("_i8") for name in stored if name.endswith("_i8")):
        named[name] = stored[name + "_i8"] * stored[name + "_step"].astype("float32")
    return {name.removeprefix(prefix): torch.from_numpy(values.copy()).float() for name, values in named.items() if name.startswith(prefix)}


if __name__ == "__main__":
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--work", required=True)
    arguments.add_argument("--folder", required=True)
    a = arguments.parse_args()
    loaded, work = StableDiffusionPipeline.from_pretrained(a.folder, torch_dtype=torch.float32), Path(a.work)
    # As it was trained: export.py scales it.
    scale_stream(loaded.text_encoder, (EPSILON / loaded.text_encoder.config.layer_norm_eps) ** 0.5)
    torch.save(loaded.vae.state_dict(), work / "vae.pt")
    torch.save({"unet": loaded.unet.state_dict(), "text": loaded.text_encoder.state_dict(), "step": 0, "seen": 0}, work / "ema.pt")
    # Not stored: how many batches the normalisations have seen.
    torch.save(LookEncoder().state_dict() | state_of(Path(a.folder) / "look_encoder/model.onnx", "looker."), work / "looks.pt")
    for name, target in (("segmenter", work), ("photograph-segmenter", work / "photographs")):
        onnx_folder = Path(a.folder) / "vision" / name
        parts = [state_of(onnx_folder / "vision_encoder.onnx", "encoder."), state_of(onnx_folder / "prompt_encoder_mask_decoder.onnx", "decoder.")]
        target.mkdir(exist_ok=True)
        torch.save(parts, target / "segmenter.pt")
