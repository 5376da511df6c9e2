"""Measures the exported folder from seeds.

    python check.py --work DIR --folder FOLDER [--quick] [--json]

Prints the validation v-MSE with right and shuffled captions, the autoencoder's PSNR, click → mask IoU on unseen
composites of things that training never saw and of things it did, the classifier's accuracy, and how often the caption
names the subject and the colour. Figures of the vision models are of the ONNX files, run by onnxruntime.
"""

import argparse
import json
import random
from pathlib import Path

import numpy as np
import onnxruntime
import torch

from data import caption_of, composites
from draw import open_pipeline
from models import make_scheduler
from renders import NEVER, WORDS, Renders
from train import token_ids, v_error
from train_vision import caption_words
from vae import encode, psnr
from vision_data import SEGMENT_SIDE, crop_example, segment_bank, segment_example


def session(path):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def pixels(picture):
    """uint8 [H, W, 3] → f32 [1, 3, H, W] in −1…1."""
    return (picture.astype(np.float32) / 127.5 - 1).transpose(2, 0, 1)[None]


def check_diffusion(renders, folder, count):
    pipeline, rng = open_pipeline(folder), random.Random(77)
    made = list(composites(renders, count, 1, 991))
    pictures = np.stack([np.asarray(picture) for picture, _, _ in made])
    ids = token_ids(pipeline.tokenizer, [caption_of(fact, rng) for _, _, fact in made])
    latents, alphas = encode(pipeline.vae, pictures), make_scheduler().alphas_cumprod
    errors = {name: v_error(pipeline.unet, pipeline.text_encoder, latents, chosen, alphas) for name, chosen in (("right", ids), ("shuffled", ids.roll(7, 0)))}
    varied = np.stack([np.asarray(picture) for picture, _, _ in composites(renders, count // 2, 2, 992)])
    return {"vMseRightCaptions": errors["right"], "vMseShuffledCaptions": errors["shuffled"], "psnrDecibels": psnr(pipeline.vae, varied)[0], "latentDeviation": latents.std().item()}


def check_segmenter(renders, folder, count, indices):
    """Mean IoU at the object level, by size and for touching objects, and of a disc around the click as baseline."""
    encoder, decoder = session(folder / "vision/segmenter/vision_encoder.onnx"), session(folder / "vision/segmenter/prompt_encoder_mask_decoder.onnx")
    rng = random.Random(555)
    bank, rows = segment_bank(rng), []
    y, x = np.mgrid[0:SEGMENT_SIDE, 0:SEGMENT_SIDE]
    for _ in range(count):
        picture, click, masks, touching = segment_example(renders, rng, bank, indices)
        embeddings, grid = encoder.run(None, {"pixel_values": pixels(picture)})
        point = {"input_points": np.array([[[click]]], np.float32), "input_labels": np.ones((1, 1, 1), np.int64)}
        _, made = decoder.run(None, point | {"image_embeddings": embeddings, "image_positional_embeddings": grid})
        ious = [(m & t).sum() / max(1, (m | t).sum()) for m, t in zip(made[0, 0] > 0, masks, strict=True)]
        disc = (x - click[0]) ** 2 + (y - click[1]) ** 2 < 14**2
        rows.append((*ious, touching, masks[1].sum(), (disc & masks[1]).sum() / (disc | masks[1]).sum()))
    table = np.array(rows, float)
    size = table[:, 4]
    return {
        "part": table[:, 0].mean(), "object": table[:, 1].mean(), "group": table[:, 2].mean(),
        "objectTouching": table[table[:, 3] == 1, 1].mean(), "objectAlone": table[table[:, 3] == 0, 1].mean(),
        "objectSmall": table[size < 400, 1].mean(), "objectMedium": table[(size >= 400) & (size < 1250), 1].mean(),
        "objectLarge": table[size >= 1250, 1].mean(), "discAroundClick": table[:, 5].mean(),
    }  # fmt: skip


def check_crops(renders, folder, tokenizer, count):
    classify = session(folder / "vision/classifier/model.onnx")
    see, tell = session(folder / "vision/captioner/encoder_model.onnx"), session(folder / "vision/captioner/decoder_model.onnx")
    rng, hits = random.Random(556), []
    for i in range(count):
        picture, word, colour = crop_example(renders, rng, WORDS[i % len(WORDS)])
        label = WORDS[int(classify.run(None, {"pixel_values": pixels(picture)})[0].argmax())]
        text = caption_with(see, tell, tokenizer, picture)
        hits.append((label == word, word in text.split(), colour in text.split() if colour else np.nan, text == caption_words(word, colour)))
    names = ("classifierAccuracy", "captionSubject", "captionColour", "captionExact")
    return dict(zip(names, np.nanmean(np.array(hits, float), 0).tolist(), strict=True))


def caption_with(see, tell, tokenizer, picture):
    """Greedy caption of a crop."""
    seen = see.run(None, {"pixel_values": pixels(picture)})[0]
    ids = [tokenizer.bos_token_id]
    while len(ids) < 8:
        ids.append(int(tell.run(None, {"input_ids": np.array([ids]), "encoder_hidden_states": seen})[0][0, -1].argmax()))
        if ids[-1] == tokenizer.eos_token_id:
            break
    return tokenizer.decode(ids, skip_special_tokens=True).strip()


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--work", required=True)
    arguments.add_argument("--folder", required=True)
    arguments.add_argument("--quick", action="store_true")
    arguments.add_argument("--json", action="store_true")
    a = arguments.parse_args()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    folder, renders = Path(a.folder), Renders(a.work)
    tokenizer = open_pipeline(folder).tokenizer
    held = [i for i, e in enumerate(renders.entries) if e["codepoint"] in NEVER]
    share = 4 if a.quick else 1
    figures = {
        "diffusion": check_diffusion(renders, folder, 512 // share),
        "clickKnownThings": check_segmenter(renders, folder, 500 // share, renders.trainable),
        "clickHeldOutThings": check_segmenter(renders, folder, 250 // share, held),
        "crops": check_crops(renders, folder, tokenizer, 840 // share),
    }
    if a.json:
        print(json.dumps(figures, indent=2))
        return
    for name, group in figures.items():
        print(name, *(f"  {key} {float(value):.4f}" for key, value in group.items()), sep="\n")


if __name__ == "__main__":
    main()
