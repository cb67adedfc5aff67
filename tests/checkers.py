"""What the systematic tests check, as functions, so that they can be tested themselves (test_checkers.py)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from op_cases import Case, arrays, floating_results, function_of_tensors, tensors_in

import rushlight as torch
from rushlight.autograd import gradcheck, gradgradcheck

TIGHT = {"atol": 1e-6, "rtol": 1e-4}  # 2.001 is not 2


def check_gradients(case: Case, dtype: str, second: bool = False, function: Callable | None = None) -> None:
    """Raises unless the first (or the second) derivatives of a call agree with finite differences."""
    called, tensors = function_of_tensors(case, dtype, function)
    results = [one for one in tensors_in(called(*tensors)) if one.requires_grad]
    if results and all(bool(one.isfinite().all()) for one in results):  # nan has no differences
        check = gradgradcheck if second else gradcheck
        many = sum(one.numel() for one in tensors) > (6 if second else 24)
        check(floating_results(called), tensors, fast_mode=many, **TIGHT)


def check_forward(case: Case, dtype: str) -> None:
    """Raises unless forward mode agrees with finite differences."""
    called, tensors = function_of_tensors(case, dtype)
    results = [one for one in tensors_in(called(*tensors)) if one.requires_grad]
    if results and all(bool(one.isfinite().all()) for one in results):
        many = sum(one.numel() for one in tensors) > 6
        only = {"check_forward_ad": True, "check_backward_ad": False}
        gradcheck(floating_results(called), tensors, fast_mode=many, **only, **TIGHT)


def gradients_of(function: Callable, tensors: list) -> tuple[list, list]:
    """The results of a call, and the gradients of their sum weighted by 1, 1/2, 1/3, ..."""
    torch.manual_seed(0)
    results = tensors_in(function(*tensors))
    outputs = [one for one in results if one.requires_grad]
    if not outputs:
        return results, [None for _ in tensors]
    weights = [weight_like(one) for one in outputs]
    return results, list(torch.autograd.grad(outputs, tensors, weights, allow_unused=True))


def weight_like(tensor: Any) -> Any:
    array = tensor.detach().numpy()
    return torch.from_numpy((1 / np.arange(1.0, array.size + 1)).reshape(array.shape).astype(array.dtype))


def check_inplace(case: Case, form: Callable | None = None) -> None:
    """Raises unless the in-place form gives the values and gradients of the function, or refuses what does not fit."""
    name = f"{case.op.name}_"
    form = getattr(torch.Tensor, name) if form is None else form
    torch.manual_seed(0)
    called, tensors = function_of_tensors(case)
    expected, gradients = gradients_of(called, tensors)

    def changed(first: Any, *args: Any, **kwargs: Any) -> Any:
        target = first * 1 if first.requires_grad else first
        result = form(target, *args, **kwargs)
        assert result is target
        return result

    called, others = function_of_tensors(case, function=changed)
    fits = expected[0].shape == torch.Size(first_shape(case)) and expected[0].dtype is torch.float64
    if not fits:
        return
    results, found = gradients_of(called, others)
    np.testing.assert_allclose(results[0].detach().numpy(), expected[0].detach().numpy(), rtol=1e-12)
    for one, other in zip(found, gradients, strict=True):
        if other is not None:
            np.testing.assert_allclose(one.numpy(), other.numpy(), rtol=1e-12, atol=1e-14)


def first_shape(case: Case) -> tuple:
    first = case.call.args[0] if case.call.args else next(iter(case.call.kwargs.values()))
    return getattr(first, "shape", ())


def check_out(case: Case, function: Callable | None = None) -> None:
    """Raises unless `out=` is filled with what the function returns, and returned."""
    function = case.op.function if function is None else function

    def tensors(tree: Any) -> Any:
        if isinstance(tree, (np.ndarray, np.generic)):
            return torch.from_numpy(np.array(tree))
        if isinstance(tree, dict):
            return {key: tensors(value) for key, value in tree.items()}
        if type(tree) in (tuple, list):
            return type(tree)(tensors(value) for value in tree)
        return tree

    args, kwargs = tensors(arrays(case))
    torch.manual_seed(0)
    expected = case.op.function(*args, **kwargs)
    several = not isinstance(expected, torch.Tensor)
    buffers = [torch.empty(0, dtype=one.dtype) for one in tensors_in(expected)]
    torch.manual_seed(0)
    returned = function(*args, **kwargs, out=tuple(buffers) if several else buffers[0])
    for one, buffer, other in zip(tensors_in(returned), buffers, tensors_in(expected), strict=True):
        assert one is buffer
        assert one.shape == other.shape
        np.testing.assert_array_equal(one.numpy(), other.numpy())
