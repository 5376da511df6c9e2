"""Writes pictures/: small pictures of many kinds and what they mean in plain sRGB, made with Pillow.

Run: python test/golden/pictures.py        Made with Pillow 13.0.0, numpy 2.4.6.
"""

from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

folder = Path(__file__).with_suffix("")
folder.mkdir(exist_ok=True)

# 48 × 32: smooth colours, so that lossy formats stay close, and no symmetry, so that a wrong turn shows.
y, x = np.mgrid[0:32, 0:48]
base = np.stack([x * 5, y * 7, 40 + 60 * ((x > 30) & (y < 12))], -1).astype(np.uint8)
picture = Image.fromarray(base).filter(ImageFilter.GaussianBlur(1))
picture.save(folder / "plain.png")

# Pillow's transpose that undoes each EXIF orientation, applied backwards to the stored pixels.
stored = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
for orientation, operation in stored.items():
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture.transpose(operation).save(folder / f"orientation-{orientation}.jpg", quality=95, subsampling=0, exif=exif)

picture.convert("CMYK").save(folder / "cmyk.jpg", quality=95, subsampling=0)
picture.convert("L").save(folder / "grey.jpg", quality=95)
picture.convert("P", palette=Image.Palette.ADAPTIVE, colors=64).save(folder / "palette.png")
picture.save(folder / "plain.webp", quality=95)
picture.save(folder / "plain.avif", quality=95)

frames = [picture, Image.new("RGB", picture.size, "red"), Image.new("RGB", picture.size, "blue")]
frames[0].save(folder / "animated.gif", save_all=True, append_images=frames[1:], duration=100)
frames[0].save(folder / "animated.webp", save_all=True, append_images=frames[1:], duration=100, lossless=True)

alpha = Image.fromarray(np.where(x < 24, 255, np.where(x < 36, 128, 0)).astype(np.uint8))
with_alpha = picture.copy()
with_alpha.putalpha(alpha)
with_alpha.save(folder / "alpha.png")
white = Image.new("RGB", picture.size, "white")
Image.composite(picture, white, alpha).save(folder / "alpha-on-white.png")

for name, size in {"half": (24, 16), "squashed": (20, 20), "double": (96, 64)}.items():
    picture.resize(size, Image.Resampling.BICUBIC).save(folder / f"bicubic-{name}.png")
