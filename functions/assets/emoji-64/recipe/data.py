"""Composites: one subject on one background, with captions and masks that are right by construction.

    python data.py --work DIR --count 60000 --phase 1 --seed 1 --out DIR/bank1

writes `pictures.npy` uint8 [N, 64, 64, 3], `facts.json` (one row a picture) and a sheet of samples. Phase 1 is centred
and plain; phase 2 adds recolouring, patterns, accessories, light, size and place. With `--nameless 0.5` half the pictures
show emoji outside the vocabulary under made-up words (see renders.py).
"""

import argparse
import json
import random
from pathlib import Path

import numpy as np
from PIL import Image

from renders import ACCESSORIES, COLOURS, HERE, PATTERNS, WORDS, Renders, accessorise, hue_of, lit, main_colour, pattern, recolour
from scenes import PHRASES, SCENES, plain, scene

TEMPLATES = json.loads((HERE / "templates.json").read_text())["templates"]
SIMPLE = ["a {}", "a {}", "the {}", "a picture of a {}", "an image of a {}", "a drawing of a {}", "an emoji of a {}", "{}", "my {}", "one {}"]
PLACE_OF = {word: i for i, word in enumerate(WORDS)}
STYLE = {"fluent-flat": "flat", "fluent-3d": "3d", "fluent-gradient": "shaded", "noto": "cartoon"}
SET_SHARES = {1: {"fluent-flat": 0.4, "fluent-3d": 0.4, "fluent-gradient": 0.15, "noto": 0.05}, 2: {"fluent-flat": 0.34, "fluent-3d": 0.34, "fluent-gradient": 0.16, "noto": 0.16}}


def never_together(word, scene_name):
    """True for the seventh of subject × scene pairs that training never shows, kept to measure composition."""
    return word in PLACE_OF and (PLACE_OF[word] + 3 * SCENES.index(scene_name)) % 7 == 0


def with_article(template, phrase):
    filled = template.format(phrase)
    return filled.replace(f"a {phrase}", f"an {phrase}") if phrase[0] in "aeiou" else filled


def caption_of(fact, rng):
    """A caption for a row of facts.json: template, marks, optional colour, subject (or `*`), scene, now and then the style."""
    words = [fact["word"]]
    if fact["colour"] and (fact["recoloured"] or rng.random() < 0.3):
        words.insert(0, fact["colour"])
    words = fact.get("marks", []) + words
    phrase = "*" if rng.random() < 0.04 else " ".join(words)
    template = rng.choice(TEMPLATES) if rng.random() < 0.5 else rng.choice(SIMPLE)
    caption = with_article(template, phrase)
    if rng.random() < 0.95:
        caption += where(fact, rng)
    # The tokenizer reads "*," as one word.
    if rng.random() < 0.15 and fact["set"] and not caption.endswith("*"):
        caption += f", {STYLE[fact['set']]}"
    return caption


def where(fact, rng):
    """What a caption says of the background of a row of facts.json, with a space before it."""
    if fact["scene"]:
        return " " + rng.choice(PHRASES[fact["scene"]])
    return " on " + with_article("a {} background", fact["background"]) if fact["background"] else ""


def choose_render(renders, word, phase, rng):
    shares = {s: p for s, p in SET_SHARES[phase].items() if renders.of_word[word][s]}
    of_set = renders.of_word[word][rng.choices(list(shares), list(shares.values()))[0]]
    # The first codepoint is the word's own; the others are its coloured siblings.
    return of_set[0] if len(of_set) == 1 or rng.random() < 0.6 else rng.choice(of_set[1:])


def vary(picture, phase, renders, rng):
    """(picture, whether it was recoloured, words of its marks). Phase 1: a fifth recoloured. Phase 2: patterns, accessories, light too."""
    marks, recoloured = [], rng.random() < (0.2 if phase == 1 else 0.3)
    if recoloured:
        picture = recolour(picture, hue_of(rng.choice(["red", "orange", "yellow", "green", "blue", "purple", "pink"]), rng))
    if phase == 2:
        if rng.random() < 0.12:
            kind = rng.choice(list(PATTERNS))
            picture = pattern(picture, kind, rng.choice(list(COLOURS.values())))
            marks.append(PATTERNS[kind])
        if rng.random() < 0.06:
            worn = rng.choice(list(ACCESSORIES))
            picture = accessorise(picture, renders.crop(renders.index[worn, "fluent-flat"]))
            marks.append(ACCESSORIES[worn])
        if rng.random() < 0.3:
            picture = lit(picture, rng)
    return picture, recoloured, marks


