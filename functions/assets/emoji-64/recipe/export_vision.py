"""Writes the vision models as ONNX with weights of fewer bits that become fp32 at load, and checks them against PyTorch.

    python export_vision.py --work DIR --out FOLDER/vision

The segmenter of photographs is DIR/photographs/segmenter.pt; without one none is written.

The captioner speaks in the tokens of FOLDER/tokenizer, so export.py goes first.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper
from transformers import CLIPTokenizer

from crop_data import CROP_SIDE
from renders import COLOURS, WORDS
from segment_models import ManyViews, MeanOfViews, SegmentDecoder, SegmentEncoder
from vision_data import OUTLINE, SEGMENT_SIDE
from vision_models import CaptionDecoder, CaptionEncoder, Classifier, Trunk

OPSET = 17


# Kernels from this many values on may be stored in eight bits.
EIGHT_BITS_FROM = 4096
KERNELS, KERNELS_AND_MATRICES = (4,), (2, 4)


def in_eight_bits(name, values):
    """Initialisers and nodes that make `values` of 127 steps either way, the step in fp16, one for each output channel."""
    step = (np.abs(values).reshape(len(values), -1).max(1) / 127).astype(np.float16).reshape(-1, *[1] * (values.ndim - 1))
    whole = np.rint(values / np.maximum(step.astype(np.float32), 1e-8)).clip(-127, 127).astype(np.int8)
    parts = [numpy_helper.from_array(whole, name + "_i8"), numpy_helper.from_array(step, name + "_step")]
    nodes = [
        helper.make_node("Cast", [part.name], [f"{part.name}_f32"], to=TensorProto.FLOAT) for part in parts
    ] + [helper.make_node("Mul", [f"{part.name}_f32" for part in parts], [name])]  # fmt: skip
    return parts, nodes


def in_half(name, values):
    part = numpy_helper.from_array(values.astype(np.float16), name + "_f16")
    return [part], [helper.make_node("Cast", [part.name], [name], to=TensorProto.FLOAT)]


def shrink(path, eight_bits):
    """Stores every float32 initialiser above 64 values in fewer bits, followed by nodes that runtimes fold at load; `eight_bits` are the
    numbers of dimensions of those that take eight."""
    model = onnx.load(path)
    kept, made = [], []
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if tensor.data_type != TensorProto.FLOAT or values.size <= 64:
            kept.append(tensor)
            continue
        small = values.ndim in eight_bits and values.size >= EIGHT_BITS_FROM
        parts, nodes = (in_eight_bits if small else in_half)(tensor.name, values)
        kept.extend(parts)
        made.extend(nodes)
    nodes = [*made, *model.graph.node]
    del model.graph.initializer[:], model.graph.node[:]
    model.graph.initializer.extend(kept)
    model.graph.node.extend(nodes)
    onnx.checker.check_model(model)
    onnx.save(model, path)


def export(module, path, inputs, outputs, dynamic=None, eight_bits=()):
    path.parent.mkdir(parents=True, exist_ok=True)
    module.eval()
    torch.onnx.export(
        module, tuple(inputs.values()), str(path), input_names=list(inputs), output_names=outputs,
        dynamic_axes=dynamic, opset_version=OPSET, dynamo=False, do_constant_folding=False,  # which would store transposed copies
    )  # fmt: skip
    shrink(path, eight_bits)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    got = session.run(outputs, {name: value.numpy() for name, value in inputs.items()})
    with torch.no_grad():
        expected = module(*inputs.values())
    expected = expected if isinstance(expected, tuple) else (expected,)
    worst = max(float(np.abs(g - e.numpy()).max() / max(1.0, np.abs(e.numpy()).max())) for g, e in zip(got, expected, strict=True))
    print(f"{path.name}: {path.stat().st_size:,} bytes, worst difference from PyTorch {worst:.1e} of the largest value")
    assert worst < (1e-1 if eight_bits else 2e-2), "weights of fewer bits differ too much"


def write_json(path, value):
    """What others fitted afterwards (temperature, sure_above, refine_below) stays in the file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    kept = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps(kept | value, indent=2) + "\n")


def preprocessor(side):
    return {
        "do_resize": True, "size": {"height": side, "width": side}, "resample": 2,
        "do_rescale": True, "rescale_factor": 1 / 255, "do_normalize": True, "image_mean": [0.5] * 3, "image_std": [0.5] * 3,
    }  # fmt: skip


def load(models, states):
    for model, state in zip(models, states, strict=True):
        model.load_state_dict(state)
    return [model.eval() for model in models]


