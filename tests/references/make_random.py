"""Writes random.npz and random_api.json: draws of PyTorch's CPU generator. Run with PyTorch installed.

random.npz holds per seed, as bytes, what one generator draws by `cases` in turn (every STEP-th element where there are
many) and its state at the end. random_api.json holds what the expressions of API yield, evaluated in turn after
manual_seed(42).
"""

import json
from pathlib import Path

import numpy as np
import torch

HERE = Path(__file__).parent
SEEDS = (0, 1, 42, 2**31, -5)
STEP = 997
SIZES = (1, 5, 15, 16, 20, 64, 10000)
f32, f64 = torch.float32, torch.float64
rates = torch.arange(30.0)
shapes = (rates + 1) / 5
probs = torch.arange(1.0, 25.0).reshape(2, 12)
fractions = rates / 29


def cases(g):
    """Pairs of name and tensor, drawn when asked for."""

    def empty(n, dtype=f32):
        return torch.empty(n, dtype=dtype)

    for n in SIZES:
        for name, dtype in (("f32", f32), ("f64", f64), ("f16", torch.float16)):
            yield f"uniform_{name}_{n}", torch.rand(n, dtype=dtype, generator=g)
            yield f"range_{name}_{n}", empty(n, dtype).uniform_(-3.1, 2.7, generator=g)
            yield f"normal_{name}_{n}", torch.randn(n, dtype=dtype, generator=g)
            yield f"scaled_{name}_{n}", empty(n, dtype).normal_(-1.3, 2.2, generator=g)
        yield f"coin_{n}", empty(n).bernoulli_(0.3, generator=g)
        yield f"coin_half_{n}", empty(n, torch.int64).bernoulli_(0.5, generator=g)
        yield f"coin_array_{n}", torch.bernoulli(torch.arange(n) / n, generator=g)
        yield f"coin_array_f64_{n}", torch.bernoulli(torch.arange(n, dtype=f64) / n, generator=g)
        yield f"integers_{n}", torch.randint(-7, 1000, (n,), generator=g)
        yield f"integers_f32_{n}", torch.randint(3, 10, (n,), dtype=f32, generator=g)
        yield f"exponential_{n}", empty(n).exponential_(1.7, generator=g)
        yield f"geometric_{n}", empty(n).geometric_(0.3, generator=g)
        yield f"cauchy_{n}", empty(n).cauchy_(1, 2, generator=g)
        yield f"log_normal_{n}", empty(n).log_normal_(0.3, 0.7, generator=g)
    for n in (1, 2, 10, 1000, 100000):
        yield f"permutation_{n}", torch.randperm(n, generator=g)
    for k in (2**28 - 1, 2**28, 2**32 - 1, 2**32, 2**62):
        yield f"integers_below_{k}", torch.randint(0, k, (9,), generator=g)
    for name in ("bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64"):
        yield f"random_{name}", empty(9, getattr(torch, name)).random_(generator=g)
    yield "random_int64_full", empty(9, torch.int64).random_(-(2**63), None, generator=g)
    yield "random_int32_from", empty(9, torch.int32).random_(5, None, generator=g)
    yield "random_int8_from", empty(9, torch.int8).random_(-128, None, generator=g)
    yield "uniform_reaches_high", empty(50).uniform_(16777215.0, 16777216.0, generator=g)
    yield "normal_complex", torch.randn(5, dtype=torch.complex64, generator=g)
    yield "normal_complex_20", torch.randn(20, dtype=torch.complex64, generator=g)
    yield "uniform_complex", torch.rand(5, dtype=torch.complex64, generator=g)
    yield "normal_strided", torch.empty(8, 4).t().normal_(generator=g).t()
    yield "normal_strided_big", torch.empty(80, 2).t().normal_(generator=g).t()
    yield "normal_of_arrays", torch.normal(rates, shapes, generator=g)
    yield "normal_of_mean", torch.normal(rates, 2.5, generator=g)
    yield "normal_of_std", torch.normal(2.5, shapes, generator=g)
    yield "multinomial_1", torch.multinomial(probs, 1, generator=g)
    yield "multinomial_5", torch.multinomial(probs, 5, generator=g)
    yield "multinomial_f64", torch.multinomial(probs[0].double(), 5, generator=g)
    yield "multinomial_replaced", torch.multinomial(probs, 50, True, generator=g)
    yield "multinomial_replaced_1", torch.multinomial(probs[0], 1, True, generator=g)
    yield "poisson", torch.poisson(rates, generator=g)
    yield "binomial", torch.binomial(rates, fractions, generator=g)
    yield "binomial_big", torch.binomial(10 * rates, fractions, generator=g)
    yield "gamma", torch._standard_gamma(shapes, generator=g)
    yield "gamma_f64", torch._standard_gamma(shapes.double(), generator=g)
    yield "dirichlet", torch._sample_dirichlet(shapes.reshape(6, 5), generator=g)
    yield "last", torch.randn(3, generator=g)


