"""Functions that few programs use: estimates, histograms of points, masked reductions, lazy modules."""

from __future__ import annotations

import math

from .programs import attempts, case


@case
def gradient_of_samples(torch):
    x = torch.tensor([[1.0, 2, 4, 8], [0, 3, 1, 9], [5, 5, 2, 2]], dtype=torch.float64, requires_grad=True)
    rows, columns = torch.tensor([0.0, 1, 3], dtype=torch.float64), torch.tensor([0.0, 1, 4, 5], dtype=torch.float64)

    def both(**options):
        found = torch.gradient(x, **options)
        return [one.detach() for one in found], torch.autograd.grad(sum((one * one).sum() for one in found), x)

    return attempts(
        lambda: both(), lambda: both(spacing=2.0), lambda: both(spacing=(2.0, 3.0), dim=(1, 0)), lambda: both(edge_order=2),
        lambda: both(spacing=(rows, columns)), lambda: both(spacing=(rows, columns), edge_order=2),
        lambda: both(spacing=[columns], dim=-1), lambda: both(spacing=torch.tensor(2.0)),
        lambda: torch.gradient(torch.tensor([1, 2, 4]), spacing=2), lambda: torch.gradient(x, edge_order=3),
        lambda: torch.gradient(x[:1], dim=0), lambda: torch.gradient(x, spacing=(1.0,)), lambda: torch.gradient(x, dim=(0, 0)),
        lambda: torch.gradient(x, spacing="a"),
    )  # fmt: skip


@case
def factors_of_low_rank(torch):
    A = torch.arange(24, dtype=torch.float64).reshape(4, 6).sin()
    found = []
    for B in (A, A.mT):
        U, S, V = torch.svd_lowrank(B, q=4)
        centred, means = torch.pca_lowrank(B, q=4), B - B.mean(-2, keepdim=True)
        found += [[U.shape, V.shape], S, U @ torch.diag(S) @ V.mT, centred[0] @ torch.diag(centred[1]) @ centred[2].mT - means]
    return [one.round(decimals=9) if isinstance(one, torch.Tensor) else one for one in found]


@case
def histogram_of_points(torch):
    points = torch.tensor([[0.0, 1.0], [1.0, 0.0], [2.0, 0.0], [2.0, 2.0]], dtype=torch.float64)
    edges = (torch.tensor([0.0, 1, 2], dtype=torch.float64), torch.tensor([0.0, 2.0], dtype=torch.float64))
    return attempts(
        lambda: torch.histogramdd(points, bins=[3, 3], weight=points[:, 1]), lambda: torch.histogramdd(points, 2, density=True),
        lambda: torch.histogramdd(points, bins=[2, 2], range=[0.0, 1.0, 0.0, 1.0]), lambda: torch.histogramdd(points, bins=edges),
        lambda: torch.histogramdd(points.long(), 2), lambda: torch.histogramdd(points[0], 2),
        lambda: torch.histogramdd(points, [2]),
    )  # fmt: skip


@case
def small_functions(torch):
    x = torch.tensor([[1.0, 2, 4], [0, 3, 1]], dtype=torch.float64)
    return attempts(
        lambda: torch.vander(torch.tensor([1, 2, 3])), lambda: torch.vander(torch.tensor([1.0, 2]), 3, True),
        lambda: torch.vander(x), lambda: torch.norm_except_dim(x, 2, 0), lambda: torch.norm_except_dim(x, 1, -1),
        lambda: torch.nuclear_norm(x, True),
        lambda: torch.frobenius_norm(x, 1), lambda: torch.slice_copy(x, 1, 0, 3, 2), lambda: torch.native_dropout(x, 0.5, False),
        lambda: torch.native_group_norm(x.repeat(1, 2), None, None, 2, 6, 1, 3, 1e-5)[1:], lambda: torch.nonzero_static(x, size=1),
        lambda: torch.nonzero_static(x, size=7, fill_value=9), lambda: torch.nonzero_static(x, size=-1),
        lambda: torch.hash_tensor(torch.tensor([1, 2, 4])).item(), lambda: torch.hash_tensor(x, 1).tolist(),
        lambda: x.clone().apply_(lambda v: v + 1), lambda: x.clone().map_(x, lambda a, b: a * b), lambda: x.t().dim_order(),
    )  # fmt: skip


@case
def masked_reductions(torch):
    masked, x = torch.masked, torch.tensor([[1.0, -2.0, 4.0], [0.5, 3.0, 1.0]], dtype=torch.float64, requires_grad=True)
    mask = torch.tensor([[True, False, True], [False, False, False]])
    found = []
    for name in ("sum", "prod", "mean", "amax", "amin", "norm", "var", "std", "logsumexp"):
        for dim in (None, 0, 1):
            y = getattr(masked, name)(x, dim=dim, mask=mask)
            found.append([y.detach(), torch.autograd.grad(y.sum(), x)[0]])
    for name in ("softmax", "log_softmax", "softmin", "cumsum", "cumprod"):
        found.append(getattr(masked, name)(x, 1, mask=mask).detach())
    found += [masked.argmax(x, 1, mask=mask), masked.median(x, 1, mask=mask), masked.normalize(x, 2.0, 1, mask=mask).detach()]
    return found + attempts(lambda: masked.sum(x, mask=mask[None]), lambda: masked.mean(x.long(), mask=mask))


