"""Writes the diffusers folder from the trained weights: fp16 safetensors, tokenizer, scheduler, vocabulary.

    python export.py --work DIR --out FOLDER
"""

import argparse
import json
import math
from pathlib import Path

import torch
from diffusers import StableDiffusionPipeline

from crop_data import CROP_SIDE
from data import TEMPLATES
from export_vision import KERNELS_AND_MATRICES, export, write_json
from looks import MOST_ROWS, LookEncoder, MovedRows
from models import make_scheduler, make_text_encoder, make_unet, make_vae, scale_stream
from renders import CATEGORY, COLOURS, SUBJECTS
from scenes import PHRASES
from tokenizer import known_words, write_tokenizer


def load_pipeline(work):
    """The pipeline of the running averages in a work folder, fp32."""
    work = Path(work)
    tokenizer = write_tokenizer(work / "tokenizer")
    vae, unet = make_vae(), make_unet()
    text = make_text_encoder(len(tokenizer), tokenizer.bos_token_id, tokenizer.eos_token_id)
    state = torch.load(work / "ema.pt")
    vae.load_state_dict(torch.load(work / ("vae-decoder.pt" if (work / "vae-decoder.pt").exists() else "vae.pt")))
    unet.load_state_dict(state["unet"])
    text.load_state_dict(state["text"])
    return StableDiffusionPipeline(
        vae=vae, text_encoder=text, tokenizer=tokenizer, unet=unet, scheduler=make_scheduler(),
        safety_checker=None, feature_extractor=None, requires_safety_checker=False,
    )  # fmt: skip


# What an element of a token embedding of Stable Diffusion 1.x measures: median norm 0.39 of rows of 768.
ELEMENT = 0.39 / 768**0.5


def scale_to_stable_diffusion(text, tokenizer):
    """Brings token embeddings nearest to the size of Stable Diffusion's by a power of two: textual inversion moves each element by about
    its learning rate, so the same rate then means the same pace."""
    ids = sorted({i for template in TEMPLATES for i in tokenizer(template.replace("{}", "")).input_ids})
    rows = text.text_model.embeddings.token_embedding.weight[ids]
    factor = 2.0 ** round(math.log2(ELEMENT * rows.shape[1] ** 0.5 / rows.norm(dim=1).median().item()))
    scale_stream(text, factor)
    print(f"token embeddings × {factor}")


def export_looks(weights, out):
    """The look encoder. It knows rows by their direction and moves them by shares of their length, so embeddings may have any scale."""
    looker = LookEncoder()
    looker.load_state_dict(torch.load(weights))
    pixels, rows = torch.rand(1, 3, CROP_SIDE, CROP_SIDE) * 2 - 1, torch.randn(1, MOST_ROWS, 128) * ELEMENT
    export(MovedRows(looker), out / "model.onnx", {"pixel_values": pixels, "embeddings": rows}, ["moved_embeddings"], eight_bits=KERNELS_AND_MATRICES)
    write_json(out / "config.json", {"model_type": "emoji-64-look-encoder", "image_size": CROP_SIDE, "rows": MOST_ROWS})


def write_vocabulary(out):
    """vocabulary.json: what the product suggests when a word is unknown."""
    subjects = [{"word": word, "category": CATEGORY[word], "codepoint": codes[0]} for words in SUBJECTS.values() for word, codes in words.items()]
    scenes = [{"name": name, "phrase": phrases[0], "phrases": phrases} for name, phrases in PHRASES.items()]
    colours = [{"word": word, "rgb": rgb} for word, rgb in COLOURS.items()]
    vocabulary = {"subjects": subjects, "scenes": scenes, "colours": colours, "words": known_words(), "stars": "*"}
    (out / "vocabulary.json").write_text(json.dumps(vocabulary, indent=2) + "\n")


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--work", required=True)
    arguments.add_argument("--out", required=True)
    a = arguments.parse_args()
    out = Path(a.out)
    pipeline = load_pipeline(a.work)
    scale_to_stable_diffusion(pipeline.text_encoder, pipeline.tokenizer)
    pipeline.to(torch.float16).save_pretrained(out, safe_serialization=True)
    write_vocabulary(out)
    if (Path(a.work) / "looks.pt").exists():
        export_looks(Path(a.work) / "looks.pt", out / "look_encoder")
    loaded = StableDiffusionPipeline.from_pretrained(out, torch_dtype=torch.float32)
    loaded.set_progress_bar_config(disable=True)
    picture = loaded("a photo of a red apple in space", num_inference_steps=2, guidance_scale=3.0, generator=torch.Generator().manual_seed(0)).images[0]
    print(f"loads as {type(loaded).__name__}, draws {picture.size}, {sum(f.stat().st_size for f in out.rglob('*.safetensors')):,} bytes of weights")


if __name__ == "__main__":
    main()
