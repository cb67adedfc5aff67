"""Losses: fused code against the composite that defines it, edges, reductions, the CTC recursion against all alignments."""

import itertools
import math

import numpy as np
import pytest

import rushlight as torch
from rushlight.nn import functional as F
from rushlight.ops import classification, losses, regression

FUSED = {
    "mse": (regression.mse_loss, (("f", 3, 4), ("f", 3, 4))),
    "smooth": (regression.smooth_l1_loss, (("f", 3, 4), ("f", 3, 4))),
    "huber": (regression.huber_loss, (("f", 3, 4), ("f", 4))),
    "bce": (losses.binary_cross_entropy, (("p", 3, 4), ("p", 3, 4))),
    "logits": (losses.binary_cross_entropy_with_logits, (("f", 3, 4), ("p", 3, 4))),
    "scores": (classification.index_cross_entropy, (("f", 3, 4), ("i", 3))),
    "deep scores": (classification.index_cross_entropy, (("f", 3, 4, 2), ("i", 3, 2))),
    "nll": (classification.nll_loss, (("f", 3, 4), ("i", 3))),
}


def inputs(specs, seed=0):
    generator = np.random.default_rng(seed)
    draw = {"f": generator.normal, "p": lambda size: generator.uniform(0.1, 0.9, size),
    "i": lambda size: generator.integers(0, 4, size)}
    arrays = [draw[kind](size=tuple(shape)) for kind, *shape in specs]
    return [torch.tensor(array, requires_grad=array.dtype.kind == "f") for array in arrays]


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("name", FUSED)
def test_fused_losses_are_their_composites(name, reduction):
    function, specs = FUSED[name]
    for seed in range(3):
        given = inputs(specs, seed)
        leaves = [x for x in given if x.requires_grad]
        weight = None
        results = []
        for run in (function, function.op.composite):
            result = run(*given, reduction=reduction)
            weight = torch.randn(result.shape, dtype=torch.float64) if weight is None else weight
            results.append((result, torch.autograd.grad((result * weight).sum(), leaves, allow_unused=True,
            materialize_grads=True)))
        (fast, fast_gradients), (slow, slow_gradients) = results
        np.testing.assert_allclose(fast.detach().numpy(), slow.detach().numpy(), rtol=1e-12)
        for ours, theirs in zip(fast_gradients, slow_gradients, strict=True):
            if function.op.leading == 1 or ours.any():
                np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("name", FUSED)
def test_a_graph_kept_gives_the_same_gradients_again(name):
    function, specs = FUSED[name]
    given = inputs(specs)
    loss = function(*given)
    first = torch.autograd.grad(loss, given[0], retain_graph=True)[0].clone()
    assert torch.equal(first, torch.autograd.grad(loss, given[0])[0])
    with pytest.raises(RuntimeError, match="a second time"):
        torch.autograd.grad(loss, given[0])


def test_second_order_of_cross_entropy():
    x = torch.randn(3, 4, dtype=torch.float64, requires_grad=True)
    target = torch.tensor([0, 3, 1])
    assert torch.autograd.gradcheck(lambda x: F.cross_entropy(x, target), x)
    assert torch.autograd.gradgradcheck(lambda x: F.cross_entropy(x, target), x)


def test_cross_entropy_of_large_scores():
    x = torch.tensor([[1e4, -1e4], [500.0, 600.0]], requires_grad=True)
    loss = F.cross_entropy(x, torch.tensor([1, 1]), reduction="none")
    assert loss.tolist() == [2e4, 0.0]
    loss.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), [[1, -1], [0, 0]], atol=1e-6)


def test_ignored_targets_cost_nothing():
    x = torch.randn(4, 3, requires_grad=True)
    target = torch.tensor([0, -100, 2, -100])
    loss = F.cross_entropy(x, target)
    np.testing.assert_allclose(loss.item(), F.cross_entropy(x[::2], target[::2]).item(), rtol=1e-6)
    loss.backward()
    assert not x.grad[1::2].any()
    assert math.isnan(F.cross_entropy(x, torch.full((4,), -100)).item())
    assert F.cross_entropy(x, torch.full((4,), -100), reduction="sum").item() == 0.0


