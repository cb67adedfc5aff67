"""autograd.functional: Jacobians, Hessians and their products with vectors; gradients of a batch of cotangents."""

from __future__ import annotations

import pytest
from autograd_functional_cases import PROGRAMS

import rushlight as torch
from rushlight.autograd import grad
from rushlight.autograd.functional import hessian, hvp, jacobian, jvp, vhp, vjp

STRICT_OUTPUT = "Output 0 of the user-provided function does not require gradients. The outputs must be computed in a"
INDEPENDENT = "While computing the hessian, found that the jacobian of the user-provided function with respect to input {} is"


def tensor(*values: float, **options) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64, **options)


x, y, ones = tensor(1.0, 2.0), tensor(3.0, 4.0), tensor(1.0, 1.0)


def cube(t):
    return (t**3).sum()


def mixed(a, b):
    return (a * a * b).sum()


def lists(result):
    """Nested tuples of tensors as nested lists."""
    return [lists(one) for one in result] if isinstance(result, (tuple, list)) else result.tolist()


test_as_in_pytorch = PROGRAMS.test(torch)


# --- Jacobian -------------------------------------------------------------------------------------------------------

ways = pytest.mark.parametrize(
    "way", [{}, {"create_graph": True}, {"vectorize": True}, {"vectorize": True, "strategy": "forward-mode"}]
)


@ways
def test_jacobian(way) -> None:
    assert lists(jacobian(lambda t: t * t, x, **way)) == [[2, 0], [0, 4]]
    assert lists(jacobian(lambda t: t.sum(), x, **way)) == [1, 1]
    assert lists(jacobian(lambda a, b: (a * b, a.sum()), (x, y), **way)) == [[[[3, 0], [0, 4]], [[1, 0], [0, 2]]], [[1, 1], [0, 0]]]
    assert lists(jacobian(lambda a, b: a * 2, (x, y), **way)) == [[[2, 0], [0, 2]], [[0, 0], [0, 0]]]
    matrix = tensor(*range(6)).reshape(2, 3)
    found = jacobian(lambda m: (m @ m.T).exp(), matrix / 10, **way)
    assert found.shape == (2, 2, 2, 3)
    if way:
        assert torch.allclose(found, jacobian(lambda m: (m @ m.T).exp(), matrix / 10))


def test_structure_follows_the_arguments() -> None:
    single = jacobian(lambda t: t * t, x)
    assert isinstance(single, torch.Tensor)
    assert isinstance(jacobian(lambda t: t * t, (x,)), tuple)
    nested = jacobian(lambda t: (t * t,), (x,))
    assert isinstance(nested, tuple) and isinstance(nested[0], tuple) and torch.equal(nested[0][0], single)


@pytest.mark.parametrize("vectorize", [False, True])
def test_history_of_a_jacobian(vectorize) -> None:
    t = x.clone().requires_grad_()
    assert not jacobian(lambda t: t * t, t, vectorize=vectorize).requires_grad
    found = jacobian(lambda t: t**3, t, create_graph=True, vectorize=vectorize)
    assert grad(found.sum(), t)[0].tolist() == [6.0, 12.0]
    assert t.grad is None


def test_constant_outputs_give_zeros() -> None:
    for vectorize in (False, True):
        assert lists(jacobian(lambda t: y * 2, x, vectorize=vectorize)) == [[0, 0], [0, 0]]
        assert lists(jacobian(lambda t: t.detach(), x, vectorize=vectorize)) == [[0, 0], [0, 0]]


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        ((lambda t: 1, x), {}, TypeError, "The outputs of the user-provided function given to jacobian must be either a Tensor or "
         "a tuple of Tensors but the given outputs of the user-provided function has type <class 'int'>."),
        ((lambda t: (t, 1), x), {}, TypeError, "but the value at index 1 has type <class 'int'>."),
        ((lambda t: [t, t], x), {}, TypeError, "has type <class 'list'>."),
        ((lambda t: t, 1), {}, TypeError, "The inputs given to jacobian must be either a Tensor or a tuple of Tensors but the "
         "given inputs has type <class 'int'>."),
        ((lambda t, u: t, (x, 1)), {}, TypeError, "the value at index 1 has type <class 'int'>."),
        ((lambda t: t, x), {"strategy": "wrong"}, AssertionError, "Expected strategy to be either"),
        ((lambda t: t, x), {"strategy": "forward-mode"}, NotImplementedError, "Computing Jacobian using forward-AD"),
        ((lambda t: t, x), {"strategy": "forward-mode", "vectorize": True, "create_graph": True}, NotImplementedError,
         '`create_graph=True` and `strategy="forward-mode"` are not supported together (yet)'),
        ((lambda t: t, x), {"vectorize": True, "strict": True}, RuntimeError,
         "`strict=True` and `vectorized=True` are not supported together."),
        ((lambda a, b: a * 2, (x, y)), {"strict": True}, RuntimeError,
         "Output 0 of the user-provided function is independent of input 1. This is not allowed in strict mode."),
        ((lambda t: y * 2, x), {"strict": True}, RuntimeError, STRICT_OUTPUT),
        ((lambda t: t * 2, x), {"strict": True, "create_graph": True}, RuntimeError,
         "The jacobian of the user-provided function is independent of input 0. This is not allowed in strict mode "
         "when create_graph=True."),
        ((lambda t: t * (1 + 1j), x), {}, RuntimeError, "grad can be implicitly created only for real scalar outputs"),
    ],
)  # fmt: skip
def test_jacobian_errors(arguments, options, error, message) -> None:
    with pytest.raises(error) as caught:
        jacobian(*arguments, **options)
    assert message in str(caught.value)


