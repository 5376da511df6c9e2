"""Crops for the classifier and the captioner, made once and kept on disk.

    python crop_pool.py --work DIR --count 30000

Four fifths show subjects of the vocabulary. The rest show other things, so that both learn to be unsure: their words are
the known ones of the same emojibase subgroup ("animal-mammal"), or of the same group where it has none.
"""

import argparse
import json
import random
import time
from pathlib import Path

import numpy as np

from crop_data import CROP_SIDE, crop_example, crop_of
from renders import COLOURS, SUBJECTS, WORDS, Renders
from vision_data import segment_bank

OTHER_SHARE = 0.2
# emojibase's groups of things: animals and nature, food and drink, travel and places, activities, objects.
THINGS = range(3, 8)


def other_things(renders, work):
    """(indices of trainable renders outside the vocabulary, {index: kin words})."""
    data = json.loads((Path(work) / "emoji/node_modules/emojibase-data/en/data.json").read_text())
    place = {e["hexcode"].lower().replace("-fe0f", ""): (e.get("group"), e.get("subgroup")) for e in data}
    word_of = {code: word for codes_of in SUBJECTS.values() for word, codes in codes_of.items() for code in codes}
    of_group, of_subgroup = {}, {}
    for code, word in word_of.items():
        group, subgroup = place.get(code.replace("-fe0f", ""), (None, None))
        of_group.setdefault(group, set()).add(word)
        of_subgroup.setdefault(subgroup, set()).add(word)
    kin = {}
    for i in renders.trainable:
        code = renders.entries[i]["codepoint"]
        group, subgroup = place.get(code.replace("-fe0f", ""), (None, None))
        if code not in word_of and group in THINGS:
            kin[i] = sorted(of_subgroup.get(subgroup) or of_group[group])
    return sorted(kin), kin


def open_pool(folder):
    """(uint8 crops [N, 64, 64, 3], list of {words, colour})."""
    facts = json.loads((folder / "facts.json").read_text())
    return np.memmap(folder / "crops.u8", np.uint8, "r").reshape(-1, CROP_SIDE, CROP_SIDE, 3)[: len(facts)], facts


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--work", required=True)
    arguments.add_argument("--count", type=int, default=30_000)
    arguments.add_argument("--seed", type=int, default=6)
    a = arguments.parse_args()
    folder = Path(a.work) / "crop-pool"
    folder.mkdir(parents=True, exist_ok=True)
    renders, rng, started = Renders(a.work), random.Random(a.seed), time.time()
    bank, (others, kin) = segment_bank(rng, 200), other_things(renders, a.work)
    crops, facts = np.memmap(folder / "crops.u8", np.uint8, "w+", shape=(a.count, CROP_SIDE, CROP_SIDE, 3)), []
    for i in range(a.count):
        if rng.random() < OTHER_SHARE:
            other = rng.choice(others)
            words, (crops[i], colour) = kin[other], crop_of(renders, rng, [other], bank)
        else:
            crops[i], word, colour = crop_example(renders, rng, WORDS[i % len(WORDS)], bank)
            words = [word]
        assert colour is None or colour in COLOURS
        facts.append({"words": words, "colour": colour})
        if (i + 1) % 2000 == 0 or i + 1 == a.count:
            (folder / "facts.json").write_text(json.dumps(facts))
            print(f"{i + 1} crops, {(i + 1) / (time.time() - started):.0f} a second", flush=True)


if __name__ == "__main__":
    main()
