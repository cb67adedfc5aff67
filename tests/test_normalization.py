"""Normalisation: statistics, running averages, fused code against the composite that defines it, half precision."""

import numpy as np
import pytest

import rushlight as torch
from rushlight.nn import functional as F
from rushlight.ops import normalization

FUSED = {
    "layer": (normalization.layer_norm, (2, 5, 3), (3,), ((3,),)),
    "layer of two dimensions": (normalization.layer_norm, (4, 2, 3), (2, 3), ((2, 3),)),
    "group": (normalization.group_norm, (2, 4, 3), (4,), (2,)),
    "batch": (normalization.batch_norm_training, (5, 3), (3,), ()),
    "batch of images": (normalization.batch_norm_training, (2, 3, 2, 2), (3,), ()),
}


@pytest.mark.parametrize("parameters", ["both", "weight", "bias", "none"])
@pytest.mark.parametrize("name", FUSED)
def test_fused_functions_are_their_composites(name, parameters):
    function, shape, size, options = FUSED[name]
    x, w, b = (torch.randn(*s, dtype=torch.float64, requires_grad=True) for s in (shape, size, size))
    w, b = w if parameters in ("both", "weight") else None, b if parameters in ("both", "bias") else None
    leaves = [one for one in (x, w, b) if one is not None]
    weight = torch.randn(*shape, dtype=torch.float64)
    fast, slow = (run(x, *options, w, b, 0.01) for run in (function, function.op.composite))
    np.testing.assert_allclose(fast.detach().numpy(), slow.detach().numpy(), rtol=1e-10, atol=1e-12)
    for ours, theirs in zip(*(torch.autograd.grad((one * weight).sum(), leaves) for one in (fast, slow)), strict=True):
        np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-9, atol=1e-11)


def test_rows_are_standardised():
    y = F.layer_norm(torch.randn(6, 50) * 3 + 7, (50,)).numpy()
    np.testing.assert_allclose(y.mean(1), 0, atol=1e-5)
    np.testing.assert_allclose(y.std(1), 1, rtol=1e-4)
    z = F.rms_norm(torch.randn(6, 50), (50,)).numpy()
    np.testing.assert_allclose((z * z).mean(1), 1, rtol=1e-4)


def test_running_statistics_move_by_the_momentum():
    x = torch.randn(8, 3, 2) * 2 + 1
    mean, var = torch.zeros(3), torch.ones(3)
    versions = mean._version, var._version
    F.batch_norm(x, mean, var, training=True, momentum=0.25)
    flat = x.permute(1, 0, 2).reshape(3, -1).numpy()
    np.testing.assert_allclose(mean.numpy(), 0.25 * flat.mean(1), rtol=1e-5)
    np.testing.assert_allclose(var.numpy(), 0.75 + 0.25 * flat.var(1, ddof=1), rtol=1e-5)
    assert (mean._version, var._version) == (versions[0] + 1, versions[1] + 1)


def test_instance_statistics_are_means_over_samples():
    x = torch.randn(4, 3, 5)
    mean, var = torch.zeros(3), torch.zeros(3)
    F.instance_norm(x, mean, var, momentum=1.0)
    np.testing.assert_allclose(mean.numpy(), x.mean((0, 2)).numpy(), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(var.numpy(), x.var(2).mean(0).numpy(), rtol=1e-4)


def test_changing_running_statistics_before_backward_is_noticed():
    x = torch.randn(4, 3, requires_grad=True)
    mean, var = torch.zeros(3), torch.ones(3)
    w = torch.ones(3, requires_grad=True)
    y = F.batch_norm(x, mean, var, w)
    var.mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()
    F.batch_norm(x, mean, var, w, training=True).sum().backward()  # in training they play no part in the derivative


def test_second_order_of_batch_norm_in_training():
    x = torch.randn(4, 2, dtype=torch.float64, requires_grad=True)
    w = torch.randn(2, dtype=torch.float64, requires_grad=True)
    mean, var = torch.zeros(2, dtype=torch.float64), torch.ones(2, dtype=torch.float64)
    assert torch.autograd.gradgradcheck(lambda x, w: F.batch_norm(x, mean, var, w, training=True), (x, w))


def test_an_empty_batch():
    for y in (F.layer_norm(torch.zeros(0, 3), (3,)), F.batch_norm(torch.zeros(0, 3), torch.zeros(3), torch.ones(3))):
        assert y.shape == (0, 3)


def test_half_precision_is_computed_in_single():
    x = torch.randn(3, 64) * 100
    half = F.layer_norm(x.half(), (64,), torch.ones(64), torch.zeros(64))
    assert half.dtype is torch.float16
    np.testing.assert_allclose(half.float().numpy(), F.layer_norm(x.half().float(), (64,)).numpy(), atol=2e-3)


def test_nodes_are_named_as_pytorchs():
    x = torch.randn(2, 4, requires_grad=True)
    assert F.layer_norm(x, (4,)).grad_fn.name() == "NativeLayerNormBackward0"
    assert F.group_norm(x, 2).grad_fn.name() == "NativeGroupNormBackward0"
    node = F.batch_norm(x, torch.zeros(4), torch.ones(4), training=True).grad_fn
    assert (node.name(), len(node.next_functions)) == ("NativeBatchNormBackward0", 3)
