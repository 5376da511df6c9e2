"""Fits how sure the classifier may be told to be, and writes it into vision/classifier/config.json: run after export_vision.py.

    python calibrate.py --work DIR --vision FOLDER/vision [--count 1500]

`temperature` (Guo et al. 2017): logits divided by it give the best likelihood of the right words on fresh crops of known subjects.
`sure_above`: the least score at which `--precision` of what is told is right, when one crop in four is of a held-out class, for which
every word is wrong, and one in four of something that is no emoji at all (textures in the mask of a subject): a stand-in for
photographs that needs none.
"""

import argparse
import json
import random
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image

from crop_data import CROP_SIDE, crop_example, crop_on_white
from renders import HELD_OUT, Renders
from vision_data import degrade, instance, texture


def strange_crop(renders, rng, indices):
    """A held-out thing, or a photo-like texture in the outline of any."""
    rgba = np.asarray(instance(renders, rng, indices, 0.5))
    pixels, mask = rgba[..., :3], rgba[..., 3] > 127
    if mask.sum() < 60:
        return strange_crop(renders, rng, indices)
    return crop_on_white(np.asarray(degrade(Image.fromarray(pixels), rng)), mask), mask


def textured(crop, rng):
    pattern = np.asarray(texture(rng, CROP_SIDE))
    pixels = np.asarray(crop).copy()
    inside = (pixels < 250).any(-1)
    pixels[inside] = pattern[inside]
    return pixels


def probabilities(logits, temperature):
    scaled = logits / temperature
    raised = np.exp(scaled - scaled.max(1, keepdims=True))
    return raised / raised.sum(1, keepdims=True)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--work", required=True)
    arguments.add_argument("--vision", required=True)
    arguments.add_argument("--count", type=int, default=1500)
    arguments.add_argument("--precision", type=float, default=0.9)
    a = arguments.parse_args()
    path = Path(a.vision) / "classifier/config.json"
    config = json.loads(path.read_text())
    words = [config["id2label"][str(i)] for i in range(len(config["id2label"]))]
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path.parent / "model.onnx"), options, providers=["CPUExecutionProvider"])
    renders, rng = Renders(Path(a.work)), random.Random(4321)

    held = {h["codepoint"] for h in HELD_OUT["classes"]}
    strange = [i for (codepoint, _), i in renders.index.items() if codepoint in held]
    known = [crop_example(renders, rng) for _ in range(a.count // 2)]
    known = [(crop, word) for crop, word, _ in known if word in words]
    odd = [strange_crop(renders, rng, strange)[0] for _ in range(a.count // 4)]
    odd += [textured(crop, rng) for crop, _ in known[: a.count // 4]]
    crops = [np.asarray(crop) for crop, _ in known] + [np.asarray(crop) for crop in odd]
    logits = []
    for crop in crops:
        pixels = crop.astype(np.float32).transpose(2, 0, 1)[None] / 127.5 - 1
        logits.append(session.run(["logits"], {"pixel_values": pixels})[0][0])
    logits, truth = np.array(logits), np.array([words.index(word) for _, word in known])
    n = len(known)

    grid = np.exp(np.linspace(np.log(0.5), np.log(4), 60))
    losses = [-np.log(probabilities(logits[:n], t)[np.arange(n), truth] + 1e-9).mean() for t in grid]
    temperature = float(grid[int(np.argmin(losses))])
    scores = probabilities(logits, temperature)
    best, right = scores.max(1), np.zeros(len(crops), bool)
    right[:n] = scores[:n].argmax(1) == truth
    order = np.argsort(-best)
    precision = np.cumsum(right[order]) / np.arange(1, len(order) + 1)
    enough = np.where(precision >= a.precision)[0]
    sure_above = float(best[order][enough.max()]) if len(enough) else 1.0
    told = best >= sure_above
    print(f"accuracy on known {right[:n].mean():.3f}, likelihood {losses[0]:.3f} → {min(losses):.3f} at temperature {temperature:.2f}")
    print(f"sure above {sure_above:.2f}: told for {told[:n].mean():.3f} of the known, right in {right[told].mean():.3f};")
    print(f"told for {told[n:].mean():.3f} of the strange; six words hold the right one for {np.mean([t in s[-6:] for t, s in zip(truth, scores[:n].argsort(1))]):.3f}")
    config |= {"temperature": round(temperature, 2), "sure_above": round(sure_above, 2)}
    path.write_text(json.dumps(config, indent=2) + "\n")


if __name__ == "__main__":
    main()
