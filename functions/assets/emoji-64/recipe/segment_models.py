"""The click segmenter: a small U-Net that sees a picture once, and a smaller one that answers clicks on it."""

import torch
import torch.nn.functional as F
from torch import nn

from vision_models import Residual, conv

SIDE = 64
GRID = SIDE // 2
# Channels of a picture's embedding, and of what a click reads from it.
EMBEDDED, READ = 48, 24
# Channels that are trained directly: things 4, edges 4, middle 2, spread 2.
DENSE = 12


def beside(coarse, fine):
    """The coarse grid at the size of the fine one, twice as large, and the fine one."""
    return torch.cat([F.interpolate(coarse, scale_factor=2.0, mode="nearest"), fine], 1)


class SegmentEncoder(nn.Module):
    """pixel_values [B, 3, 64, 64] → image_embeddings [B, 60, 32, 32], image_positional_embeddings [B, 2, 32, 32].

    A U-Net from 32×32 down to 4×4 and back: all that needs to be known of a picture once, so that clicks are cheap. The
    last twelve channels are trained directly: logits of things and of edges (four pixels a cell), and the middle and the
    logarithm of the spread of the thing that a cell belongs to, in −1…1 across the picture.
    """

    def __init__(self):
        super().__init__()
        self.level_half = nn.Sequential(conv(12, 32), Residual(32, 32))
        self.level_quarter = nn.Sequential(Residual(32, 64, 2), Residual(64, 64))
        self.level_eighth = nn.Sequential(Residual(64, 112, 2), Residual(112, 112))
        self.level_sixteenth = Residual(112, 128, 2)
        self.to_eighth, self.join_eighth = conv(128 + 112, 96, 1), Residual(96, 96)
        self.to_quarter, self.join_quarter = conv(96 + 64, 64, 1), Residual(64, 64)
        self.to_half, self.join_half = conv(64 + 32, EMBEDDED, 1), conv(EMBEDDED, EMBEDDED)
        self.dense = nn.Conv2d(EMBEDDED, DENSE, 1)
        rows = torch.linspace(-1, 1, GRID)
        self.register_buffer("grid", torch.stack([rows[None, :].expand(GRID, GRID), rows[:, None].expand(GRID, GRID)])[None].contiguous())

    def forward(self, pixel_values):
        half = self.level_half(F.pixel_unshuffle(pixel_values, 2))
        quarter = self.level_quarter(half)
        eighth = self.level_eighth(quarter)
        y = self.join_eighth(self.to_eighth(beside(self.level_sixteenth(eighth), eighth)))
        y = self.join_quarter(self.to_quarter(beside(y, quarter)))
        y = self.join_half(self.to_half(beside(y, half)))
        dense = self.dense(y)
        # Where things are is learned as the way from here to there.
        return torch.cat([y, dense[:, :8], dense[:, 8:10] + self.grid, dense[:, 10:]], 1), self.grid


