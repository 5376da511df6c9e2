"""What PyTorch computes with the components of a checkpoint: text encoder, one UNet call, autoencoder both ways, and the gradient
of a weighted denoising loss with respect to the token embeddings."""
import diffusers
import torch
import transformers
from safetensors.torch import save_file


def encoded(text, token_embeddings):
    """CLIPTextModel from token embeddings [B, T, D] on."""
    length = token_embeddings.shape[1]
    positions = text.text_model.embeddings.position_embedding(torch.arange(length))[None]
    mask = torch.full((length, length), float("-inf")).triu(1)[None, None]
    hidden = text.text_model.encoder(inputs_embeds=token_embeddings + positions, attention_mask=None, causal_attention_mask=mask).last_hidden_state
    return text.text_model.final_layer_norm(hidden)


def golden_of(text, unet, vae, ids, latent_shape, picture_shape, timesteps):
    """Inputs (drawn from the global seed) and outputs, f32; `gradient`: d loss / d embeddings [B, T, D]."""
    embeddings = text.text_model.embeddings.token_embedding(ids)
    context = text(ids).last_hidden_state
    assert torch.allclose(context, encoded(text, embeddings), atol=1e-5)
    pixels = torch.rand(picture_shape) * 2 - 1
    mean, log_variance = vae._encode(pixels).chunk(2, dim=1)
    latents, timesteps = torch.randn(latent_shape), torch.tensor(timesteps)
    prediction = unet(latents, timesteps, context).sample
    target, weights = torch.randn_like(latents), torch.rand(latent_shape[0], 1, *latent_shape[2:])
    with torch.enable_grad():
        leaf = embeddings.clone().requires_grad_()
        loss = (weights * (unet(latents, timesteps, encoded(text, leaf)).sample - target) ** 2).mean()
        loss.backward()
    decoded = vae.decode(latents[: len(pixels)] / vae.config.scaling_factor).sample
    return dict(
        ids=ids, embeddings=embeddings, context=context, pixels=pixels, mean=mean, logVariance=log_variance, latents=latents,
        timesteps=timesteps, decoded=decoded, prediction=prediction, target=target, weights=weights, loss=loss.detach()[None], gradient=leaf.grad,
    )  # fmt: skip


def save_golden(golden, path):
    versions = {"torch": torch.__version__, "diffusers": diffusers.__version__, "transformers": transformers.__version__}
    save_file({k: v.detach().float().contiguous() for k, v in golden.items()}, path, metadata=versions)
