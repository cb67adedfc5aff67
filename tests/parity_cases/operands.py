"""Operands at the edge of what operators take: empty ones, truth values, sizes that do not fit, types that are refused."""

from __future__ import annotations

from .programs import attempts, case


@case
def empty_operands(torch):
    def zeros(*shape):
        return torch.zeros(*shape, dtype=torch.float64)

    return attempts(
        lambda: torch.matmul(zeros(5, 5, 0), zeros(0, 5)).shape, lambda: torch.matmul(zeros(0, 0), zeros(5, 0, 0)).shape,
        lambda: torch.searchsorted(zeros(0), zeros(0)), lambda: torch.searchsorted(zeros(2, 0), zeros(2, 3)),
        lambda: torch.nn.functional.batch_norm(zeros(0), zeros(0), zeros(0), training=True).shape,
        lambda: torch.nn.functional.batch_norm(zeros(1), None, None, training=True),
        lambda: torch.nn.functional.batch_norm(zeros(1, 0), None, None, training=True),
    )  # fmt: skip


@case
def differences_of_order_zero(torch):
    x = torch.tensor([1.0, 4.0])
    return torch.diff(x, 0, prepend=x, append=x)


@case
def next_numbers_have_a_derivative(torch):
    x, y = (torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in ([1.0, 2.0], [2.0, 1.0]))
    return torch.autograd.grad(torch.nextafter(x, y).sum(), (x, y))


@case
def truth_values_added(torch):
    b, places = torch.tensor([True, False, True]), torch.tensor([0, 1, 1])
    ones = torch.ones(3, 3, dtype=torch.bool)
    return [
        torch.zeros(3, dtype=torch.bool).index_add(0, places, b), torch.tensor(True).index_add(0, places[:1], torch.tensor(True)),
        torch.addr(ones, b, b, beta=False), torch.addr(ones, b, b, beta=2), torch.addr(ones, b, b, alpha=False),
    ]  # fmt: skip


@case
def losses_of_nothing(torch):
    def gradients(targets, reduction, weight=None):
        x = torch.tensor([[0.1, 0.2, 0.3], [0.5, 0.1, 0.9]], dtype=torch.float64, requires_grad=True)
        weight = weight and torch.tensor(weight, dtype=torch.float64)
        losses = torch.nn.functional.cross_entropy, torch.nn.functional.nll_loss
        each = [loss(x, torch.tensor(targets), weight, reduction=reduction, ignore_index=1) for loss in losses]
        return [(loss.detach(), torch.autograd.grad(loss, x)) for loss in each]

    return [
        gradients([1, 1], "mean"), gradients([1, 1], "sum"), gradients([1, 2], "mean"), gradients([1, 2], "mean", [1.0, 0.0, 0.0]),
    ]  # fmt: skip


@case
def variances_that_broadcast(torch):
    def loss(shape):
        x = torch.ones(4, 5, dtype=torch.float64)
        return torch.nn.functional.gaussian_nll_loss(x, x * 2, torch.full(shape, 0.5, dtype=torch.float64))

    return attempts(*[lambda s=shape: loss(s) for shape in ((4,), (1, 5), (4, 1), (1, 1), (5,), (1,), (), (4, 5, 1), (5, 4))])


@case
def refused(torch):
    integers, pair = torch.tensor([1, 2, 3]), torch.tensor([1, 2])
    nn = torch.nn
    return attempts(
        lambda: torch.igamma(integers, 2), lambda: torch.igamma(2.0, integers), lambda: torch.igammac(integers, integers),
        lambda: torch.complex(torch.ones(1), pair[:1]), lambda: pair.masked_fill(torch.tensor(True), torch.tensor(1j)),
        lambda: pair.masked_fill(torch.tensor(True), 1j), lambda: torch.zeros(3, 4).narrow(0, torch.tensor(True), 1),
        lambda: torch.zeros(3, 4).narrow(0, 1.0, 1), lambda: torch.zeros(3, 4).narrow(0, torch.tensor(1), 1).shape,
        lambda: nn.HuberLoss(delta=1j), lambda: nn.GRU(2, 3, bias=1), lambda: nn.LSTM(2, 3, batch_first="yes"),
        lambda: nn.RNN(0, 3),
    )  # fmt: skip


@case
def gather_names_the_size_first(torch):
    return torch.gather(torch.zeros(1, 1), 1, torch.tensor([[0, 1], [0, 1]]))


@case
def samples_of_a_pooling_without_batch(torch):
    samples = torch.arange(24.0).reshape(2, 4, 3) / 24
    x = torch.arange(4 * 5 * 6 * 7.0).reshape(4, 5, 6, 7)
    return torch.nn.functional.fractional_max_pool3d(x, 2, output_size=2, _random_samples=samples)
