"""The click segmenter, the classifier and the captioner: small convolutional networks, and a two-layer text decoder."""

import torch
import torch.nn.functional as F
from torch import nn

SIDE = 64
GRID = SIDE // 4
COARSE, FINE = 64, 16


class Residual(nn.Module):
    def __init__(self, inward, outward, stride=1):
        super().__init__()
        self.first = nn.Conv2d(inward, outward, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(outward)
        self.second = nn.Conv2d(outward, outward, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(outward)
        self.skip = nn.Conv2d(inward, outward, 1, stride) if stride != 1 or inward != outward else nn.Identity()

    def forward(self, x):
        return F.relu(self.norm2(self.second(F.relu(self.norm1(self.first(x))))) + self.skip(x))


def conv(inward, outward, kernel=3, stride=1):
    return nn.Sequential(nn.Conv2d(inward, outward, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(outward), nn.ReLU())


class SegmentEncoder(nn.Module):
    """pixel_values [B, 3, 64, 64] → image_embeddings [B, 128, 16, 16], image_positional_embeddings [B, 2, 16, 16].

    The embeddings are 64 coarse channels and, folded in, 16 fine channels of the 32×32 grid.
    """

    def __init__(self):
        super().__init__()
        self.fine = conv(12, FINE)
        self.to_half, self.level_half = conv(FINE, 32, 3, 2), Residual(32, 32)
        self.level_quarter = nn.Sequential(Residual(32, 64, 2), Residual(64, 64))
        self.level_eighth = nn.Sequential(Residual(64, 96, 2), Residual(96, 96))
        self.join_quarter, self.join_half = conv(96 + 64, 64), conv(64 + 32, COARSE)
        rows = torch.linspace(-1, 1, GRID)
        self.register_buffer("grid", torch.stack([rows[None, :].expand(GRID, GRID), rows[:, None].expand(GRID, GRID)])[None].contiguous())

    def forward(self, pixel_values):
        fine = self.fine(F.pixel_unshuffle(pixel_values, 2))
        half = self.level_half(self.to_half(fine))
        quarter = self.level_quarter(half)
        eighth = F.interpolate(self.level_eighth(quarter), scale_factor=2.0, mode="nearest")
        quarter = F.interpolate(self.join_quarter(torch.cat([eighth, quarter], 1)), scale_factor=2.0, mode="nearest")
        coarse = self.join_half(torch.cat([quarter, half], 1))
        return torch.cat([coarse, F.pixel_unshuffle(fine, 2)], 1), self.grid


class SegmentDecoder(nn.Module):
    """input_points [B, 1, 1, 2] in input pixels, input_labels [B, 1, 1] → iou_scores [B, 1, 3], pred_masks [B, 1, 3, 64, 64].

    Levels: part, object, group. The click enters as a bump, as offsets, and as the features found under it.
    """

    def __init__(self):
        super().__init__()
        self.enter = conv(COARSE * 2 + 4, 64, 1)
        self.level_half = conv(64, 48)
        self.level_quarter = nn.Sequential(Residual(48, 80, 2), Residual(80, 80))
        self.level_eighth = nn.Sequential(Residual(80, 96, 2), Residual(96, 96))
        self.join_quarter, self.join_half = conv(96 + 80, 64), conv(64 + 48, 48)
        self.join_fine = nn.Sequential(conv(48 + FINE * 2 + 1, 32), conv(32, 32))
        self.masks = nn.Conv2d(32, 12, 3, padding=1)
        self.scores = nn.Sequential(nn.Linear(96 + 6, 48), nn.ReLU(), nn.Linear(48, 3))

    def forward(self, input_points, input_labels, image_embeddings, image_positional_embeddings):
        coarse, fine = image_embeddings[:, :COARSE], F.pixel_shuffle(image_embeddings[:, COARSE:], 2)
        click = input_points[:, 0, 0, :, None, None] / ((SIDE - 1) / 2) - 1
        sign = (input_labels[:, 0, 0].float() * 2 - 1)[:, None, None, None]
        offset = image_positional_embeddings - click
        distance = offset.pow(2).sum(1, keepdim=True)
        bump = torch.exp(-distance * 60)
        weight = bump / bump.sum((2, 3), keepdim=True)
        under = (coarse * weight).sum((2, 3), keepdim=True)
        x = self.enter(torch.cat([coarse, coarse * under, offset, sign * bump, torch.exp(-distance * 8)], 1))
        half = self.level_half(x)
        quarter = self.level_quarter(half)
        eighth = self.level_eighth(quarter)
        y = self.join_quarter(torch.cat([F.interpolate(eighth, scale_factor=2.0, mode="nearest"), quarter], 1))
        y = self.join_half(torch.cat([F.interpolate(y, scale_factor=2.0, mode="nearest"), half], 1))
        wide = F.interpolate(weight, scale_factor=2.0, mode="nearest") / 4
        fine_under = (fine * wide).sum((2, 3), keepdim=True)
        y = torch.cat([F.interpolate(y, scale_factor=2.0, mode="nearest"), fine, (fine - fine_under).abs(), F.interpolate(bump, scale_factor=2.0, mode="nearest")], 1)
        masks = F.pixel_shuffle(self.masks(self.join_fine(y)), 2)
        sure = torch.cat([eighth.mean((2, 3)), masks.sigmoid().mean((2, 3)), masks.abs().mean((2, 3)) / 8], 1)
        return self.scores(sure)[:, None].sigmoid(), masks[:, None]


class Trunk(nn.Module):
    """pixel_values [B, 3, 64, 64] → features [B, 160, 4, 4]."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(conv(12, 24), Residual(24, 40, 2), Residual(40, 80, 2), Residual(80, 160, 2), Residual(160, 160))

    def forward(self, pixel_values):
        return self.body(F.pixel_unshuffle(pixel_values, 2))


class Classifier(nn.Module):
    """pixel_values [B, 3, 64, 64] → logits [B, classes]."""

    def __init__(self, classes):
        super().__init__()
        self.trunk = Trunk()
        self.head = nn.Linear(160, classes)

    def forward(self, pixel_values):
        return self.head(self.trunk(pixel_values).mean((2, 3)))


class CaptionEncoder(nn.Module):
    """pixel_values [B, 3, 64, 64] → last_hidden_state [B, 17, 128]: the mean and the 4×4 grid."""

    def __init__(self):
        super().__init__()
        self.trunk = Trunk()
        self.to_stream = nn.Linear(160, 128)
        self.place = nn.Parameter(torch.randn(17, 128) * 0.02)

    def forward(self, pixel_values):
        grid = self.trunk(pixel_values).flatten(2).transpose(1, 2)
        tokens = torch.cat([grid.mean(1, keepdim=True), grid], 1)
        return self.to_stream(tokens) + self.place


class DecoderLayer(nn.Module):
    def __init__(self, width=128, heads=4):
        super().__init__()
        self.heads = heads
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(3))
        self.self_in, self.self_out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.cross_query, self.cross_in, self.cross_out = nn.Linear(width, width), nn.Linear(width, 2 * width), nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, 3 * width), nn.GELU(), nn.Linear(3 * width, width))

    def attend(self, q, k, v, mask=None):
        batch, _, width = q.shape
        q, k, v = (u.reshape(batch, -1, self.heads, width // self.heads).transpose(1, 2) for u in (q, k, v))
        scores = q @ k.transpose(2, 3) * (width // self.heads) ** -0.5
        weights = (scores if mask is None else scores + mask).softmax(-1)
        return (weights @ v).transpose(1, 2).reshape(batch, -1, width)

    def forward(self, x, seen, mask):
        x = x + self.self_out(self.attend(*self.self_in(self.norms[0](x)).chunk(3, -1), mask))
        x = x + self.cross_out(self.attend(self.cross_query(self.norms[1](x)), *self.cross_in(seen).chunk(2, -1)))
        return x + self.mlp(self.norms[2](x))


class CaptionDecoder(nn.Module):
    """input_ids [B, T], encoder_hidden_states [B, 17, 128] → logits [B, T, tokens]; input and output embeddings are one."""

    def __init__(self, tokens, longest=12):
        super().__init__()
        self.embed, self.place = nn.Embedding(tokens, 128), nn.Embedding(longest, 128)
        nn.init.normal_(self.embed.weight, std=0.05)
        nn.init.normal_(self.place.weight, std=0.05)
        self.layers = nn.ModuleList(DecoderLayer() for _ in range(2))
        self.norm = nn.LayerNorm(128)

    def forward(self, input_ids, encoder_hidden_states):
        at = torch.arange(input_ids.shape[1], device=input_ids.device)
        x = self.embed(input_ids) + self.place(at)
        mask = (at[None, :] > at[:, None]).float() * -1e4
        for layer in self.layers:
            x = layer(x, encoder_hidden_states, mask)
        return self.norm(x) @ self.embed.weight.T