API = """
torch.rand(3)
torch.randn(5)
torch.randint(10, (4, 3))
torch.randint(-5, 5, (7,))
torch.randperm(10)
torch.randn(20)
torch.randn(2, 3, 4)
torch.rand(2, 3, dtype=torch.float64)
torch.randn(17, dtype=torch.float64)
torch.randn(3, dtype=torch.complex64)
torch.rand_like(torch.zeros(4))
torch.randn_like(torch.zeros(2, 2, dtype=torch.float64))
torch.randint_like(torch.zeros(5), 3, 9)
torch.bernoulli(torch.tensor([0.1, 0.5, 0.9]))
torch.empty(6).bernoulli_(0.3)
torch.normal(0.0, 2.0, (3,))
torch.normal(torch.arange(4.0), torch.ones(4))
torch.normal(torch.arange(4.0), 0.5)
torch.normal(1.0, torch.arange(1.0, 5.0))
torch.empty(4).uniform_(-1, 1)
torch.empty(4).normal_(1, 3)
torch.empty(4).exponential_(2.0)
torch.empty(4).geometric_(0.4)
torch.empty(4).cauchy_()
torch.empty(4).log_normal_()
torch.empty(4, dtype=torch.int64).random_()
torch.empty(4).random_(10)
torch.empty(4).random_(10, 20)
torch.multinomial(torch.tensor([0.1, 0.2, 0.7]), 2)
torch.multinomial(torch.tensor([[0.1, 0.2, 0.7], [1.0, 1.0, 0.0]]), 6, replacement=True)
torch.poisson(torch.tensor([0.5, 3.0, 40.0]))
torch.nn.functional.dropout(torch.ones(3, 4), 0.4)
torch.rand(2, generator=torch.Generator().manual_seed(3))
torch.rand(2, generator=torch.manual_seed(5))
torch.tensor(torch.initial_seed())
torch.randn(3)
""".strip().splitlines()


def main() -> None:
    stored = {}
    for seed in SEEDS:
        g = torch.Generator().manual_seed(seed)
        arrays = [drawn.contiguous().numpy().ravel() for _, drawn in cases(g)]
        parts = [values[::STEP] if values.size >= 10000 else values for values in arrays]
        parts.append(g.get_state().numpy())
        stored[str(seed)] = np.concatenate([np.ascontiguousarray(part).view(np.uint8) for part in parts])
    np.savez_compressed(HERE / "random.npz", **stored)

    torch.manual_seed(42)
    drawn = [[expression, eval(expression)] for expression in API]
    drawn = [{"expression": e, "dtype": str(t.dtype), "values": torch.view_as_real(t).tolist()
              if t.is_complex() else t.tolist()} for e, t in drawn]  # fmt: skip
    (HERE / "random_api.json").write_text(json.dumps(drawn, indent=0) + "\n")


if __name__ == "__main__":
    main()
