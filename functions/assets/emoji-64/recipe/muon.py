"""Muon (Jordan et al. 2024, "Muon: An optimizer for hidden layers in neural networks"), scaled as in Liu et al. 2025
("Muon is scalable for LLM training"): the momentum of every hidden matrix is replaced by the nearest orthogonal one."""

import torch

# Coefficients of the quintic Newton–Schulz iteration.
A, B, C = 3.4445, -4.7750, 2.0315


def orthogonalised(matrix, iterations=4):
    """[m, n] with m ≤ n → about the nearest matrix with orthonormal rows.

    The quintic p(XXᵀ)X only ever multiplies from the left, so it is iterated on the m×m Gram matrix alone and applied once.
    """
    x = matrix / (matrix.norm() + 1e-7)
    gram, whole = x @ x.T, None
    for i in range(iterations):
        p = torch.addmm(gram, gram, gram, beta=B, alpha=C)
        p.diagonal().add_(A)
        whole = p if whole is None else p @ whole
        if i + 1 < iterations:
            gram = p @ gram @ p
    return whole @ x


class Muon(torch.optim.Optimizer):
    """For weights of two and more dimensions, convolutions flattened to [out, in·k·k]. `lr` is in AdamW's scale."""

    def __init__(self, parameters, lr, momentum=0.95, weight_decay=0.01):
        super().__init__(parameters, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                buffer = self.state[p].setdefault("momentum", torch.zeros_like(p))
                buffer.lerp_(p.grad, 1 - group["momentum"])
                flat = p.grad.lerp(buffer, group["momentum"]).flatten(1)
                rows, columns = flat.shape
                update = orthogonalised(flat) if rows <= columns else orthogonalised(flat.T).T
                p.mul_(1 - group["lr"] * group["weight_decay"])
                p.add_(update.reshape(p.shape), alpha=-0.2 * max(rows, columns) ** 0.5 * group["lr"])
