"""Every op of the registry over its samples: values, types, derivatives, forms, and what it must not do.

The facts in references/op_facts.json are PyTorch's; make_op_facts.py beside it writes them anew when ops are added.
"""

from __future__ import annotations

import json
import math
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from checkers import check_forward, check_gradients, check_inplace, check_out, gradients_of, weight_like
from op_cases import (
    MOST,
    OF_MEMORY,
    ONCE,
    REFUSING,
    Case,
    all_ops,
    arrays,
    cases,
    described,
    determined,
    differentiable_ops,
    function_of_tensors,
    has_derivative,
    parametrise,
    required,
    samples,
    tensors_in,
)

import rushlight as torch
from rushlight.ops.kinds import registry

FACTS = json.loads((Path(__file__).parent / "references" / "op_facts.json").read_text())
REFUSED = (("avg_pool2d", "int64"), ("avg_pool3d", "int64"))  # means of integers, which PyTorch truncates
RESULT_DIMENSION = ("unsqueeze", "stack", "diag_embed")  # `dim` counts the dimensions of the result

pytestmark = pytest.mark.filterwarnings("ignore")


def with_facts(key: str, wanted: Callable = lambda op: True) -> dict[str, Any]:
    """Arguments of `parametrize` for the ops whose facts say something under `key`."""
    return parametrise(op for op in all_ops() if (FACTS.get(op.name) or {}).get(key) and wanted(op))


def tensor_call(case: Case, dtype: str = "float64") -> tuple[tuple, dict]:
    """The case's arguments with Tensors."""
    return substitute_arrays(arrays(case, dtype))


def substitute_arrays(tree: Any) -> Any:
    if isinstance(tree, (np.ndarray, np.generic)):
        return torch.from_numpy(np.array(tree))
    if isinstance(tree, dict):
        return {key: substitute_arrays(value) for key, value in tree.items()}
    if type(tree) in (tuple, list):
        return type(tree)(substitute_arrays(value) for value in tree)
    return tree


def same(result: Any, expected: Any) -> None:
    """Raises unless two results agree in shape, type and values."""
    ours, theirs = tensors_in(result), tensors_in(expected)
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs, strict=True):
        assert a.shape == b.shape
        assert a.dtype is b.dtype
        np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), rtol=1e-10, atol=1e-12)


# --- the registry --------------------------------------------------------------------------------------------------


def test_every_op_has_samples() -> None:
    assert [op.name for op in all_ops() if not samples(op)] == []


def test_every_op_is_in_the_facts() -> None:
    assert sorted(set(registry) - set(FACTS)) == [], "run tests/references/make_op_facts.py"


def test_every_differentiable_op_is_checked() -> None:
    checked = {op.name for op in differentiable_ops()}
    unchecked = [op.name for op in all_ops() if has_derivative(op) and op.name not in checked]
    assert [name for name in unchecked if registry[name].kind != "composite"] == []


# --- values and types against PyTorch ------------------------------------------------------------------------------


