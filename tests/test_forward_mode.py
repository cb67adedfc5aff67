"""Forward mode: every op of the registry against its reverse mode, levels and their errors, views, changes in place, orders."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from forward_mode_cases import PROGRAMS
from op_cases import MOST, ONCE, cases, determined, differentiable_ops, function_of_tensors, parametrise, tensors_in

import rushlight as torch
import rushlight.autograd.forward_ad as forward_ad
from rushlight.autograd import gradcheck, gradgradcheck
from rushlight.func import grad, jvp, vjp

pytestmark = pytest.mark.filterwarnings("ignore")

test_as_in_pytorch = PROGRAMS.test(torch)


def noise_like(tensor: Any, seed: int) -> Any:
    generator = np.random.default_rng(seed)
    array = tensor.detach().numpy()
    values = generator.uniform(-1, 1, array.shape)
    if array.dtype.kind == "c":
        values = values + 1j * generator.uniform(-1, 1, array.shape)
    return torch.from_numpy(np.asarray(values, array.dtype))


def inner(first: Any, second: Any) -> float:
    """The real inner product of two lists of tensors."""
    return sum(float((a.conj() * b).real.sum()) for a, b in zip(first, second, strict=True))


@pytest.mark.parametrize(**parametrise(op for op in differentiable_ops() if op.name not in ONCE))
def test_forward_is_the_transpose_of_reverse(op: Any) -> None:
    for case in cases(op)[:MOST]:
        called, tensors = function_of_tensors(case)
        inputs = tuple(one.detach() for one in tensors)

        def function(*given: Any, called: Any = called) -> tuple:
            torch.manual_seed(0)
            results = tensors_in(determined(op, called(*given)))
            return tuple(one for one in results if one.is_floating_point() or one.is_complex())

        outputs = function(*inputs)
        if not outputs or not all(bool(one.isfinite().all()) for one in outputs):
            continue
        tangents = tuple(noise_like(one, 1) for one in inputs)
        weights = tuple(noise_like(one, 2) for one in outputs)
        _, pushed = jvp(function, inputs, tangents)
        _, pull = vjp(function, *inputs)
        for one, output in zip(pushed, outputs, strict=True):
            assert one.shape == output.shape
            assert one.dtype is output.dtype
            assert one.grad_fn is None
        np.testing.assert_allclose(inner(pushed, weights), inner(tangents, pull(weights)), rtol=1e-8, atol=1e-9)


# Whether a loss depends on the phase of eigenvectors is checked node by node, and reverse over forward has two nodes that share it.
@pytest.mark.parametrize(**parametrise(op for op in differentiable_ops() if op.name not in (*ONCE, "linalg.eig")))
def test_all_second_orders_agree(op: Any) -> None:
    """Forward over reverse, reverse over forward and reverse over reverse give the same product with the Hessian."""
    for case in cases(op)[:2]:
        called, tensors = function_of_tensors(case)
        inputs = tuple(one.detach() for one in tensors)

        def number(*given: Any, called: Any = called) -> Any:
            torch.manual_seed(0)
            results = [one for one in tensors_in(determined(op, called(*given))) if one.is_floating_point() or one.is_complex()]
            return sum((one * noise_like(one, 2 + index)).real.sum() for index, one in enumerate(results))

        value = number(*inputs)
        if not isinstance(value, torch.Tensor) or not bool(value.isfinite()):
            continue
        slope = grad(number, tuple(range(len(inputs))))
        tangents = tuple(noise_like(one, 1) for one in inputs)
        wanted = vjp(slope, *inputs)[1](tangents)
        ahead = jvp(slope, inputs, tangents)[1]
        behind = grad(lambda *given: jvp(number, given, tangents)[1], tuple(range(len(inputs))))(*inputs)  # noqa: B023
        for expected, *found in zip(wanted, ahead, behind, strict=True):
            for one in found:
                np.testing.assert_allclose(one.numpy(), expected.numpy(), rtol=1e-7, atol=1e-8)


# --- levels -----------------------------------------------------------------------------------------------------------------------

X = torch.tensor([0.5, -1.2, 2.0])
T = torch.tensor([1.0, 2.0, 3.0])


def unpacked(tensor: Any) -> list:
    primal, tangent = forward_ad.unpack_dual(tensor)
    return [primal.tolist(), None if tangent is None else tangent.tolist()]


def close(found: Any, expected: Any) -> None:
    np.testing.assert_allclose(found.detach().numpy(), expected.detach().numpy(), rtol=1e-5)


def test_a_dual_is_a_view_that_prints_its_tangent() -> None:
    with forward_ad.dual_level():
        dual = forward_ad.make_dual(X, T)
        assert dual.data_ptr() == X.data_ptr()
        assert repr(dual) == "tensor([ 0.5000, -1.2000,  2.0000], tangent=tensor([1., 2., 3.]))"
        primal, tangent = forward_ad.unpack_dual(dual.sin())
        close(primal, X.sin())
        close(tangent, X.cos() * T)
        assert not dual.requires_grad
        assert unpacked(dual.detach())[1] is None
        assert unpacked(X)[1] is None
    assert unpacked(dual)[1] is None
    with forward_ad.dual_level():
        assert unpacked(dual)[1] is None


def test_levels_by_hand() -> None:
    level = forward_ad.enter_dual_level()
    assert level == 0
    assert unpacked(forward_ad.make_dual(X, T, level=level))[1] == [1.0, 2.0, 3.0]
    with pytest.raises(RuntimeError, match="Nested forward mode AD is not supported"):
        forward_ad.enter_dual_level()
    forward_ad.exit_dual_level(level=level)
    with pytest.raises(RuntimeError, match="Dual level must be a positive number"):
        forward_ad.exit_dual_level()
    with pytest.raises(RuntimeError, match="no level exists, make sure to enter_dual_level"):
        forward_ad.make_dual(X, T)


@pytest.mark.parametrize(
    ("primal", "tangent", "kind", "words"),
    [
        (X, torch.ones(2), RuntimeError, "forward gradient that has a different size than that of the original Tensor"),
        (X, torch.tensor([1, 2, 3]), ValueError, "Expected tangent to be floating point or complex"),
        (torch.tensor([1, 2, 3]), X, ValueError, "Expected primal to be floating point or complex"),
        (X, torch.ones(3, dtype=torch.complex64), RuntimeError, "not of the same kind"),
    ],
)  # fmt: skip
def test_what_is_no_dual(primal: Any, tangent: Any, kind: type, words: str) -> None:
    with forward_ad.dual_level(), pytest.raises(kind, match=words):
        forward_ad.make_dual(primal, tangent)


def test_one_tangent_per_level() -> None:
    with forward_ad.dual_level():
        dual = forward_ad.make_dual(X, T)
        with pytest.raises(RuntimeError, match="already has a forward gradient at the same level"):
            forward_ad.make_dual(dual, T)
        with pytest.raises(RuntimeError, match="itself has a forward gradient at the same level"):
            forward_ad.make_dual(X, dual)


# --- views and changes in place ---------------------------------------------------------------------------------------------------


def test_views_and_changes_in_place_carry_tangents() -> None:
    with forward_ad.dual_level():
        dual = forward_ad.make_dual(X.clone(), T.clone())
        part = dual[1:]
        part.mul_(2)
        assert unpacked(dual)[1] == [1.0, 4.0, 6.0]
        assert unpacked(part)[1] == [4.0, 6.0]
        dual.zero_()
        assert unpacked(dual)[1] == [0.0, 0.0, 0.0]


@pytest.mark.parametrize("seed", range(60))
def test_views_and_changes_in_place_agree_with_differences(seed: int) -> None:
    generator = np.random.default_rng(seed)
    values, directions = generator.normal(size=(2, 3, 2, 3))
    choices = generator.integers(0, 1000, (8, 4)).tolist()
    step = 1e-6
    with forward_ad.dual_level():
        given = [forward_ad.make_dual(torch.tensor(a), torch.tensor(t)) * 1 for a, t in zip(values, directions, strict=True)]
        tangents = [forward_ad.unpack_dual(one).tangent for one in changed_at_random(given[:2] + [given[2].detach()], choices)]
    directions[2] = 0
    shifted = [changed_at_random([*map(torch.tensor, values + sign * step * directions)], choices) for sign in (1, -1)]
    for tangent, above, below in zip(tangents, *shifted, strict=True):
        found = np.zeros(above.shape) if tangent is None else tangent.numpy()
        scale = max(1, float(above.abs().max()))
        np.testing.assert_allclose(found, (above - below).numpy() / (2 * step), rtol=1e-5, atol=1e-5 * scale)


def changed_at_random(tensors: list, choices: list) -> list:
    """Tensors, views of them that were taken on the way, and all that was changed in place through any of these."""
    for kind, first, second, number in choices:
        one, other = tensors[first % len(tensors)], tensors[second % len(tensors)]
        fits = one.shape == other.shape
        match kind % 9:
            case 0:
                tensors.append(one[number % one.shape[0] :])
            case 1:
                tensors.append(one.t() if one.ndim == 2 else one.unsqueeze(0))
            case 2:
                tensors.append(one.reshape(-1))
            case 3:
                one.mul_(other if fits else 2.0)
            case 4:
                one.add_(other if fits else other.sum())
            case 5:
                one.copy_(other if fits else other.sum())
            case 6:
                one.div_(2) if number % 3 else one.zero_()
            case 7:
                tensors.append(one * other if fits else one.sin())
            case 8:
                one[0] = other.mean() if number % 3 else 3.0
    return tensors


def test_writing_a_dual_into_a_view_gives_the_base_a_tangent() -> None:
    with forward_ad.dual_level():
        base = torch.zeros(3)
        view = base[:2]
        view.copy_(forward_ad.make_dual(X, T)[:2])
        assert unpacked(base)[1] == [1.0, 2.0, 0.0]
        assert unpacked(view)[1] == [1.0, 2.0]
        base[2] = forward_ad.make_dual(X, T)[0]
        assert unpacked(base)[1] == [1.0, 2.0, 1.0]


def test_types() -> None:
    with forward_ad.dual_level():
        dual = forward_ad.make_dual(X, T)
        assert forward_ad.unpack_dual(dual.double()).tangent.dtype is torch.float64
        assert forward_ad.unpack_dual(dual.to(torch.complex64)).tangent.dtype is torch.complex64
        assert forward_ad.unpack_dual(dual > 0).tangent is None
        assert forward_ad.unpack_dual(dual.int()).tangent is None
        assert forward_ad.unpack_dual(dual.max(0).indices).tangent is None
        assert forward_ad.unpack_dual(dual.max(0).values).tangent.item() == 3.0
        assert forward_ad.unpack_dual(forward_ad.make_dual(X, T.double())).tangent.dtype is torch.float32


def test_module_with_dual_parameters() -> None:
    layer = torch.nn.Linear(3, 2)
    with forward_ad.dual_level():
        given = {name: forward_ad.make_dual(one, torch.ones_like(one)) for name, one in layer.named_parameters()}
        tangent = forward_ad.unpack_dual(torch.func.functional_call(layer, given, (X,))).tangent
    close(tangent, (X.sum() + 1).expand(2))


# --- mixed orders -----------------------------------------------------------------------------------------------------------------


def test_forward_over_reverse() -> None:
    leaf = X.clone().requires_grad_()
    with forward_ad.dual_level():
        dual = forward_ad.make_dual(leaf, T)
        (slope,) = torch.autograd.grad((dual**3).sum(), leaf)
        primal, tangent = forward_ad.unpack_dual(slope)
    close(primal, 3 * X**2)
    close(tangent, 6 * X * T)


def test_reverse_over_forward() -> None:
    leaf = X.clone().requires_grad_()
    direction = T.clone().requires_grad_()
    with forward_ad.dual_level():
        tangent = forward_ad.unpack_dual(forward_ad.make_dual(leaf, direction) ** 3).tangent
    tangent.sum().backward()
    close(leaf.grad, 6 * X * T)
    close(direction.grad, 3 * X**2)


def test_perturbations_are_not_confused() -> None:
    one, three = torch.tensor(1.0), torch.tensor(3.0)

    def slope(function: Any) -> Any:
        return lambda x: jvp(function, (x,), (one,))[1]

    assert slope(lambda x: x * slope(lambda y: x + y)(one))(three) == 1.0
    assert slope(lambda x: slope(lambda y: x * y * y)(x))(three) == 12.0
    assert grad(lambda x: slope(lambda y: x * y * y)(x))(three) == 12.0
    assert slope(lambda x: grad(lambda y: x * y * y)(x))(three) == 12.0


def test_tangents_have_no_history_of_their_own() -> None:
    one, three = torch.tensor(1.0), torch.tensor(3.0)
    for result in jvp(lambda x: jvp(lambda y: x * y * y, (x,), (one,))[1], (three,), (one,)):
        assert result.grad_fn is None
    weight = torch.tensor(2.0, requires_grad=True)
    value, tangent = jvp(lambda x: (x * weight).sin(), (three,), (one,))
    tangent.backward()
    close(weight.grad, (three * weight).cos() - weight * three * (three * weight).sin())


def test_checkers_take_forward_mode() -> None:
    x = X.double().requires_grad_()
    assert gradcheck(lambda x: x.sin() * x, x, check_forward_ad=True, check_batched_grad=True, check_batched_forward_grad=True)
    assert gradgradcheck(lambda x: x.sin() * x, x, check_fwd_over_rev=True)
    assert torch.autograd.forward_ad is forward_ad