# --- Hessian --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "way", [{}, {"create_graph": True}, {"vectorize": True}, {"vectorize": True, "outer_jacobian_strategy": "forward-mode"}]
)
def test_hessian(way) -> None:
    assert lists(hessian(cube, x, **way)) == [[6, 0], [0, 12]]
    assert lists(hessian(lambda a, b: (a**3 * b).sum(), (x, y), **way)) == [
        [[[18, 0], [0, 48]], [[3, 0], [0, 12]]],
        [[[3, 0], [0, 12]], [[0, 0], [0, 0]]],
    ]
    assert lists(hessian(lambda t: t.sum(), x, **way)) == [[0, 0], [0, 0]]
    assert lists(hessian(lambda t: cube(t).reshape(1, 1), x, **way)) == [[6, 0], [0, 12]]


def test_history_of_a_hessian() -> None:
    t = x.clone().requires_grad_()
    found = hessian(lambda t: (t**4).sum(), t, create_graph=True)
    assert grad(found.sum(), t)[0].tolist() == [24.0, 48.0]
    assert not hessian(cube, t).requires_grad


@pytest.mark.parametrize(
    ("function", "inputs", "options", "error", "message"),
    [
        (lambda t: t, x, {}, RuntimeError, "The Tensor returned by the function given to hessian should contain a single element"),
        (lambda t: (t.sum(),), x, {}, RuntimeError, "The function given to hessian should return a single Tensor"),
        (lambda t: 1, x, {}, TypeError, "The outputs of the user-provided function given to hessian must be either a Tensor or"),
        (cube, x, {"outer_jacobian_strategy": "wrong"}, AssertionError, "Expected strategy to be either"),
        (cube, x, {"outer_jacobian_strategy": "forward-mode"}, NotImplementedError, "forward-over-reverse Hessian"),
        (cube, x, {"vectorize": True, "strict": True}, RuntimeError, "are not supported together"),
        (lambda t: t.sum(), x, {"strict": True}, RuntimeError, INDEPENDENT.format(0)),
        (lambda a, b: cube(a) + b.sum(), (x, y), {"strict": True}, RuntimeError, INDEPENDENT.format(1)),
        (lambda a, b: cube(a), (x, y), {"strict": True}, RuntimeError, INDEPENDENT.format(1)),
    ],
)
def test_hessian_errors(function, inputs, options, error, message) -> None:
    with pytest.raises(error) as caught:
        hessian(function, inputs, **options)
    assert message in str(caught.value)


