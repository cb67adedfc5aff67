"""Transforms of functions: derivatives nested in each other and in vmap, with modules, with `.backward()`, and their errors."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from transform_cases import PROGRAMS

import rushlight as torch
import rushlight.nn.functional as F
from rushlight import nn
from rushlight.func import (
    functional_call,
    functionalize,
    grad,
    grad_and_value,
    hessian,
    jacfwd,
    jacrev,
    jvp,
    linearize,
    stack_module_state,
    vjp,
    vmap,
)

test_as_in_pytorch = PROGRAMS.test(torch)

X = torch.tensor([0.5, -1.2, 2.0], dtype=torch.float64)
B = torch.arange(12.0, dtype=torch.float64).reshape(4, 3) / 5 - 1


def close(found: Any, expected: Any) -> None:
    assert found.shape == expected.shape
    np.testing.assert_allclose(found.detach().numpy(), expected.detach().numpy(), rtol=1e-6, atol=1e-9)


def cube(x: Any) -> Any:
    return (x**3).sum()


# --- nesting ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("names", [n for depth in (1, 2, 3) for n in itertools.product((jacrev, jacfwd), repeat=depth)],
                         ids=lambda names: " of ".join(name.__name__ for name in names))  # fmt: skip
def test_jacobians_of_jacobians(names: tuple) -> None:
    function: Any = lambda x: (x.exp() * x).sum()  # noqa: E731 - it is transformed below
    for name in names:
        function = name(function)
    found = function(X)
    expected = torch.zeros((3,) * len(names), dtype=torch.float64)
    for i in range(3):
        expected[(i,) * len(names)] = X[i].exp() * (X[i] + len(names))
    close(found, expected)
    assert found.grad_fn is None


def slope(function: Any) -> Any:
    return lambda x: jvp(function, (x,), (torch.ones_like(x),))[1]


def one_by_one(function: Any) -> Any:
    return lambda x: vmap(function)(x.reshape(1))[0]


@pytest.mark.parametrize("names", [n for depth in (1, 2, 3) for n in itertools.product("gjv", repeat=depth)], ids="".join)
def test_grad_jvp_and_vmap_in_any_order(names: tuple) -> None:
    function: Any = lambda x: x.sin() * x  # noqa: E731 - it is transformed below
    for name in names:
        function = {"g": grad, "j": slope, "v": one_by_one}[name](function)
    at = X[2]
    orders = [lambda x: x.sin() * x, lambda x: x.cos() * x + x.sin(), lambda x: 2 * x.cos() - x.sin() * x,
              lambda x: -3 * x.sin() - x.cos() * x]  # fmt: skip
    found = function(at)
    close(found, orders[len(names) - names.count("v")](at))
    assert found.grad_fn is None


def test_over_what_is_closed_over() -> None:
    weight = torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64, requires_grad=True)
    slopes = vmap(grad(lambda x: (x * weight).sin().sum()))(B)
    (slopes**2).sum().backward()
    expected = weight.detach().clone().requires_grad_()
    ((B * expected).cos() * expected).square().sum().backward()
    close(weight.grad, expected.grad)
    assert grad(cube)(X).grad_fn is None
    assert grad(lambda x: (x * weight).sum())(X).grad_fn is not None


@pytest.mark.parametrize("transform", [hessian, jacrev, jacfwd, lambda f: lambda x: vjp(f, x)[0], lambda f: lambda x: slope(f)(x)])
def test_backward_through_a_transform(transform: Any) -> None:
    leaf = X.clone().requires_grad_()
    result = transform(cube)(leaf)
    (found,) = torch.autograd.grad(result.sum(), leaf)
    shift = 1e-6
    ahead, behind = (
        torch.stack([transform(cube)(X + sign * shift * one).sum() for one in torch.eye(3, dtype=torch.float64)])
        for sign in (1, -1)
    )
    np.testing.assert_allclose(found.numpy(), ((ahead - behind) / (2 * shift)).detach().numpy(), rtol=1e-5, atol=1e-6)


def test_no_grad_inside_and_outside() -> None:
    def partly(x: Any) -> Any:
        with torch.no_grad():
            fixed = grad(cube)(x)
        return (x * fixed).sum()

    close(grad(partly)(X), 3 * X**2)
    with torch.no_grad():
        close(grad(cube)(X), 3 * X**2)
        assert not grad(cube)(X.clone().requires_grad_()).requires_grad


# --- arguments and results --------------------------------------------------------------------------------------------------------


def test_argnums_and_aux() -> None:
    first, second = grad(lambda x, y: (x * y).sum(), argnums=(0, -1))(X, X + 1)
    close(first, X + 1)
    close(second, X)
    gradient, (value, aux) = grad_and_value(lambda x: (cube(x), {"twice": x * 2}), has_aux=True)(X)
    close(gradient, 3 * X**2)
    close(value, cube(X))
    assert aux["twice"].grad_fn is None
    jacobian, aux = jacrev(lambda x: (x * 2, x + 1), has_aux=True)(X)
    close(jacobian, 2 * torch.eye(3, dtype=torch.float64))
    close(aux, X + 1)
    _, tangent, aux = jvp(lambda x: (x * 2, x + 1), (X,), (X,), has_aux=True)
    close(tangent, X * 2)
    close(aux, X + 1)


def test_nested_containers() -> None:
    slopes = grad(lambda tree: (tree["a"] * tree["b"][0]).sum())({"a": X, "b": (X + 1, X)})
    close(slopes["a"], X + 1)
    close(slopes["b"][1], X * 0)
    blocks = jacfwd(lambda tree: {"out": tree["a"] * tree["b"].sum()})({"a": X, "b": B})
    others = jacrev(lambda tree: {"out": tree["a"] * tree["b"].sum()})({"a": X, "b": B})
    for name in ("a", "b"):
        close(blocks["out"][name], others["out"][name])
    second = hessian(lambda x, y: (x * y).sum() * x.sum(), argnums=(0, 1))(X, X + 1)
    close(second[0][1], second[1][0].T)


def test_chunks_of_a_jacobian() -> None:
    for size in (1, 2, 5):
        close(jacrev(torch.sin, chunk_size=size)(X), X.cos().diag())


def test_linearize() -> None:
    value, push = linearize(lambda x: x.sin() * x.sum(), X)
    close(value, X.sin() * X.sum())
    close(vmap(push)(torch.eye(3, dtype=torch.float64)).T, jacrev(lambda x: x.sin() * x.sum())(X))


def test_a_pull_runs_again_and_batched() -> None:
    _, pull = vjp(lambda x: x.sin(), X)
    close(pull(X)[0], X.cos() * X)
    close(vmap(pull)(torch.eye(3, dtype=torch.float64))[0], X.cos().diag())


WRONG = [
    (lambda: grad(lambda x: x * 2)(X), RuntimeError, "Expected f.* to return a scalar Tensor"),
    (lambda: grad(lambda x: 3.0)(X), RuntimeError, "to return a Tensor, got <class 'float'>"),
    (lambda: grad(cube, argnums=3)(X), RuntimeError, "only 1 positional inputs"),
    (lambda: grad(cube, argnums=())(X), RuntimeError, "argnums must be non-empty"),
    (lambda: grad(lambda d: d["a"].sum())({"a": X, "k": 3}), ValueError, "must be Tensor, got <class 'int'>"),
    (
        lambda: grad(lambda x: x.sum())(torch.tensor([1, 2])), RuntimeError,
        "only Tensors of floating point dtype can require gradients",
    ),
    (lambda: grad(cube, has_aux=True)(X), RuntimeError, "output of function f should be a tuple"),
    (lambda: vjp(lambda x: 3, X), RuntimeError, "return only tensors, got unsupported type <class 'int'>"),
    (lambda: vjp(torch.sin, X)[1]((X,)), RuntimeError, "Expected pytree structure of cotangents to be the same"),
    (lambda: vjp(torch.sin, X)[1](X[:2]), RuntimeError, "Mismatch in shape"),
    (lambda: jvp(torch.sin, X, X), RuntimeError, "Expected primals to be a tuple"),
    (lambda: jvp(torch.sin, (X,), (X, X)), RuntimeError, "same python structure"),
    (lambda: jvp(torch.sin, (X,), (X[:2],)), RuntimeError, "different size"),
    (lambda: jvp(lambda x: torch.ones(2), (X,), (X,), strict=True), RuntimeError, "independent of the inputs"),
    (lambda: stack_module_state([]), RuntimeError, "Expected at least one model"),
    (lambda: stack_module_state([nn.Linear(2, 2), nn.Linear(2, 2).eval()]), RuntimeError, "same training/eval mode"),
    (lambda: stack_module_state([nn.Linear(2, 2), nn.ReLU()]), RuntimeError, "same class"),
    (lambda: functional_call(nn.ReLU(), 3, X), ValueError, "Expected parameter_and_buffer_dicts to be a dict"),
    (lambda: functional_call(nn.Linear(3, 2), ({"bias": X}, {"bias": X}), X), ValueError, "appeared in multiple dictionaries"),
    (lambda: functional_call(nn.Linear(3, 2), {"bias": X}, X, strict=True), RuntimeError, r"Missing key\(s\): 'weight'"),
    (lambda: functional_call(nn.Linear(3, 2), {"other": X}, X, strict=True), RuntimeError, r"Unexpected key\(s\): 'other'"),
]


@pytest.mark.parametrize(("call", "kind", "words"), WRONG, ids=[words for *_, words in WRONG])
def test_errors(call: Any, kind: type, words: str) -> None:
    with pytest.raises(kind, match=words):
        call()


def test_independent_outputs_have_zero_derivatives() -> None:
    close(jacrev(lambda x: torch.ones(2))(X), torch.zeros(2, 3))
    close(jacfwd(lambda x: torch.ones(2))(X), torch.zeros(2, 3))
    close(functionalize(lambda x: x.clone().add_(1))(X), X + 1)


# --- models -----------------------------------------------------------------------------------------------------------------------


def perceptron() -> Any:
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)).double()


def convolutional() -> Any:
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.MaxPool2d(2), nn.GroupNorm(1, 2), nn.Flatten(), nn.Linear(8, 3)).double()


def attentive() -> Any:
    encoder = nn.TransformerEncoderLayer(4, 2, 8, 0.0, batch_first=True)
    return nn.Sequential(nn.Embedding(5, 4), nn.LayerNorm(4), encoder, nn.Flatten(), nn.Linear(8, 3)).double()


INPUTS = {
    perceptron: lambda: torch.randn(5, 3, dtype=torch.float64),
    convolutional: lambda: torch.randn(3, 1, 6, 6, dtype=torch.float64),
    attentive: lambda: torch.randint(0, 5, (4, 2)),
}


@pytest.mark.parametrize("make", INPUTS)
def test_gradients_per_sample(make: Any) -> None:
    torch.manual_seed(0)
    model, inputs = make(), INPUTS[make]()
    targets = torch.arange(len(inputs)) % 2
    parameters = {name: one.detach() for name, one in model.named_parameters()}

    def loss(parameters: Any, one: Any, target: Any) -> Any:
        return F.cross_entropy(functional_call(model, parameters, (one[None],)), target[None])

    found = vmap(grad(loss), in_dims=(None, 0, 0))(parameters, inputs, targets)
    for i in range(len(inputs)):
        model.zero_grad()
        F.cross_entropy(model(inputs[i : i + 1]), targets[i : i + 1]).backward()
        for name, one in model.named_parameters():
            close(found[name][i], one.grad)


def test_ensemble() -> None:
    torch.manual_seed(0)
    models = [perceptron() for _ in range(3)]
    parameters, buffers = stack_module_state(models)
    results = vmap(lambda p, b, x: functional_call(models[0], (p, b), (x,)), in_dims=(0, 0, None))(parameters, buffers, B)
    close(results, torch.stack([model(B) for model in models]))
    results.square().sum().backward()
    for i, model in enumerate(models):
        model(B).square().sum().backward()
        close(parameters["0.weight"].grad[i], model[0].weight.grad)


def test_hessian_of_a_model() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 2), nn.Tanh(), nn.Linear(2, 1)).double()
    parameters = {name: one.detach() for name, one in model.named_parameters()}

    def loss(parameters: Any) -> Any:
        return functional_call(model, parameters, (B,)).square().mean()

    found = hessian(loss)(parameters)
    again = jacrev(jacrev(loss))(parameters)
    for row in parameters:
        for column in parameters:
            close(found[row][column], again[row][column])


def test_tied_weights_and_buffers() -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = nn.Linear(3, 3).double()
            self.second = self.first
            self.register_buffer("calls", torch.zeros(1))

        def forward(self, x: Any) -> Any:
            self.calls.add_(1)
            return self.second(self.first(x))

    model = Tied()
    given = {"first.weight": torch.eye(3, dtype=torch.float64) * 2, "first.bias": X, "calls": torch.zeros(1)}
    close(functional_call(model, given, (B,)), (B * 2 + X) * 2 + X)
    assert given["calls"].item() == 1
    assert model.calls.item() == 0
    two = {"first.weight": torch.eye(3), "second.weight": torch.eye(3) * 2}
    with pytest.raises(ValueError, match="multiple values for keys"):
        functional_call(model, two, (B,))


def test_custom_function_in_every_transform() -> None:
    class Square(torch.autograd.Function):
        generate_vmap_rule = True

        @staticmethod
        def forward(x: Any) -> Any:
            return x**2

        @staticmethod
        def setup_context(ctx: Any, inputs: tuple, output: Any) -> None:
            ctx.save_for_backward(*inputs)
            ctx.save_for_forward(*inputs)

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return 2 * ctx.saved_tensors[0] * g

        @staticmethod
        def jvp(ctx: Any, tangent: Any) -> Any:
            return 2 * tangent * ctx.saved_tensors[0]

    close(grad(lambda x: Square.apply(x).sum())(X), 2 * X)
    close(jvp(Square.apply, (X,), (X,))[1], 2 * X * X)
    close(jacfwd(Square.apply)(X), (2 * X).diag())
    close(hessian(lambda x: Square.apply(x).sum())(X), 2 * torch.eye(3, dtype=torch.float64))
    close(vmap(grad(lambda x: Square.apply(x).sum()))(B), 2 * B)