@case
def lazy_modules(torch):
    nn = torch.nn

    def made(module, *shape):
        before = [repr(module), len(module.state_dict()), module.has_uninitialized_params()]
        torch.manual_seed(0)
        y = module(torch.ones(shape))
        return [*before, repr(module), type(module).__name__, list(y.shape), [list(p.shape) for p in module.parameters()]]

    return attempts(
        lambda: made(nn.LazyLinear(5), 2, 3), lambda: made(nn.LazyConv2d(4, 3, 2, 1, 1, 2, False), 1, 2, 5, 5),
        lambda: made(nn.LazyConvTranspose1d(4, 3), 1, 2, 5), lambda: made(nn.LazyBatchNorm1d(), 4, 3),
        lambda: made(nn.LazyInstanceNorm2d(), 1, 2, 5, 5), lambda: nn.LazyLinear(2).weight.shape,
        lambda: nn.LazyLinear(2).weight + 1,
        lambda: nn.LazyConv1d(4, 3)(torch.ones(5)), lambda: nn.LazyConv1d(4, 3, groups=2)(torch.ones(3, 5)),
        lambda: nn.LazyLinear(2).double().weight.dtype, lambda: nn.Linear(3, 2).load_state_dict(nn.LazyLinear(2).state_dict()),
        lambda: str(nn.LazyLinear(2).load_state_dict(nn.Linear(3, 2).state_dict())), lambda: repr(nn.LazyLinear(2).weight),
    )  # fmt: skip


@case
def adaptive_softmax(torch):
    torch.manual_seed(0)
    module = torch.nn.AdaptiveLogSoftmaxWithLoss(16, 20, [5, 10, 15], div_value=2.0, dtype=torch.float64)
    x = torch.linspace(-1, 1, 128, dtype=torch.float64).reshape(8, 16).sin().requires_grad_()
    target = torch.tensor([0, 17, 10, 8, 8, 19, 2, 3])
    output, loss = module(x, target)
    found = [repr(module), output.detach(), loss.detach(), torch.autograd.grad(loss, x), module.log_prob(x).sum(1).detach()]
    found += [module.predict(x), module(x[0], target[0])[0].detach()]
    return found + attempts(
        lambda: torch.nn.AdaptiveLogSoftmaxWithLoss(16, 20, [5, 5]), lambda: torch.nn.AdaptiveLogSoftmaxWithLoss(16, 20, [20]),
        lambda: module(x, target[:3]), lambda: module(x, target + 10), lambda: module(x, target[0]),
    )  # fmt: skip


@case
def linear_cross_entropy_module(torch):
    torch.manual_seed(0)
    module = torch.nn.LinearCrossEntropyLoss(4, 5, out_features=(2,), bias=True, weight=torch.ones(5))
    loss = module(torch.ones(3, 4), torch.tensor([[0, 1], [2, 3], [4, 0]]))
    return [repr(module), list(module.state_dict()), round(loss.item(), 5), repr(torch.nn.LinearCrossEntropyOptions())]


@case
def close_and_not(torch):
    close, t = torch.testing.assert_close, torch.tensor

    def message(*pair, **options):
        try:
            return close(*pair, **options)
        except Exception as error:
            return [type(error).__name__, str(error) if isinstance(error, AssertionError) else ""]

    nan = t([math.nan])
    return [
        message(t([1.0, 2, 3]), t([1.0, 2, 4])), message(t([1.0, 2]), t([1.0, 2 + 1e-7])), message(t([1, 2]), t([1, 3])),
        message(t(1.0), t(2.0)), message(t([1.0]), t([1])), message(t([1.0]), t([1.0, 2.0])), message(1.0, 2.0), message(1, 1.0),
        message([t(1.0), t(2.0)], [t(1.0), t(3.0)]), message([1.0], [1.0, 2.0]), message({"a": 1}, {"b": 1}), message(nan, nan),
        message({"a": [t(1.0)]}, {"a": [t(2.0)]}), message(nan, nan, equal_nan=True), message(None, t(1.0)), message(True, False),
        message(t([1.0]), t([2.0]), rtol=0, atol=0.5), message(t([1.0]), t([2.0]), rtol=0.1), message("a", "a"), message((1,), [1]),
        message(t([1.0]), t([2.0]), msg="oops"), message(t([1.0]), t([1.0]).double(), check_dtype=False), message(1j, 2j),
    ]  # fmt: skip


@case
def random_inputs(torch):
    def make(*shape, **options):
        return torch.testing.make_tensor(*shape, device="cpu", **options)

    torch.manual_seed(0)
    return [
        make(2, 3, dtype=torch.float64), make((3,), dtype=torch.int64), make(3, dtype=torch.bool), make(2, dtype=torch.complex128),
        make((3,), dtype=torch.float64, low=0, high=1, requires_grad=True), make(4, dtype=torch.uint8, low=2, high=5),
        make((2, 3), dtype=torch.float64, noncontiguous=True), make((2, 3), dtype=torch.float32, noncontiguous=True).stride(),
    ]  # fmt: skip
