"""The classifier and the captioner: a small convolutional network, and a two-layer text decoder."""

import torch
import torch.nn.functional as F
from torch import nn

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

    def read(self, features):
        return self.head(features.mean((2, 3)))

    def forward(self, pixel_values):
        return self.read(self.trunk(pixel_values))


class CaptionEncoder(nn.Module):
    """pixel_values [B, 3, 64, 64] → last_hidden_state [B, 17, 128]: the mean and the 4×4 grid."""

    def __init__(self, trunk):
        super().__init__()
        self.trunk = trunk
        self.to_stream = nn.Linear(160, 128)
        self.place = nn.Parameter(torch.randn(17, 128) * 0.02)

    def read(self, features):
        grid = features.flatten(2).transpose(1, 2)
        tokens = torch.cat([grid.mean(1, keepdim=True), grid], 1)
        return self.to_stream(tokens) + self.place

    def forward(self, pixel_values):
        return self.read(self.trunk(pixel_values))


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
