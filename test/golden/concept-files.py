"""Concept files as other tools write them, and a check that other tools load ours.

python concept-files.py make <folder> <image_embedding.py>    writes the files that test/concepts/import-concept.test.ts reads
python concept-files.py check <folder> <image_embedding.py>   loads ours/* there, as written by test/golden/concept-exports.ts

<image_embedding.py> is modules/textual_inversion/image_embedding.py of AUTOMATIC1111/stable-diffusion-webui, with its import of
`modules.shared` and the function that needs a font taken out. Made with torch 2.9.1, safetensors 0.8.0, diffusers 0.36.0,
transformers 4.57.3, Pillow 13.0.0, numpy 2.4.6.
"""
import importlib.util
import os
import pickle
import sys
import zipfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image, PngImagePlugin
from safetensors.torch import load_file, save_file

command, folder, module_path = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
spec = importlib.util.spec_from_file_location("image_embedding", module_path)
a1111 = importlib.util.module_from_spec(spec)
spec.loader.exec_module(a1111)

# Exact in f16 and bf16 too: multiples of 1/8 below 8.
rows = (torch.arange(48) % 61 - 30).float().reshape(3, 16) / 8


def a1111_dict(value):
    return {
        "string_to_token": {"*": 265},
        "string_to_param": {"*": value},
        "name": "golden-cat",
        "step": 100,
        "sd_checkpoint": "81761151",
        "sd_checkpoint_name": "v1-5-pruned",
    }


class Malice:
    def __reduce__(self):
        return (os.system, ("echo pwned",))


def make():
    folder.mkdir(parents=True, exist_ok=True)
    torch.save(a1111_dict(rows), folder / "a1111.pt")
    torch.save({"<golden-cat>": rows[0]}, folder / "diffusers-vector.bin")
    torch.save({"<golden-cat>": rows.half()}, folder / "diffusers-half.bin")
    torch.save({"<golden-cat>": rows.bfloat16()}, folder / "diffusers-bfloat16.bin")
    torch.save(rows, folder / "bare-tensor.pt")
    torch.save({"<golden-cat>": rows.t().contiguous().t()}, folder / "transposed.pt")
    torch.save({"<golden-cat>": torch.cat([rows, rows])[3:]}, folder / "view.pt")
    torch.save({"clip_l": rows, "clip_g": torch.zeros(3, 20)}, folder / "sdxl.pt")
    torch.save({"<a>": rows, "<b>": rows}, folder / "two-tensors.pt")
    torch.save(a1111_dict(torch.nn.Parameter(rows)), folder / "parameter.pt")
    torch.save(a1111_dict(Malice()), folder / "malice.pt")
    torch.save({"<golden-cat>": rows.double()}, folder / "double.pt")
    torch.save(a1111_dict(rows), folder / "legacy.pt", _use_new_zipfile_serialization=False)
    with open(folder / "plain-pickle.pt", "wb") as file:
        pickle.dump({"x": 1}, file)
    with zipfile.ZipFile(folder / "a1111.pt") as good, zipfile.ZipFile(folder / "bomb.pt", "w") as bomb:
        for entry in good.infolist():
            data = good.read(entry)
            if "/data/" in entry.filename:
                data = b"\0" * 20_000_000
            bomb.writestr(entry.filename, data, zipfile.ZIP_DEFLATED, 9)
    metadata = {"modelspec.title": "Golden Cat", "modelspec.author": "Ann", "modelspec.license": "CC0"}
    save_file({"emb_params": rows}, folder / "kohya.safetensors", metadata)
    save_file({"emp_params": rows.half()}, folder / "onetrainer.safetensors")
    save_file({"<golden-cat>": rows}, folder / "diffusers.safetensors", {"format": "pt"})
    save_file({"clip_l": rows, "clip_g": torch.zeros(3, 20)}, folder / "sdxl.safetensors")
    save_file({"a": rows, "b": rows.clone()}, folder / "two-tensors.safetensors")
    picture = Image.fromarray((np.add.outer(np.arange(64), np.arange(64))[..., None] % 200 + [40, 20, 0]).astype(np.uint8))
    info = PngImagePlugin.PngInfo()
    info.add_text("sd-ti-embedding", a1111.embedding_to_b64(a1111_dict(rows)))
    picture.save(folder / "card-text.png", pnginfo=info)
    compressed = PngImagePlugin.PngInfo()
    compressed.add_text("sd-ti-embedding", a1111.embedding_to_b64(a1111_dict(rows)), zip=True)
    picture.save(folder / "card-ztext.png", pnginfo=compressed)
    international = PngImagePlugin.PngInfo()
    international.add_itxt("sd-ti-embedding", a1111.embedding_to_b64(a1111_dict(rows)).decode())
    picture.save(folder / "card-itext.png", pnginfo=international)
    a1111.insert_image_data_embed(picture, a1111_dict(rows)).save(folder / "card-pixels.png")
    picture.save(folder / "plain.png")


def check():
    ours = folder / "ours"
    loaded = torch.load(ours / "golden-cat.pt", weights_only=True)
    assert torch.equal(loaded["string_to_param"]["*"], rows), loaded
    assert (loaded["name"], loaded["step"], loaded["string_to_token"]) == ("golden-cat", 100, {"*": 265})
    assert torch.equal(load_file(ours / "golden-cat.safetensors")["emb_params"], rows)
    assert torch.equal(load_file(ours / "learned_embeds.safetensors")["<golden-cat>"], rows)
    assert torch.equal(load_file(ours / "concept.safetensors")["clip_l"], rows)
    card = Image.open(ours / "golden-cat.png")
    for data in (a1111.embedding_from_b64(card.text["sd-ti-embedding"]), a1111.extract_image_data_embed(card)):
        assert torch.equal(data["string_to_param"]["*"].float(), rows) and data["name"] == "golden-cat"
    check_diffusers(ours)
    print("torch, safetensors, diffusers and AUTOMATIC1111's card code load ours")


def check_diffusers(ours):
    """Loads both safetensors into a pipeline-like object with a 16-wide CLIP text encoder."""
    from diffusers.loaders import TextualInversionLoaderMixin
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

    tokenizer_folder = Path(__file__).parent / "tiny-sd" / "model" / "tokenizer"

    class Pipe(TextualInversionLoaderMixin):
        hf_device_map = None
        components = {}

        def __init__(self):
            self.tokenizer = CLIPTokenizer.from_pretrained(tokenizer_folder)
            config = CLIPTextConfig(vocab_size=len(self.tokenizer), hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2)
            self.text_encoder = CLIPTextModel(config)

    for name, token in (("golden-cat.safetensors", "<golden-cat>"), ("learned_embeds.safetensors", None), ("golden-cat.pt", None)):
        pipe = Pipe()
        pipe.load_textual_inversion(str(ours / name), token=token)
        trigger = token or ("golden-cat" if name.endswith(".pt") else "<golden-cat>")
        tokens = [trigger, f"{trigger}_1", f"{trigger}_2"]
        table = pipe.text_encoder.get_input_embeddings().weight
        found = table[pipe.tokenizer.convert_tokens_to_ids(tokens)]
        assert torch.equal(found, rows), name


{"make": make, "check": check}[command]()