def agrees(result: Any, fact: list, tolerance: float = 1e-7) -> None:
    """Raises unless a result has the shapes, types and first values of a fact."""
    found = tensors_in(result)
    assert len(found) == len(fact)
    for tensor, expected in zip(found, fact, strict=True):
        assert [list(tensor.shape), str(tensor.dtype)] == [expected["shape"], f"torch.{expected['dtype']}"]
        ours = tensor.detach().numpy().reshape(-1)[: len(expected["values"])]
        theirs = [complex(*map(float, v)) if isinstance(v, list) else float(v) for v in expected["values"]]
        np.testing.assert_allclose(ours, np.array(theirs, ours.dtype), rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize(**with_facts("samples"))
def test_values(op: Any) -> None:
    for case, fact in zip(cases(op), FACTS[op.name]["samples"], strict=True):
        if fact is not None:
            args, kwargs = tensor_call(case)
            torch.manual_seed(0)
            agrees(determined(op, op.function(*args, **kwargs)), fact)


@pytest.mark.parametrize(**with_facts("types"))
def test_types(op: Any) -> None:
    case = cases(op)[0]
    wrong = {}
    for kind, expected in FACTS[op.name]["types"].items():
        args, kwargs = tensor_call(case, kind)
        try:
            found: Any = [str(one.dtype).removeprefix("torch.") for one in tensors_in(op.function(*args, **kwargs))]
        except Exception as error:  # the name of the error is what is compared
            found = type(error).__name__
        if found == "NotImplementedError" and (op.name, kind) in REFUSED:
            continue
        if isinstance(expected, list) and "complex32" not in expected and found != expected:
            wrong[kind] = f"{found}, not {expected}"
    assert not wrong


@pytest.mark.parametrize(**with_facts("shapes"))
def test_without_elements_and_without_dimensions(op: Any) -> None:
    low, high = op.domain
    for shape, expected in FACTS[op.name]["shapes"].items():
        inputs = [torch.full(eval(shape), (low + high) / 2 + 0.25, dtype=torch.float64) for _ in required(op)]
        if isinstance(expected, list):
            torch.manual_seed(0)
            agrees(op.function(*inputs), expected)


# --- derivatives ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(**parametrise(differentiable_ops()))
def test_gradients(op: Any) -> None:
    for case in cases(op)[:MOST]:
        check_gradients(case, "float64")


@pytest.mark.parametrize(**parametrise(op for op in differentiable_ops() if op.name not in ONCE))
def test_second_gradients(op: Any) -> None:
    for case in cases(op)[:MOST]:
        check_gradients(case, "float64", second=True)


@pytest.mark.parametrize(**parametrise(op for op in differentiable_ops() if op.name not in ONCE))
def test_forward_mode(op: Any) -> None:
    for case in cases(op)[:MOST]:
        check_forward(case, "float64")
    for case in cases(op)[:3] if takes_complex(op) else ():
        check_forward(case, "complex128")


@pytest.mark.parametrize("name", REFUSING)
def test_no_derivative_is_an_error_and_not_zero(name: str) -> None:
    args, kwargs = next(c for c in map(tensor_call, cases(registry[name])) if c[0][0].is_floating_point())
    with pytest.raises((NotImplementedError, RuntimeError), match="not implemented|not differentiable"):
        outputs = registry[name].function(args[0].requires_grad_(), *args[1:], **kwargs)
        torch.autograd.backward([one.sum() for one in tensors_in(outputs) if one.requires_grad])


@pytest.mark.parametrize("name", ONCE)
def test_no_second_derivative_is_an_error_and_not_zero(name: str) -> None:
    function, tensors = function_of_tensors(cases(registry[name])[0])
    (first,) = torch.autograd.grad(function(*tensors).sum(), tensors, create_graph=True)
    with pytest.raises((NotImplementedError, RuntimeError), match="not implemented|not differentiable"):
        torch.autograd.grad(first.sum(), tensors)


def takes_complex(op: Any) -> bool:
    return isinstance((FACTS.get(op.name) or {}).get("types", {}).get("complex128"), list)


@pytest.mark.parametrize(**parametrise(op for op in differentiable_ops() if takes_complex(op)))
def test_complex_gradients(op: Any) -> None:
    for case in cases(op)[:3]:
        check_gradients(case, "complex128")
        check_gradients(case, "complex128", second=True)


@pytest.mark.parametrize(**parametrise(op for op in differentiable_ops() if op.name not in OF_MEMORY))
def test_noncontiguous_inputs(op: Any) -> None:
    for case in cases(op)[:MOST]:
        function, tensors = function_of_tensors(case)
        results, gradients = gradients_of(function, tensors)
        spread = [torch.from_numpy(np.stack([t.detach().numpy()] * 2, -1))[..., 0].requires_grad_() for t in tensors]
        assert all(one.numel() < 2 or not one.is_contiguous() for one in spread)
        again, others = gradients_of(function, spread)
        same(again, results)
        same([one for one in others if one is not None], [one for one in gradients if one is not None])


@pytest.mark.parametrize(**parametrise(op for op in all_ops() if op.composite is not None))
def test_fused_agrees_with_composite(op: Any) -> None:
    for case in cases(op):
        function, tensors = function_of_tensors(case)
        results, gradients = gradients_of(function, tensors)
        function, tensors = function_of_tensors(case, function=op.composite)
        again, others = gradients_of(function, tensors)
        same(results, again)
        same([one for one in gradients if one is not None], [one for one in others if one is not None])


# --- forms ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(**with_facts("inplace"))
def test_inplace_form(op: Any) -> None:
    for case in cases(op)[:MOST]:
        check_inplace(case)


@pytest.mark.parametrize(**with_facts("out"))
def test_out_form(op: Any) -> None:
    for case in cases(op)[:MOST]:
        check_out(case)


@pytest.mark.parametrize(**parametrise(op for op in all_ops() if op.kind == "pointwise" and len(op.inputs) == 2))
def test_broadcasting(op: Any) -> None:
    generator = np.random.default_rng(0)
    pairs = ((2, 3), (3,)), ((2, 1), (1, 3)), ((), (2, 3)), ((1,), (2, 3)), ((3, 1, 2), (2, 1)), ((2, 0), (1,))
    for first, second in pairs:
        marks = [mark._replace(shape=s) for mark, s in zip(described(cases(op)[0]), (first, second), strict=True)]
        pair = [np.asarray(mark.make(generator)) for mark in marks]
        whole = [array.copy() for array in np.broadcast_arrays(*pair)]
        same(op.function(*map(torch.from_numpy, pair)), op.function(*map(torch.from_numpy, whole)))


def dimensions_of(op: Any, case: Case) -> dict[str, Any]:
    """The arguments of a call that name dimensions, by name."""
    names = getattr(getattr(op.forward, "__code__", None), "co_varnames", ())
    named = dict(zip(names, case.call.args, strict=False)) | case.call.kwargs
    if op.name == "tensordot":  # its `dims` are a number of dimensions
        return {}
    return {name: named[name] for name in ("dim", "dims", "dim0", "dim1") if is_dimension(named.get(name))}


def is_dimension(value: Any) -> bool:
    return (type(value) is int and value >= 0) or (
        isinstance(value, (tuple, list)) and bool(value) and all(type(one) is int and one >= 0 for one in value)
    )


@pytest.mark.parametrize(**with_facts("samples", lambda op: any(dimensions_of(op, case) for case in cases(op))))
def test_negative_dimensions(op: Any) -> None:
    for case in cases(op):
        found = dimensions_of(op, case)
        args, kwargs = tensor_call(case)
        if not found or op.variadic is not None:
            continue
        first = args[0][0] if isinstance(args[0], (tuple, list)) else args[0]
        rank = first.ndim + (op.name in RESULT_DIMENSION)
        if not rank:
            continue
        expected = op.function(*args, **kwargs)
        names = op.forward.__code__.co_varnames
        negative = {n: v - rank if type(v) is int else type(v)(d - rank for d in v) for n, v in found.items()}
        args = tuple(negative.get(names[i], value) if i < len(names) else value for i, value in enumerate(args))
        same(op.function(*args, **{name: negative.get(name, value) for name, value in kwargs.items()}), expected)


# --- what an op must not do ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(**parametrise(all_ops()))
def test_inputs_are_not_modified(op: Any) -> None:
    for case in cases(op):
        function, tensors = function_of_tensors(case)
        before = [tensor.detach().numpy().tobytes() for tensor in tensors]
        outputs = [one for one in tensors_in(function(*tensors)) if one.requires_grad]
        values = [one.detach().numpy().tobytes() for one in outputs]
        if outputs:
            weights = [torch.ones_like(one) for one in outputs]
            torch.autograd.grad(outputs, tensors, weights, create_graph=True, allow_unused=True)
            torch.autograd.grad(outputs, tensors, weights, allow_unused=True)
            assert all(bool((one == 1).all()) for one in weights)
        assert before == [tensor.detach().numpy().tobytes() for tensor in tensors]
        assert values == [one.detach().numpy().tobytes() for one in outputs]


def saved_arrays(node: Any) -> list:
    """The arrays that a node holds on to."""
    pending, found = [getattr(node, slot, None) for slot in node.op.needed.slots], []
    while pending:
        one = pending.pop()
        if isinstance(one, torch.Tensor):
            found.append(one.detach().numpy())
        elif isinstance(one, np.ndarray):
            found.append(one)
        elif isinstance(one, (tuple, list)):
            pending += one
    return found


@pytest.mark.parametrize(**parametrise(op for op in differentiable_ops() if op.kind != "composite"))
def test_what_no_rule_names_is_not_saved(op: Any) -> None:
    """What a node did not save is overwritten with nan; the gradients must not notice."""
    for case in cases(op)[:MOST]:
        function, tensors = function_of_tensors(case)
        _, expected = gradients_of(function, tensors)
        changed = [tensor * 1 for tensor in tensors]  # so that overwriting them leaves the leaves alone
        outputs = [one for one in tensors_in(function(*changed)) if one.requires_grad]
        if not outputs:
            continue
        node = outputs[0].grad_fn
        if node.op is not op:
            continue
        saved = saved_arrays(node)
        weights = [weight_like(one) for one in outputs]
        for tensor in (*changed, *outputs):
            array = tensor.detach().numpy()
            if array.flags.writeable and not any(np.shares_memory(array, one) for one in saved):
                array[...] = math.nan
        found = torch.autograd.grad(outputs, changed, weights, allow_unused=True)
        same([one for one in found if one is not None], [one for one in expected if one is not None])


@pytest.mark.parametrize(**parametrise(op for op in differentiable_ops() if op.kind not in ("composite", "fused")))
def test_what_no_rule_names_is_freed(op: Any) -> None:
    """An input that no rule names is gone when its last user lets go of it."""
    case = cases(op)[0]
    function, tensors = function_of_tensors(case)
    changed = [tensor * 1 for tensor in tensors]
    output = function(*changed)
    first = tensors_in(output)[0]
    node = first.grad_fn
    if node is None or node.op is not op:
        return
    held = {id(one) for one in saved_arrays(node)}
    free = [t for t in changed if id(t._array) not in held and not np.shares_memory(t._array, first._array)]
    references = [weakref.ref(tensor._array) for tensor in free]
    del free
    changed.clear()
    assert [reference() for reference in references] == [None] * len(references)
