"""Writes tokenizer/: a small CLIP tokenizer trained on the texts below (vocab.json, merges.txt), the merges of CLIP's
own (clip-merges.txt.gz), and golden.json: token ids and decoded texts from transformers' CLIPTokenizer (without ftfy)
for both, in the two ways that published checkpoints configure it, over a corpus of scripts, emoji, contractions,
control characters and random text.

Run: python test/golden/tokenizer.py <bpe_simple_vocab_16e6.txt.gz of the package open-clip-torch, MIT>
Made with the versions that golden.json names.
"""

import gzip
import json
import random
import sys
import tempfile
import unicodedata
from pathlib import Path

import tokenizers
import transformers
from tokenizers import Regex, models, pre_tokenizers, trainers
from transformers import CLIPTokenizer

HERE = Path(__file__).with_suffix("")

TEXTS = [
    "", " ", "*", "* * *", "a photo of a cat", "A Photo of a CAT!", "a photo of my cat's hat, in space.",
    "it's don't we're I've I'm we'll he'd", "IT'S DON'T", "rock 'n' roll", "'ſ", "o'clock's", "dogs' tails",
    "42 is 4 2, 3.14 and 1,000,000", "Ⅷ ² ½ ٣ ४", "hello-world_foo@bar.com #tag $5 50% a&b (x) [y] {z}",
    "!", "!!!", "wow!!! really?!", "a ! b", "...", "—–-", "<|endoftext|>", "a <|endoftext|> b", "<|startoftext|>x",
    "<|EndOfText|>", "<|end oftext|>", "<cat> in space", "<0> <1>", "café naïve Ünïcödé", "cafe\u0301 nai\u0308ve",
    "ΟΔΥΣΣΕΥΣ ΣΑΣ σας Σ", "İstanbul ISTANBUL ışık", "Straße STRASSE ẞ", "привет мир Ёлка", "שלום עולם", "مرحبا بالعالم",
    "नमस्ते दुनिया", "สวัสดีชาวโลก", "你好世界", "我爱cat和dog", "日本語のテキスト カタカナ", "한국어 텍스트", "\u1112\u1161\u11ab",
    "𠀀𠀁 \U0002f800", "豈 \uf900x", "ﬁ ﬀ ﬆ", "Å K Ω", "H\u0331 h\u0331", "🐱", "🐱🐶 cat", "👩‍🚀 in space", "👍🏽", "🇩🇪", "1️⃣",
    "a\tb\nc\r\nd", "a\u0000b", "a\u0007b\u001fc", "a\u200bb\u200dc\ufeffd", "a\u00a0b\u2003c\u3000d", "a\u2028b\u2029c",
    "a\u0085b", "\ufffd x", "\ue000 private", "x" * 120, "ab " * 100, "supercalifragilisticexpialidocious",
    "naïve 'quoted' “curly” ‘s it’s", "a   lot    of     spaces", "tab\tthen  space", "ｆｕｌｌｗｉｄｔｈ １２３", "🏳️‍🌈 flag",
    "A red tea kettle with gold leaf", "a skull and bones mug", "bon appetit", "x²+y²=z²", "C++ & C#", "éé\u0301e\u0301",
]  # fmt: skip
BLOCKS = [(32, 126), (32, 126), (160, 591), (880, 1279), (1424, 1791), (2304, 2431), (12352, 12543), (19968, 20223),
          (44032, 44131), (127744, 128511), (8192, 8303), (768, 879)]  # fmt: skip


def random_texts(count):
    pick = random.Random(1)
    for _ in range(count):
        chars = []
        while len(chars) < 24:
            char = " " if pick.random() < 0.15 else chr(pick.randint(*pick.choice(BLOCKS)))
            # Which code points are unassigned depends on the Unicode version of the interpreter.
            if unicodedata.category(char) != "Cn":
                chars.append(char)
        yield "".join(chars)


def train(size):
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        end_of_word_suffix="</w>",
        special_tokens=[],
        show_progress=False,
    )
    made = tokenizers.Tokenizer(models.BPE(end_of_word_suffix="</w>"))
    made.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(r"'s|\p{L}+|\p{N}|[^\s\p{L}\p{N}]+"), "removed", invert=True),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
    ])  # fmt: skip
    made.train_from_iterator([text.lower() for text in TEXTS], trainer)
    return [tuple(merge) for merge in json.loads(made.to_str())["model"]["merges"]]


def vocabulary(merges):
    """CLIP's order: bytes, bytes at the end of a word, merges, begin and end."""
    bytes_ = list(transformers.models.clip.tokenization_clip.bytes_to_unicode().values())
    tokens = bytes_ + [byte + "</w>" for byte in bytes_] + ["".join(merge) for merge in merges]
    return {token: i for i, token in enumerate(tokens + ["<|startoftext|>", "<|endoftext|>"])}


def write(folder, merges):
    text = "#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in merges)
    (folder / "merges.txt").write_text(text, encoding="utf-8")
    (folder / "vocab.json").write_text(json.dumps(vocabulary(merges), ensure_ascii=False), encoding="utf-8")


CONFIGS = {
    "stable-diffusion-1": {"do_lower_case": True, "pad_token": "<|endoftext|>", "model_max_length": 77},
    "stable-diffusion-2": {"do_lower_case": True, "pad_token": "!", "model_max_length": 77},
}


def cases(folder, texts):
    made = {}
    for name, config in CONFIGS.items():
        tokenizer = CLIPTokenizer(folder / "vocab.json", folder / "merges.txt", **config)
        assert tokenizer.fix_text is None, "ftfy must not be installed"
        ids = [tokenizer.encode(text, add_special_tokens=False) for text in texts]
        special = [tokenizer.bos_token_id, tokenizer.eos_token_id, tokenizer.pad_token_id]
        made[name] = {"config": config, "special": special, "ids": ids}
    return made


def main():
    HERE.mkdir(exist_ok=True)
    texts = TEXTS + list(random_texts(60))
    write(HERE, train(1200))
    golden = {"versions": {"transformers": transformers.__version__, "tokenizers": tokenizers.__version__}}
    golden |= {"texts": texts, "small": cases(HERE, texts)}
    lines = gzip.decompress(Path(sys.argv[1]).read_bytes()).decode().split("\n")[1 : 49152 - 256 - 2 + 1]
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), [tuple(line.split()) for line in lines])
        packed = gzip.compress((Path(folder) / "merges.txt").read_bytes(), 9, mtime=0)
        golden["clip"] = cases(Path(folder), texts)
    (HERE / "clip-merges.txt.gz").write_bytes(packed)
    (HERE / "golden.json").write_text(json.dumps(golden, ensure_ascii=True) + "\n")


main()