def for_tokenizer(state, tokens, tokenizer):
    """A caption decoder's state for `tokenizer`: rows go by their token; a token it never had takes the row of one it never said."""
    row = {token: i for i, token in enumerate(tokens)}
    spoken = {*tokenizer.all_special_tokens, *(f"{word}</w>" for word in (*WORDS, *COLOURS, "a", "an"))}
    assert spoken <= row.keys(), f"the captioner never learned {spoken - row.keys()}"
    silent = next(i for i, token in enumerate(tokens) if token not in spoken)
    rows = [row.get(token, silent) for token in tokenizer.convert_ids_to_tokens(range(len(tokenizer)))]
    return state | {"embed.weight": state["embed.weight"][rows]}


def export_segmenter(weights, out, own, eight_bits=()):
    """`own` goes into its config.json beside what all have."""
    encoder, decoder = load([SegmentEncoder(), SegmentDecoder()], torch.load(weights))
    encoder, decoder = ManyViews(encoder), MeanOfViews(decoder)
    pixels = torch.rand(1, 3, SEGMENT_SIDE, SEGMENT_SIDE) * 2 - 1
    with torch.no_grad():
        embeddings, grid = encoder(pixels)
    export(encoder, out / "vision_encoder.onnx", {"pixel_values": pixels}, ["image_embeddings", "image_positional_embeddings"], eight_bits=eight_bits)
    click = {"input_points": torch.tensor([[[[35.0, 30.0]]]]), "input_labels": torch.ones(1, 1, 1, dtype=torch.long)}
    click |= {"image_embeddings": embeddings, "image_positional_embeddings": grid}
    export(decoder, out / "prompt_encoder_mask_decoder.onnx", click, ["iou_scores", "pred_masks"], eight_bits=eight_bits)
    write_json(out / "preprocessor_config.json", preprocessor(SEGMENT_SIDE))
    write_json(out / "config.json", {"model_type": "emoji-64-segmenter", "levels": ["part", "object", "group"], "mask_size": SEGMENT_SIDE, "outline": OUTLINE} | own)


def export_describers(work, out):
    """Classifier and captioner."""
    tokenizer = CLIPTokenizer.from_pretrained(out.parent / "tokenizer")
    crop = torch.rand(1, 3, CROP_SIDE, CROP_SIDE) * 2 - 1
    learned = torch.load(work / "classifier.pt")
    assert learned["words"] == WORDS, "the classifier was trained on other subjects"
    (classifier,) = load([Classifier(len(WORDS))], [learned["state"]])
    export(classifier, out / "classifier/model.onnx", {"pixel_values": crop}, ["logits"], eight_bits=KERNELS)
    write_json(out / "classifier/config.json", {"model_type": "emoji-64-classifier", "id2label": dict(enumerate(WORDS)), "label2id": {w: i for i, w in enumerate(WORDS)}, "drawings_only": True})
    write_json(out / "classifier/preprocessor_config.json", preprocessor(CROP_SIDE))

    learned = torch.load(work / "captioner.pt")
    seen_state, told_state = learned["states"]
    states = [seen_state, for_tokenizer(told_state, learned["tokens"], tokenizer)]
    seer, teller = load([CaptionEncoder(Trunk()), CaptionDecoder(len(tokenizer))], states)
    with torch.no_grad():
        seen = seer(crop)
    export(seer, out / "captioner/encoder_model.onnx", {"pixel_values": crop}, ["last_hidden_state"])
    start = {"input_ids": torch.tensor([[tokenizer.bos_token_id, 5, 6]]), "encoder_hidden_states": seen}
    export(teller, out / "captioner/decoder_model.onnx", start, ["logits"], {"input_ids": {1: "sequence"}, "logits": {1: "sequence"}})
    ends = {"bos_token_id": tokenizer.bos_token_id, "eos_token_id": tokenizer.eos_token_id, "pad_token_id": tokenizer.pad_token_id}
    write_json(out / "captioner/generation_config.json", ends | {"decoder_start_token_id": tokenizer.bos_token_id, "max_length": 8})
    write_json(out / "captioner/config.json", ends | {"model_type": "vision-encoder-decoder", "tokenizer": "../../tokenizer", "vocab_size": len(tokenizer)})
    write_json(out / "captioner/preprocessor_config.json", preprocessor(CROP_SIDE))


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--work", required=True)
    arguments.add_argument("--out", required=True)
    arguments.add_argument("--segmenter", action="store_true", help="the segmenters alone")
    a = arguments.parse_args()
    work, out = Path(a.work), Path(a.out)
    torch.manual_seed(0)
    export_segmenter(work / "segmenter.pt", out / "segmenter", {"refine_below": 0.8})
    photographs = work / "photographs/segmenter.pt"
    if photographs.exists():
        export_segmenter(photographs, out / "photograph-segmenter", {}, eight_bits=KERNELS)
    if not a.segmenter:
        export_describers(work, out)


if __name__ == "__main__":
    main()
