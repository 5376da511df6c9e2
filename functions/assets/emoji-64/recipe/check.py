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
from PIL import Image
from scipy import ndimage

from crop_data import crop_example, crop_on_white
from data import caption_of, composites
from draw import open_pipeline
from models import make_scheduler
from renders import NEVER, WORDS, Renders, main_colour
from train import token_ids, v_error
from train_captions import caption_words
from vae import encode, psnr
from vision_data import CHECK_SIDE, OUTLINE, SEGMENT_SIDE, click_on, segment_bank, segment_example, segment_picture


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


class Segmenter:
    """The ONNX pair on pictures of any size, as the product uses it: shrunk to the network's size, objects and groups enlarged along its outlines."""

    def __init__(self, folder):
        self.encoder, self.decoder = (session(folder / f"vision/segmenter/{name}.onnx") for name in ("vision_encoder", "prompt_encoder_mask_decoder"))

    def masks(self, picture, click):
        """uint8 [H, W, 3], (x, y) → bool [3, H, W]: part, object, group."""
        height, width = picture.shape[:2]
        small = np.asarray(Image.fromarray(picture).resize((SEGMENT_SIDE, SEGMENT_SIDE), Image.BICUBIC))
        embeddings, grid = self.encoder.run(None, {"pixel_values": pixels(small)})
        point = np.array([click], np.float32) / (width - 1, height - 1) * (SEGMENT_SIDE - 1)
        given = {"input_points": point[None, None].astype(np.float32), "input_labels": np.ones((1, 1, 1), np.int64)}
        _, made = self.decoder.run(None, given | {"image_embeddings": embeddings, "image_positional_embeddings": grid})
        part = np.asarray(Image.fromarray(made[0, 0, 0]).resize((width, height), Image.BILINEAR)) > 0
        return np.stack([part, *(along_outlines(level, small / 255, picture / 255) for level in made[0, 0, 1:])])


def along_outlines(logits, small, picture):
    """Logits [h, w] on their picture's small copy [h, w, 3] → mask [H, W], by the fast guided filter of functions/vision/guided-filter.ts."""
    r, (height, width) = OUTLINE["radius"], picture.shape[:2]
    chances = 1 / (1 + np.exp(-np.clip(logits, -4, 4))) - 0.5
    inside = ndimage.uniform_filter(np.ones_like(chances), 2 * r + 1, mode="constant")

    def mean(planes):
        return ndimage.uniform_filter(planes, (2 * r + 1, 2 * r + 1, *[1] * (planes.ndim - 2)), mode="constant") / inside.reshape(*inside.shape, *[1] * (planes.ndim - 2))

    colour, chance = mean(small), mean(chances)
    spread = mean(small[..., None] * small[..., None, :]) - colour[..., None] * colour[..., None, :] + OUTLINE["epsilon"] * np.eye(3)
    slope = np.linalg.solve(spread, (mean(small * chances[..., None]) - colour * chance[..., None])[..., None])[..., 0]
    fitted = mean(np.concatenate([slope, (chance - (slope * colour).sum(-1))[..., None]], -1)).astype(np.float32)
    large = np.stack([np.asarray(Image.fromarray(np.ascontiguousarray(plane)).resize((width, height), Image.BILINEAR)) for plane in fitted.transpose(2, 0, 1)], -1)
    return (large[..., :3] * picture).sum(-1) + large[..., 3] > 0


def overlap(a, b):
    return (a & b).sum() / max(1, (a | b).sum())


def check_segmenter(renders, folder, count, indices, kind="one", seed=555):
    """Mean IoU on composites of 128 px, by the share of the picture the thing has, and of a disc around the click as baseline."""
    segmenter, rng, rows = Segmenter(folder), random.Random(seed), []
    bank = segment_bank(rng, side=CHECK_SIDE)
    y, x = np.mgrid[0:CHECK_SIDE, 0:CHECK_SIDE]
    for _ in range(count):
        picture, click, truth, touching = segment_example(renders, rng, bank, indices, kind)
        ious = [overlap(made, mask) for made, mask in zip(segmenter.masks(picture, click), truth, strict=True)]
        disc = (x - click[0]) ** 2 + (y - click[1]) ** 2 < (0.22 * CHECK_SIDE) ** 2
        rows.append((*ious, touching, truth[1].mean(), overlap(disc, truth[1])))
    table = np.array(rows, float)
    size, thing = table[:, 4], table[:, 1]
    touching = {"objectTouching": thing[table[:, 3] == 1].mean()} if table[:, 3].any() else {}
    return touching | {
        "part": table[:, 0].mean(), "object": thing.mean(), "group": table[:, 2].mean(),
        "objectSmall": thing[size < 0.1].mean(), "objectMedium": thing[(size >= 0.1) & (size < 0.3)].mean(),
        "objectLarge": thing[size >= 0.3].mean(), "discAroundClick": table[:, 5].mean(),
        "objectMedian": np.median(thing), "shareBelowHalf": (thing < 0.5).mean(),
    }  # fmt: skip


