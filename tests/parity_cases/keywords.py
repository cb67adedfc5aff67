"""Arguments by the names that PyTorch takes."""

from __future__ import annotations

from .programs import case


@case
def arguments_by_name(torch):
    A = torch.tensor([[4.0, 1], [1, 3]], dtype=torch.float64)
    x, M = A[0], torch.arange(6, dtype=torch.float64).reshape(2, 3)
    i = torch.tensor([0, 1])
    return [
        torch.det(input=A), torch.inverse(input=A), torch.matrix_power(input=A, n=2), torch.orgqr(input=A, input2=x / 9),
        torch.cholesky_solve(input=M, input2=A, upper=True), torch.heaviside(input=x, values=x), torch.clamp_min(input=x, min=2),
        torch.clamp_max(input=x, max=2), torch.scatter(input=x, dim=0, index=i, src=x), torch.tile(input=x, dims=(2,)),
        torch.scatter(input=x, dim=0, index=i, value=2.0), torch.embedding(weight=M, indices=i, padding_idx=-1),
        torch.zeros(size=(2,)), torch.ones(size=[2], dtype=torch.int64), torch.rand(size=(2, 1)).shape, x.new_zeros(size=(2,)),
        torch.randint_like(input=i, high=1, generator=torch.Generator()), x.split(split_size=1, dim=0), x.clone().pow_(exponent=2),
        (x / 3).round_(decimals=1), x.clone().clamp_(min=2), x.clone().addcmul_(tensor1=x, tensor2=x, value=2),
        x.unsafe_split(split_size=1),
        x.clone().scatter_(dim=0, index=i, src=x), x.clone().add_(other=x, alpha=2), torch.sub(input=x, other=x, alpha=3),
    ]  # fmt: skip