class SegmentDecoder(nn.Module):
    """input_points [B, K, 1, 2] in input pixels, input_labels [B, K, 1] → iou_scores [B, K, 3], pred_masks [B, K, 3, 64, 64].

    Levels: part, object, group. K clicks on each of B pictures. The features under the click choose how all features are read
    (a conditional mask head as in CondInst, Tian et al. 2020); a small U-Net then lets the mask spread from the click.
    """

    def __init__(self):
        super().__init__()
        self.read = nn.Conv2d(EMBEDDED, READ, 1)
        self.choose = nn.Sequential(nn.Linear(EMBEDDED * 2, 96), nn.ReLU(), nn.Linear(96, 2 * READ))
        self.level_half = conv(READ + 5 + 14, READ)
        self.level_quarter = nn.Sequential(conv(READ, 48, 3, 2), Residual(48, 48))
        self.level_eighth = nn.Sequential(conv(48, 64, 3, 2), Residual(64, 64))
        self.to_quarter, self.to_half = conv(64 + 48, 48, 1), conv(48 + READ, READ, 1)
        self.join_half, self.masks = conv(READ, READ), nn.Conv2d(READ, 12, 3, padding=1)
        self.scores = nn.Sequential(nn.Linear(64 + 6, 48), nn.ReLU(), nn.Linear(48, 3))

    def forward(self, input_points, input_labels, image_embeddings, image_positional_embeddings):
        pictures, clicks = input_points.shape[:2]
        click = input_points[:, :, 0].reshape(-1, 2, 1, 1) / ((SIDE - 1) / 2) - 1
        sign = (input_labels.reshape(-1, 1, 1, 1) * 2 - 1).float()
        offset = image_positional_embeddings - click
        distance = offset.pow(2).sum(1, keepdim=True)
        near, around = torch.exp(-distance * 400), torch.exp(-distance * 20)
        weights = torch.cat([near / near.sum((2, 3), keepdim=True), around / around.sum((2, 3), keepdim=True)], 1)
        image_embeddings, dense = image_embeddings[:, :EMBEDDED], image_embeddings[:, EMBEDDED:]
        weights = weights.reshape(pictures, clicks * 2, -1)
        under = weights @ image_embeddings.flatten(2).transpose(1, 2)
        # The middle and the spread of the clicked thing, as the cell under the click has them.
        here = (weights[:, ::2] @ dense[:, 8:].flatten(2).transpose(1, 2)).float().reshape(pictures * clicks, 4, 1, 1)
        spread = here[:, 2:].clamp(-4, 0).exp()
        dense = dense.float()[:, None].expand(-1, clicks, -1, -1, -1).reshape(pictures * clicks, DENSE, GRID, GRID)
        same = (dense[:, 8:10] - here[:, :2]) / spread
        place = (image_positional_embeddings - here[:, :2]) / spread
        told = torch.cat([dense[:, :8].clamp(-8, 8) / 4, same.clamp(-3, 3), torch.exp(-same.pow(2).sum(1, keepdim=True)), place.clamp(-3, 3), place.pow(2).sum(1, keepdim=True).clamp(0, 9) / 3], 1)
        gain, bias = self.choose(under.reshape(pictures * clicks, -1))[..., None, None].chunk(2, 1)
        features = self.read(image_embeddings)[:, None].expand(-1, clicks, -1, -1, -1).reshape(pictures * clicks, READ, GRID, GRID)
        half = self.level_half(torch.cat([F.relu(features * (1 + gain) + bias), offset, sign * near, around, distance, told], 1))
        quarter = self.level_quarter(half)
        eighth = self.level_eighth(quarter)
        y = self.to_half(beside(self.to_quarter(beside(eighth, quarter)), half))
        masks = F.pixel_shuffle(self.masks(self.join_half(y)), 2)
        sure = torch.cat([eighth.mean((2, 3)), masks.sigmoid().mean((2, 3)), masks.abs().mean((2, 3)) / 8], 1)
        return self.scores(sure).sigmoid().reshape(pictures, clicks, 3), masks.reshape(pictures, clicks, 3, SIDE, SIDE)


def mirrored(x, view, width=3, height=2):
    """A picture, or what lies on one, in view 0 as it is, 1 left to right, 2 upside down, 3 both; its own inverse."""
    axes = [axis for axis, on in ((width, view & 1), (height, view & 2)) if on]
    return x.flip(axes) if axes else x


class ManyViews(nn.Module):
    """A segment encoder that sees each picture in its four mirror images, [1, 3, 64, 64] → embeddings [4, …]."""

    def __init__(self, encoder):
        super().__init__()
        self.encoder = encoder

    def forward(self, pixel_values):
        return self.encoder(torch.cat([mirrored(pixel_values, view) for view in range(4)]))


class MeanOfViews(nn.Module):
    """A segment decoder that answers on all four and gives the mean, [1, 1, 1, 2] → [1, 1, 3] and [1, 1, 3, 64, 64]."""

    def __init__(self, decoder):
        super().__init__()
        self.decoder = decoder
        self.register_buffer("sign", torch.tensor([[1.0, 1], [-1, 1], [1, -1], [-1, -1]])[:, None, None])

    def forward(self, input_points, input_labels, image_embeddings, image_positional_embeddings):
        middle = (SIDE - 1) / 2
        points = (input_points - middle) * self.sign + middle
        scores, masks = self.decoder(points, input_labels.expand(4, -1, -1), image_embeddings, image_positional_embeddings)
        masks = torch.stack([mirrored(masks[view : view + 1], view, 4, 3) for view in range(4)])
        return scores.mean(0, keepdim=True), masks.mean(0)
