"""Prints the table of shared/confusables.ts: `letter look-alikes count`. Needs libicui18n 72 (Debian's libicu72, Unicode 15.0).

python3 test/golden/confusables.py
"""
import ctypes
import unicodedata

icu = ctypes.CDLL("libicui18n.so.72")
icu.uspoof_open_72.restype = ctypes.c_void_p
checker = ctypes.c_void_p(icu.uspoof_open_72(ctypes.byref(ctypes.c_int(0))))


def skeleton(text):
    units = text.encode("utf-16-le")
    out = (ctypes.c_uint16 * 256)()
    status = ctypes.c_int(0)
    length = icu.uspoof_getSkeleton_72(checker, 0, units, len(units) // 2, out, 256, ctypes.byref(status))
    return bytes(out)[: length * 2].decode("utf-16-le")


ascii_of = {}
for letter in "abcdefghijklmnopqrstuvwxyz0123456789":
    ascii_of.setdefault(skeleton(letter), letter)

table = {}
for code in range(0x80, 0x32000):
    character = chr(code)
    if unicodedata.category(character)[0] not in "LN":
        continue
    if unicodedata.normalize("NFKC", character).lower() != character:
        continue
    letter = ascii_of.get(skeleton(character))
    if letter:
        table.setdefault(letter, []).append(character)

for letter, likes in sorted(table.items()):
    print(letter, "".join(likes), len(likes))
