"""Weights and values of the picture metrics, from the PyTorch originals.

Run: python test/golden/metrics.py                  writes test/golden/metrics/*.safetensors: narrow networks of the originals'
                                                    topology with seeded random weights, two pictures, every intermediate
                                                    that is compared
     python test/golden/metrics.py --real <folder>  writes the published weights for the model cache's `metrics` folder
                                                    (downloads 528 + 233 + 104 MB through torchvision)

Needs torch, torchvision, lpips, scipy and safetensors; the versions used are in the files' metadata.
"""

import sys
from importlib.metadata import version
from pathlib import Path

import lpips
import numpy
import scipy.linalg
import torch
from safetensors.torch import save_file
from torch import nn
from torchvision.models import Inception_V3_Weights, inception_v3

CONVS = ["Conv2d_1a_3x3", "Conv2d_2a_3x3", "Conv2d_2b_3x3", "Conv2d_3b_1x1", "Conv2d_4a_3x3"]
PACKAGES = ["torch", "torchvision", "lpips", "scipy", "numpy"]
METADATA = {"script": "test/golden/metrics.py"} | {name: version(name) for name in PACKAGES}
# The originals' widths divided by 16, so that the files stay small; the topology is untouched.
NARROW = 16


def narrow(module: nn.Module) -> None:
    """Divides the channels of every convolution and normalisation, pixels and heads aside, and draws new weights."""
    for name, child in module.named_children():
        if isinstance(child, nn.Conv2d):
            inputs = child.in_channels if child.in_channels == 3 else child.in_channels // NARROW
            outputs = child.out_channels if child.out_channels == 1 else child.out_channels // NARROW
            options = {k: getattr(child, k) for k in ["kernel_size", "stride", "padding"]}
            setattr(module, name, nn.Conv2d(inputs, outputs, bias=child.bias is not None, **options))
        elif isinstance(child, nn.BatchNorm2d):
            setattr(module, name, nn.BatchNorm2d(child.num_features // NARROW, eps=child.eps))
        else:
            narrow(child)


def randomise(module: nn.Module) -> None:
    for name, value in [*module.named_parameters(), *module.named_buffers()]:
        if name.endswith("running_var"):
            value.data = 0.5 + torch.rand_like(value)
        elif name.endswith("bn.weight"):
            value.data = 0.5 + torch.rand_like(value)
        elif value.dim() == 4 and value.shape[0] == 1:
            value.data = torch.rand_like(value)
        elif value.dim() == 4:
            value.data = torch.randn_like(value) * (2 / value[0].numel()) ** 0.5
        elif value.dim() == 1:
            value.data = torch.randn_like(value) * 0.1


def make_lpips(net: str, real: bool) -> nn.Module:
    metric = lpips.LPIPS(net=net, pretrained=True, pnet_rand=not real, verbose=False)
    if not real:
        # `lins` is a second list of the same heads: each must be made narrow once.
        del metric.lins
        narrow(metric)
        metric.lins = nn.ModuleList([getattr(metric, f"lin{i}") for i in range(metric.L)])
        # Not the metric as a whole: its input normalisation stays the published one.
        randomise(metric.net)
        randomise(metric.lins)
    return metric.eval()


def lpips_weights(metric: nn.Module) -> dict[str, torch.Tensor]:
    state = metric.state_dict()
    return {k: v.contiguous() for k, v in state.items() if not k.startswith(("scaling_layer", "lins."))}


def make_inception(real: bool) -> nn.Module:
    if real:
        return inception_v3(weights=Inception_V3_Weights.IMAGENET1K_V1).eval()
    network = inception_v3(weights=None, init_weights=False)
    trunk = nn.ModuleDict({name: getattr(network, name) for name in CONVS})
    narrow(trunk)
    randomise(trunk)
    return trunk.eval()


def inception_weights(network: nn.Module) -> dict[str, torch.Tensor]:
    keep = tuple(f"{name}." for name in CONVS)
    return {k: v for k, v in network.state_dict().items() if k.startswith(keep) and "num_batches" not in k}


def sifid_features(trunk: nn.Module, pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Blocks 0 and 1 of SinGAN's SIFID/inception.py, whose pixels are 0 … 1 and become 2x − 1."""
    x = 2 * ((pixels + 1) / 2) - 1
    for name in CONVS[:3]:
        x = trunk[name](x)
    first = x
    x = nn.functional.max_pool2d(x, kernel_size=3, stride=2)
    for name in CONVS[3:]:
        x = trunk[name](x)
    return first, x


def frechet(a: torch.Tensor, b: torch.Tensor) -> float:
    """calculate_frechet_distance of SIFID/sifid_score.py over the activations of every position."""
    samples = [f[0].double().numpy().transpose(1, 2, 0).reshape(-1, f.shape[1]) for f in (a, b)]
    (m1, s1), (m2, s2) = [(x.mean(axis=0), numpy.cov(x, rowvar=False)) for x in samples]
    root = scipy.linalg.sqrtm(s1 @ s2)
    return float((m1 - m2) @ (m1 - m2) + numpy.trace(s1) + numpy.trace(s2) - 2 * numpy.trace(root.real))


def pictures() -> tuple[torch.Tensor, torch.Tensor]:
    """Two pairs of 61×71 pictures in [−1, 1]: odd sides, so that pooling leaves something over; smooth, with noise."""
    y, x = torch.meshgrid(torch.linspace(0, 1, 61), torch.linspace(0, 1, 71), indexing="ij")
    waves = [torch.stack([torch.sin(k * (x + c * y) + c) for c in range(3)]) for k in (7.0, 11.0, 5.0, 17.0)]
    noisy = [(0.7 * wave + 0.2 * torch.randn(3, 61, 71)).clamp(-1, 1) for wave in waves]
    return torch.stack(noisy[:2]), torch.stack(noisy[2:])


def write(path: Path, tensors: dict[str, torch.Tensor]) -> None:
    save_file({k: v.float().contiguous() for k, v in tensors.items()}, path, metadata=METADATA)
    print(path, path.stat().st_size)


def write_real(folder: Path) -> None:
    for net in ("vgg", "alex"):
        write(folder / f"lpips-{net}.safetensors", lpips_weights(make_lpips(net, real=True)))
    write(folder / "inception-v3.safetensors", inception_weights(make_inception(real=True)))


@torch.no_grad()
def write_golden(folder: Path) -> None:
    torch.manual_seed(0)
    a, b = pictures()
    golden = {"a": a, "b": b}
    for net in ("vgg", "alex"):
        metric = make_lpips(net, real=False)
        write(folder / f"lpips-{net}.safetensors", lpips_weights(metric))
        value, stages = metric(a, b, retPerLayer=True)
        golden[f"{net}.distance"] = value.flatten()
        golden[f"{net}.stages"] = torch.stack([stage.flatten() for stage in stages])
    trunk = make_inception(real=False)
    write(folder / "inception-v3.safetensors", inception_weights(trunk))
    readings = [sifid_features(trunk, x[:1]) for x in (a, b)]
    for i, name in enumerate(["first", "second"]):
        golden[f"inception.{name}"] = readings[0][i]
        golden[f"sifid.{name}"] = torch.tensor([frechet(readings[0][i], readings[1][i])])
    write(folder / "golden.safetensors", golden)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--real"]:
        write_real(Path(sys.argv[2]))
    else:
        target = Path(__file__).parent / "metrics"
        target.mkdir(exist_ok=True)
        write_golden(target)