# --- products -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize(
    ("product", "function", "inputs", "v", "expected"),
    [
        (vjp, lambda t: t * t, x, ones, [[1, 4], [2, 4]]),
        (vjp, lambda t: (t * t).sum(), x, None, [5, [2, 4]]),
        (vjp, lambda t: t * t, (x,), ones, [[1, 4], [[2, 4]]]),
        (vjp, lambda a, b: a * a, (x, y), ones, [[1, 4], [[2, 4], [0, 0]]]),
        (vjp, lambda t: y, x, ones, [[3, 4], [0, 0]]),
        (jvp, lambda t: t * t, x, ones, [[1, 4], [2, 4]]),
        (jvp, lambda t: t * t, torch.tensor(2.0), None, [4, 4]),
        (jvp, lambda a, b: a * b, (x, y), (ones, ones), [[3, 8], [4, 6]]),
        (jvp, lambda t: (t * t, t), x, ones, [[[1, 4], [1, 2]], [[2, 4], [1, 1]]]),
        (jvp, lambda t: y, x, ones, [[3, 4], [0, 0]]),
        (vhp, cube, x, ones, [9, [6, 12]]),
        (vhp, mixed, (x, y), (ones, ones), [19, [[8, 12], [2, 4]]]),
        (vhp, lambda t: t.sum(), x, ones, [3, [0, 0]]),
        (vhp, lambda t: y.sum(), x, ones, [7, [0, 0]]),
        (hvp, cube, x, ones, [9, [6, 12]]),
        (hvp, mixed, (x, y), (ones, ones), [19, [[8, 12], [2, 4]]]),
        (hvp, lambda t: t.sum(), x, ones, [3, [0, 0]]),
        (hvp, lambda t: y.sum(), x, ones, [7, [0, 0]]),
        (hvp, lambda t: (t**2).sum().reshape(1), tensor(1.0), None, [[1], [2]]),
    ],
)
def test_products(product, function, inputs, v, expected, create_graph) -> None:
    assert lists(product(function, inputs, v, create_graph=create_graph)) == expected


@pytest.mark.parametrize(("product", "function"), [(vjp, lambda t: t**3), (jvp, lambda t: t**3), (vhp, cube), (hvp, cube)])
def test_history_of_products(product, function) -> None:
    t = x.clone().requires_grad_()
    value, found = product(function, t, ones)
    assert not value.requires_grad and not found.requires_grad
    value, found = product(function, t, ones, create_graph=True)
    second_order = product in (vjp, jvp)
    assert grad(found.sum(), t, retain_graph=True)[0].tolist() == ([6.0, 12.0] if second_order else [6.0, 6.0])
    assert grad(value.sum(), t)[0].tolist() == [3.0, 12.0]


NO_VECTOR = "The vector v can only be None if the input to the user-provided function is a single Tensor with a single element."


@pytest.mark.parametrize(
    ("product", "arguments", "options", "message"),
    [
        (vjp, (lambda t: t * t, x), {}, "The vector v can only be None if the user-provided function returns a single Tensor"),
        (vjp, (lambda t: t * t, x, tensor(1, 2, 3)), {}, "v has invalid size: should be torch.Size([2]) but got torch.Size([3])."),
        (vjp, (lambda t: (t * t, t), x, ones), {}, "v is a tuple of invalid length: should be 2 but got 1."),
        (vjp, (lambda a, b: a * a, (x, y), ones), {"strict": True}, "function is independent of input 1."),
        (vjp, (lambda t: t * 2, x, ones), {"strict": True, "create_graph": True}, "The jacobian of the user-provided function is "
         "independent of input 0. This is not allowed in strict mode when create_graph=True."),
        (vjp, (lambda t: y, x, ones), {"strict": True}, STRICT_OUTPUT),
        (jvp, (lambda t: t * t, x), {}, NO_VECTOR),
        (jvp, (lambda t: t * t, x, tensor(1, 2, 3)), {}, "v has invalid size: should be torch.Size([2]) but got torch.Size([3])."),
        (jvp, (lambda a, b: a * b, (x, y), ones), {}, "v is a tuple of invalid length: should be 2 but got 1."),
        (jvp, (lambda t: y, x, ones), {"strict": True}, STRICT_OUTPUT),
        (jvp, (lambda t: t * 2, x, ones), {"strict": True, "create_graph": True}, "is independent of input 0."),
        (vhp, (cube, x), {}, NO_VECTOR),
        (hvp, (cube, x), {}, NO_VECTOR),
        (vhp, (lambda t: t, x, ones), {}, "The Tensor returned by the function given to vhp should contain a single element"),
        (hvp, (lambda t: t, x, ones), {}, "The Tensor returned by the function given to hvp should contain a single element"),
        (vhp, (lambda t: (t.sum(), t), x, ones), {}, "The function given to vhp should return a single Tensor"),
        (hvp, (lambda t: (t.sum(), t), x, ones), {}, "The function given to hvp should return a single Tensor"),
        (vhp, (lambda t: t.sum(), x, ones), {"strict": True}, INDEPENDENT.format(0)),
        (hvp, (lambda t: t.sum(), x, ones), {"strict": True}, INDEPENDENT.format(0)),
        (vhp, (lambda t: (t * t).sum(), x, ones), {"strict": True, "create_graph": True},
         "The hessian of the user-provided function is independent of input 0."),
        (hvp, (lambda t: (t * t).sum(), x, ones), {"strict": True, "create_graph": True},
         "The hessian of the user-provided function is independent of input 0."),
        (vhp, (lambda a, b: (a * a).sum(), (x, y), (ones, ones)), {"strict": True}, "is independent of input 1."),
        (vhp, (cube, x, tensor(1, 2, 3)), {}, "v has invalid size"),
        (hvp, (cube, x, (ones, ones)), {}, "The given v should contain a single Tensor."),
    ],
)  # fmt: skip
def test_product_errors(product, arguments, options, message) -> None:
    with pytest.raises(RuntimeError) as caught:
        product(*arguments, **options)
    assert message in str(caught.value)


