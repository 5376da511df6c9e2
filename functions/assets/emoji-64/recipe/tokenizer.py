"""Writes a CLIP byte-level BPE tokenizer in which every word that training knows is one token.

    python tokenizer.py --out FOLDER
"""

import argparse
import json
import re
from pathlib import Path

from transformers import CLIPTokenizer
from transformers.models.clip.tokenization_clip import bytes_to_unicode

from data import SIMPLE, STYLE, TEMPLATES
from models import MAX_TOKENS
from renders import COLOURS, WORDS
from scenes import PHRASES

BOS, EOS = "<|startoftext|>", "<|endoftext|>"
# Words that captions build outside the templates.
EXTRA = ["an", "background"]


def known_words():
    """Every word training captions can contain, sorted."""
    texts = [*TEMPLATES, *SIMPLE, *STYLE.values(), *COLOURS, *WORDS, *EXTRA, *(p for phrases in PHRASES.values() for p in phrases)]
    return sorted({word for text in texts for word in re.findall(r"[a-z]+|[0-9]", text.lower())})


def learn_merges(words):
    """Byte-pair merges in rank order, learned until each word is one symbol."""
    spelled = {word: [*word[:-1], word[-1] + "</w>"] for word in words}
    merges = []
    while any(len(symbols) > 1 for symbols in spelled.values()):
        counts = {}
        for symbols in spelled.values():
            for pair in zip(symbols, symbols[1:], strict=False):
                counts[pair] = counts.get(pair, 0) + 1
        best = max(sorted(counts), key=counts.__getitem__)
        merges.append(best)
        for word, symbols in spelled.items():
            spelled[word] = _merged(symbols, best)
    return merges


def _merged(symbols, pair):
    out, i = [], 0
    while i < len(symbols):
        joined = tuple(symbols[i : i + 2]) == pair
        out.append(symbols[i] + symbols[i + 1] if joined else symbols[i])
        i += 2 if joined else 1
    return out


def write_tokenizer(folder):
    """Writes vocab.json, merges.txt and both configuration files; returns the tokenizer read back."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    characters = list(bytes_to_unicode().values())
    merges = learn_merges(known_words())
    tokens = list(dict.fromkeys([*characters, *(c + "</w>" for c in characters), *("".join(pair) for pair in merges), BOS, EOS]))
    (folder / "vocab.json").write_text(json.dumps({token: i for i, token in enumerate(tokens)}, ensure_ascii=False))
    (folder / "merges.txt").write_text("#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in merges))
    special = {"bos_token": BOS, "eos_token": EOS, "pad_token": EOS, "unk_token": EOS}
    (folder / "special_tokens_map.json").write_text(json.dumps(special, indent=2))
    config = special | {"tokenizer_class": "CLIPTokenizer", "model_max_length": MAX_TOKENS, "do_lower_case": True, "add_prefix_space": False, "errors": "replace"}
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=2))
    tokenizer = CLIPTokenizer.from_pretrained(folder)
    broken = [word for word in [*known_words(), "*"] if len(tokenizer(word).input_ids) != 3]
    assert not broken, f"not one token each: {broken}"
    return tokenizer


if __name__ == "__main__":
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--out", required=True)
    made = write_tokenizer(arguments.parse_args().out)
    print(f"{len(made)} tokens, {len(known_words())} known words; {made('a photo of a red apple, 3d *').input_ids}")