class Describer:
    """Classifier and captioner of a folder."""

    def __init__(self, folder, tokenizer):
        self.classify, self.tokenizer = session(folder / "vision/classifier/model.onnx"), tokenizer
        self.see, self.tell = session(folder / "vision/captioner/encoder_model.onnx"), session(folder / "vision/captioner/decoder_model.onnx")

    def right(self, crop, word, colour):
        """(class, subject of the caption, its colour or NaN where none is named, whole caption) each as right or wrong."""
        label = WORDS[int(self.classify.run(None, {"pixel_values": pixels(crop)})[0].argmax())]
        text = caption_with(self.see, self.tell, self.tokenizer, crop)
        return label == word, word in text.split(), colour in text.split() if colour else np.nan, text == caption_words(word, colour)


def check_crops(renders, folder, tokenizer, count):
    """Crops cut by imperfect masks, and crops that the segmenter itself cuts after a click on a composite."""
    describer, segmenter, rng = Describer(folder, tokenizer), Segmenter(folder), random.Random(556)
    bank, hits, clicked = segment_bank(rng, side=CHECK_SIDE), [], []
    for i in range(count):
        word = WORDS[i % len(WORDS)]
        crop, _, colour = crop_example(renders, rng, word)
        hits.append(describer.right(crop, word, colour))
        picture, layers, owner, visible = segment_picture(renders, rng, bank, rng.choice([of_set for of_set in renders.of_word[word].values() if of_set]))
        chosen = max(visible, key=lambda n: (owner == n).sum())
        mask = segmenter.masks(picture, click_on(layers, owner, chosen, rng)[0])[1]
        if mask.any():
            clicked.append(describer.right(np.asarray(crop_on_white(picture, mask)), word, main_colour(layers[chosen])[0]))
        else:
            clicked.append((False,) * 4)
    names = ("classifierAccuracy", "captionSubject", "captionColour", "captionExact")
    return [dict(zip(names, np.nanmean(np.array(rows, float), 0).tolist(), strict=True)) for rows in (hits, clicked)]


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
    arguments.add_argument("--vision", action="store_true", help="the click segmenter, the classifier and the captioner alone")
    arguments.add_argument("--json", action="store_true")
    a = arguments.parse_args()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    folder, renders = Path(a.folder), Renders(a.work)
    tokenizer = open_pipeline(folder).tokenizer
    held = [i for i, e in enumerate(renders.entries) if e["codepoint"] in NEVER]
    share = 4 if a.quick else 1
    hits, clicked = check_crops(renders, folder, tokenizer, 928 // share)
    figures = {} if a.vision else {"diffusion": check_diffusion(renders, folder, 512 // share)}
    figures |= {
        "click": check_segmenter(renders, folder, 500 // share, renders.trainable),
        "clickHeldOut": check_segmenter(renders, folder, 250 // share, held),
        "clickTwoOverlapping": check_segmenter(renders, folder, 500 // share, renders.trainable, "two"),
        "clickHeldOutTwoOverlapping": check_segmenter(renders, folder, 250 // share, held, "two"),
        "clickClutter": check_segmenter(renders, folder, 500 // share, renders.trainable, "clutter"),
        "crops": hits,
        "clickedCrops": clicked,
    }
    if a.json:
        print(json.dumps(figures, indent=2))
        return
    for name, group in figures.items():
        print(name, *(f"  {key} {float(value):.4f}" for key, value in group.items()), sep="\n")


if __name__ == "__main__":
    main()