def test_type_of_the_vector() -> None:
    with pytest.raises(TypeError, match="The v given to vhp must be either a Tensor or a tuple of Tensors but the given v has"):
        vhp(cube, x, 1)


def test_products_agree_with_the_matrices() -> None:
    torch.manual_seed(0)
    point, v, u = torch.rand(3, dtype=torch.float64), torch.rand(3, dtype=torch.float64), torch.rand(2, dtype=torch.float64)

    def function(t):
        return torch.stack([(t.sin() * t.roll(1)).prod(), torch.logsumexp(t * t, 0)])

    matrix = jacobian(function, point)
    assert torch.allclose(jvp(function, point, v)[1], matrix @ v)
    assert torch.allclose(vjp(function, point, u)[1], u @ matrix)

    def number(t):
        return function(t)[0] * function(t)[1]

    matrix = hessian(number, point)
    assert torch.allclose(matrix, matrix.T)
    assert torch.allclose(hvp(number, point, v)[1], matrix @ v)
    assert torch.allclose(vhp(number, point, v)[1], v @ matrix)


def test_recording_may_be_off() -> None:
    with torch.no_grad():
        assert lists(jacobian(lambda t: t * t, x)) == [[2, 0], [0, 4]]
        assert lists(hvp(cube, x, ones)) == [9, [6, 12]]


# --- a batch of cotangents ------------------------------------------------------------------------------------------


def test_batched_gradients() -> None:
    a = tensor(1.0, 2.0, 3.0, requires_grad=True)
    unused = tensor(1.0, requires_grad=True)
    b = a.sin()
    rows = torch.eye(3, dtype=torch.float64)
    (found,) = grad(b, a, rows, is_grads_batched=True, retain_graph=True)
    assert torch.allclose(found, torch.diag(a.cos()))
    (found,) = grad([b, b], a, [rows, rows], is_grads_batched=True, retain_graph=True)
    assert torch.allclose(found, 2 * torch.diag(a.cos()))
    found, nothing = grad(b, (a, unused), rows, is_grads_batched=True, allow_unused=True, retain_graph=True)
    assert nothing is None
    found, zeros = grad(b, (a, unused), rows, is_grads_batched=True, materialize_grads=True, retain_graph=True)
    assert zeros.tolist() == [0.0]
    with pytest.raises(RuntimeError, match="The differentiated Tensor at index 1 appears to not have been used in the graph"):
        grad(b, (a, unused), rows, is_grads_batched=True, retain_graph=True)
    (found,) = grad(b, a, rows, is_grads_batched=True, create_graph=True)
    assert torch.allclose(grad(found.sum(), a)[0], -a.sin())
    grad(b, a, rows, is_grads_batched=True)
    with pytest.raises(RuntimeError, match="second time"):
        grad(b, a, rows, is_grads_batched=True)


def test_batched_gradient_errors() -> None:
    a = tensor(1.0, 2.0, 3.0, requires_grad=True)
    b = a.sin()
    with pytest.raises(RuntimeError, match="we interpret the first dimension of each grad_output as the batch dimension"):
        grad(b, a, ones, is_grads_batched=True)
    with pytest.raises(ValueError, match="Expected all tensors to have the same size in the mapped dimension"):
        grad([b, b], a, [torch.eye(3, dtype=torch.float64), torch.ones(2, 3, dtype=torch.float64)], is_grads_batched=True)
    with pytest.raises(RuntimeError, match="grad can be implicitly created only for scalar outputs"):
        grad([b, b], a, [torch.eye(3, dtype=torch.float64), None], is_grads_batched=True)
