"""The three networks, built from diffusers' and transformers' own modules, with the initial weights that train fast here."""

import torch
from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel
from diffusers.models.downsampling import Downsample2D
from diffusers.models.resnet import ResnetBlock2D
from diffusers.models.upsampling import Upsample2D
from transformers import CLIPTextConfig, CLIPTextModel

# Emulated, bf16 takes thirty times as long as f32.
FAST_BF16 = torch.cpu._is_avx512_bf16_supported()

MAX_TOKENS = 24
# Of the text encoder's normalisations while it is trained.
EPSILON = 1e-5


LATENTS = 16


def make_vae():
    """f8 autoencoder, 64² → 8×8×16, started near the identity: ±RGB in six channels, average-pool downsampling."""
    vae = AutoencoderKL(
        sample_size=64, in_channels=3, out_channels=3, latent_channels=LATENTS, layers_per_block=1, norm_num_groups=4,
        block_out_channels=(16, 32, 64, 96), down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4,
        mid_block_add_attention=False, scaling_factor=1.0,
    )  # fmt: skip
    with torch.no_grad():
        _start_near_identity(vae)
    return vae


def _carry(conv, scale=1.0):
    """The first six output channels copy the first six input channels."""
    middle = conv.kernel_size[0] // 2
    for j in range(6):
        conv.weight[j].zero_()
        conv.weight[j, j, middle, middle] = scale
        conv.bias[j] = 0


def _start_near_identity(vae):
    for module in vae.modules():
        if isinstance(module, ResnetBlock2D):
            module.conv2.weight.mul_(0.05)
            module.conv2.bias.zero_()
            if module.conv_shortcut is not None:
                _carry(module.conv_shortcut)
        if isinstance(module, Upsample2D):
            _carry(module.conv)
        if isinstance(module, Downsample2D):
            for j in range(6):
                module.conv.weight[j].zero_()
                # diffusers pads right and below only, so taps 0 and 1 cover the 2×2 cell.
                module.conv.weight[j, j, :2, :2] = 0.25
                module.conv.bias[j] = 0
    first, out = vae.encoder.conv_in, vae.encoder.conv_out
    into, last = vae.decoder.conv_in, vae.decoder.conv_out
    out.weight.mul_(0.3)
    last.weight.mul_(0.3)
    for j in range(3):
        for channel, sign in ((j, 1.0), (3 + j, -1.0)):
            for conv in (first, into):
                conv.weight[channel].zero_()
                conv.weight[channel, j, 1, 1] = sign
                conv.bias[channel] = 0
        for conv, scale in ((out, 1.0), (last, 0.7)):
            conv.weight[j].zero_() if conv is out else conv.weight[j, :6].zero_()
            conv.weight[j, j, 1, 1] = scale
            conv.weight[j, 3 + j, 1, 1] = -scale
            conv.bias[j] = 0
    vae.quant_conv.weight.zero_()
    vae.quant_conv.bias.zero_()
    vae.quant_conv.bias[LATENTS:] = -6.0
    for j in range(LATENTS):
        vae.quant_conv.weight[j, j] = 1
        vae.quant_conv.weight[LATENTS + j, LATENTS + j] = 0.1
    vae.post_quant_conv.weight.copy_(torch.eye(LATENTS)[:, :, None, None])
    vae.post_quant_conv.bias.zero_()


def bake_statistics(vae, moments):
    """Folds the mean and deviation of `moments` (means [N, 16, h, w]) into the 1×1 convolutions around the latents."""
    mean, deviation = moments.mean((0, 2, 3)), moments.std((0, 2, 3))
    with torch.no_grad():
        quant, post = vae.quant_conv, vae.post_quant_conv
        post.bias += post.weight[:, :, 0, 0] @ mean
        post.weight *= deviation[None, :, None, None]
        quant.bias[:LATENTS] = (quant.bias[:LATENTS] - mean) / deviation
        quant.weight[:LATENTS] /= deviation[:, None, None, None]
        quant.bias[LATENTS:] -= 2 * deviation.log()


def make_text_encoder(vocab_size, bos, eos):
    """CLIP-style causal transformer; the stream is 128 wide, as is the UNet's context."""
    config = CLIPTextConfig(
        vocab_size=vocab_size, hidden_size=128, intermediate_size=512, num_hidden_layers=3, num_attention_heads=4, hidden_act="quick_gelu",
        max_position_embeddings=MAX_TOKENS, projection_dim=128, bos_token_id=bos, eos_token_id=eos, pad_token_id=eos, layer_norm_eps=EPSILON,
    )  # fmt: skip
    text = CLIPTextModel(config)
    # CLIP's own start (deviation 0.02) drowns the words in the residual branches at this width.
    torch.nn.init.normal_(text.text_model.embeddings.token_embedding.weight, std=0.08)
    for layer in text.text_model.encoder.layers:
        for branch in (layer.self_attn.out_proj, layer.mlp.fc2):
            with torch.no_grad():
                branch.weight.mul_(0.5)
    return text


@torch.no_grad()
def scale_stream(text, factor):
    """Scales embeddings, and what every layer adds to them, by a power of two. All normalisations undo the factor, whose square their
    epsilon takes: what the encoder says stays the same, but for elements too small for fp16."""
    model = text.text_model
    scaled = [model.embeddings.token_embedding.weight, model.embeddings.position_embedding.weight]
    for layer in model.encoder.layers:
        scaled += [p for linear in (layer.self_attn.out_proj, layer.mlp.fc2) for p in (linear.weight, linear.bias)]
    for parameter in scaled:
        parameter *= factor
    for norm in (m for m in text.modules() if isinstance(m, torch.nn.LayerNorm)):
        norm.eps *= factor**2
    text.config.layer_norm_eps *= factor**2


def make_unet():
    """SD 1.x layout on 8×8 and 4×4 latents, cross attention on both; `attention_head_dim` is, as there, the number of heads."""
    unet = UNet2DConditionModel(
        sample_size=8, in_channels=LATENTS, out_channels=LATENTS, layers_per_block=1, block_out_channels=(64, 128), norm_num_groups=8,
        down_block_types=("CrossAttnDownBlock2D",) * 2, up_block_types=("CrossAttnUpBlock2D",) * 2,
        cross_attention_dim=128, attention_head_dim=4,
    )  # fmt: skip
    for module in unet.modules():
        if isinstance(module, ResnetBlock2D):
            torch.nn.init.zeros_(module.conv2.weight)
            torch.nn.init.zeros_(module.conv2.bias)
    torch.nn.init.zeros_(unet.conv_out.weight)
    torch.nn.init.zeros_(unet.conv_out.bias)
    return unet


def make_scheduler():
    """Stable Diffusion's noise levels; the network predicts the velocity v."""
    return DDIMScheduler(
        num_train_timesteps=1000, beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear",
        prediction_type="v_prediction", clip_sample=False, set_alpha_to_one=False, steps_offset=1,
    )  # fmt: skip


def count(module):
    return sum(p.numel() for p in module.parameters())