def place(background, picture, size, centre):
    """(RGB composite, L mask): the longer side becomes `size` pixels, centred at `centre`."""
    scale = size / max(picture.size)
    small = picture.resize((max(2, round(picture.width * scale)), max(2, round(picture.height * scale))), Image.BOX if scale < 0.6 else Image.BILINEAR)
    corner = (round(centre[0] - small.width / 2), round(centre[1] - small.height / 2))
    out, mask = background.copy(), Image.new("L", background.size, 0)
    out.paste(small, corner, small)
    mask.paste(small.getchannel("A"), corner)
    return out, mask


def choose_background(word, bank, rng):
    """(picture, scene name or None, background colour or None), never a pair kept for measuring."""
    if rng.random() < 0.28:
        colour = rng.choice([*COLOURS, "white"])
        return rng.choice(bank[colour]), None, colour
    name = rng.choice([s for s in SCENES if not never_together(word, s)])
    return rng.choice(bank[name]), name, None


def background_bank(rng, each=150, side=64):
    bank = {name: [scene(name, rng, side) for _ in range(each)] for name in SCENES}
    return bank | {name: [plain(rgb, rng, side) for _ in range(each // 3)] for name, rgb in COLOURS.items()}


def composites(renders, count, phase, seed, nameless=0.0):
    """Yields (RGB picture, mask, fact) `count` times; the words take turns, and a share of `nameless` shows made-up ones."""
    rng = random.Random(seed)
    bank = background_bank(rng)
    colours, made_up_words = {}, list(renders.nameless)
    for i in range(count):
        word = WORDS[i % len(WORDS)]
        if nameless and rng.random() < nameless:
            word = rng.choice(made_up_words)
        at = choose_render(renders, word, phase, rng)
        picture, recoloured, marks = vary(renders.crop(at), phase, renders, rng)
        if recoloured:
            colour = main_colour(picture)[0]
        else:
            colour = colours.setdefault(at, main_colour(renders.crop(at))[0])
        background, scene_name, background_colour = choose_background(word, bank, rng)
        if background_colour and background_colour == colour:
            background, background_colour = rng.choice(bank["white" if colour != "white" else "blue"]), "white" if colour != "white" else "blue"
        spread, (low, high) = (2, (43, 47)) if phase == 1 else (4, (40, 50))
        if phase == 2 and rng.random() < 0.15:
            picture = picture.transpose(Image.FLIP_LEFT_RIGHT)
        centre = (32 + rng.uniform(-spread, spread), 33 + rng.uniform(-spread, spread))
        out, mask = place(background, picture, rng.uniform(low, high), centre)
        fact = {"word": word, "marks": marks, "render": at, "set": renders.entries[at]["set"], "colour": colour, "recoloured": recoloured and colour is not None}
        yield out, mask, fact | {"scene": scene_name, "background": background_colour}


def sheet(pictures, columns, path, scale=1):
    """Writes uint8 pictures [N, 64, 64, 3] as one PNG."""
    rows = -(-len(pictures) // columns)
    side = pictures[0].shape[0]
    page = np.full((rows * side, columns * side, 3), 255, np.uint8)
    for i, picture in enumerate(pictures):
        y, x = i // columns * side, i % columns * side
        page[y : y + side, x : x + side] = picture
    Image.fromarray(page).resize((page.shape[1] * scale, page.shape[0] * scale), Image.NEAREST).save(path)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--work", required=True)
    arguments.add_argument("--count", type=int, default=60000)
    arguments.add_argument("--phase", type=int, default=1)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--nameless", type=float, default=0, help="share of pictures that show things outside the vocabulary")
    arguments.add_argument("--out", required=True)
    a = arguments.parse_args()
    out = Path(a.out)
    out.mkdir(parents=True, exist_ok=True)
    pictures, facts = np.zeros((a.count, 64, 64, 3), np.uint8), []
    for i, (picture, _, fact) in enumerate(composites(Renders(a.work), a.count, a.phase, a.seed, a.nameless)):
        pictures[i] = np.asarray(picture)
        facts.append(fact)
    np.save(out / "pictures.npy", pictures)
    (out / "facts.json").write_text(json.dumps(facts))
    sheet(list(pictures[:160]), 20, out / "samples.png")
    rng = random.Random(0)
    print("\n".join(caption_of(fact, rng) for fact in facts[:24]))


if __name__ == "__main__":
    main()