def test_targets_may_be_bytes_and_inputs_empty():
    x = torch.randn(2, 3)
    assert torch.equal(F.cross_entropy(x, torch.tensor([1, 2], dtype=torch.uint8)), F.cross_entropy(x, torch.tensor([1, 2])))
    empty = torch.zeros(0, 3, requires_grad=True)
    loss = F.cross_entropy(empty, torch.zeros(0, dtype=torch.int64), reduction="sum")
    loss.backward()
    assert (loss.item(), empty.grad.shape) == (0.0, (0, 3))
    assert math.isnan(F.mse_loss(torch.zeros(0), torch.zeros(0)).item())


def test_types_are_promoted():
    assert F.mse_loss(torch.ones(2), torch.ones(2, dtype=torch.float64)).dtype is torch.float64
    assert F.mse_loss(torch.ones(2), torch.ones(2, dtype=torch.int64)).dtype is torch.float32
    x = torch.ones(2, requires_grad=True)
    F.mse_loss(x, torch.zeros(2, dtype=torch.float64)).backward()
    assert x.grad.dtype is torch.float32


def test_broadcast_targets_get_summed_gradients():
    x, y = torch.randn(3, 2, requires_grad=True), torch.randn(2, requires_grad=True)
    with pytest.warns(UserWarning, match="Using a target size"):
        F.mse_loss(x, y, reduction="sum").backward()
    np.testing.assert_allclose(y.grad.numpy(), (2 * (y - x)).sum(0).detach().numpy(), rtol=1e-5)


def test_binary_cross_entropy_at_the_ends():
    x = torch.tensor([0.0, 1.0, 0.0, 1.0], requires_grad=True)
    loss = F.binary_cross_entropy(x, torch.tensor([0.0, 0.0, 1.0, 1.0]), reduction="none")
    assert loss.tolist() == [0.0, 100.0, 100.0, 0.0]
    loss.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), [0, 1e12, -1e12, 0], rtol=1e-6)
    logits = torch.tensor([-1e4, 1e4], requires_grad=True)
    assert F.binary_cross_entropy_with_logits(logits, torch.tensor([1.0, 0.0]), reduction="sum").item() == 2e4


@pytest.mark.parametrize("labels", [[1], [2, 1], [1, 1], [3, 3, 1], []])
def test_ctc_sums_over_all_alignments(labels):
    steps, classes = 4, 4
    scores = torch.randn(steps, 1, classes, dtype=torch.float64)
    probabilities = F.softmax(scores, 2)[:, 0].numpy()
    total = 0.0
    for path in itertools.product(range(classes), repeat=steps):
        collapsed = [label for label, _ in itertools.groupby(path) if label]
        if collapsed == labels:
            total += math.prod(probabilities[t, label] for t, label in enumerate(path))
    targets = torch.tensor([labels], dtype=torch.int64).reshape(1, len(labels))
    loss = F.ctc_loss(F.log_softmax(scores, 2), targets, (steps,), (len(labels),), reduction="sum")
    wanted = math.inf if total == 0.0 else -math.log(total)
    np.testing.assert_allclose(loss.item(), wanted, rtol=1e-10)


def test_ctc_gradient_through_log_softmax():
    scores = torch.randn(5, 2, 4, dtype=torch.float64, requires_grad=True)
    targets = torch.tensor([[1, 2, 2], [3, 1, 0]])

    def loss(scores):
        return F.ctc_loss(F.log_softmax(scores, 2), targets, (5, 4), (3, 2), reduction="none")

    assert torch.autograd.gradcheck(loss, scores)
    with pytest.raises(NotImplementedError, match="derivative"):
        (first,) = torch.autograd.grad(loss(scores).sum(), scores, create_graph=True)
        torch.autograd.grad(first.sum(), scores)


def test_nodes_are_named_as_pytorchs():
    x, y, target = torch.randn(3, 4, requires_grad=True), torch.rand(3, 4), torch.tensor([0, 1, 2])
    names = {
        "MseLoss": F.mse_loss(x, y), "SmoothL1Loss": F.smooth_l1_loss(x, y), "HuberLoss": F.huber_loss(x, y),
        "Mean": F.l1_loss(x, y),
        "NllLoss": F.cross_entropy(x, target), "NllLoss2D": F.nll_loss(x.reshape(3, 4, 1), target[:, None]),
        "BinaryCrossEntropyWithLogits": F.binary_cross_entropy_with_logits(x, y),
        "BinaryCrossEntropy": F.binary_cross_entropy(torch.sigmoid(x), y), "Div": F.kl_div(x, y, reduction="batchmean"),
    }  # fmt: skip
    for name, result in names.items():
        assert result.grad_fn.name() == f"{name}Backward0"
