"""Derivatives of functions: Jacobians and Hessians, whole or times a vector."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..tensor import Tensor
from .gradients import grad
from .modes import enable_grad

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"]

TWICE = (
    "While computing the hessian, found that the jacobian of the user-provided function with respect to input {index} is "
    "independent of the input. This is not allowed in strict mode. You should ensure that your function is twice differentiable "
    "and that the jacobian depends on the inputs (this would be violated by a linear function for example)."
)


# --- arguments and results --------------------------------------------------------------------------------------------------------


def as_tuple(given: Any, what: str, name: str) -> tuple[bool, tuple]:
    """Whether a tuple was given, and the tuple. Raises TypeError for anything but a tensor or a tuple of tensors."""
    several = isinstance(given, tuple)
    values = given if several else (given,)
    for index, value in enumerate(values):
        if not isinstance(value, Tensor):
            wrong = f"the value at index {index} has" if several else f"the given {what} has"
            raise TypeError(
                f"The {what} given to {name} must be either a Tensor or a tuple of Tensors but {wrong} type {type(value)}."
            )
    return several, values


def outputs_of(func: Callable, inputs: tuple, name: str) -> tuple[bool, tuple]:
    """What a function returns for the inputs, as a tuple."""
    return as_tuple(func(*inputs), "outputs of the user-provided function", name)


def untuple(values: Sequence, several: bool) -> Any:
    """The tuple, or its only value where the user gave or returned a single tensor."""
    return tuple(values) if several else values[0]


def variables(inputs: tuple, create_graph: bool) -> tuple:
    """The inputs as tensors to differentiate with respect to: with their history where the result is to have one."""
    if create_graph:
        return tuple(one.view_as(one) if one.requires_grad else one.detach().requires_grad_() for one in inputs)
    return tuple(one.detach().requires_grad_() for one in inputs)


def finished(values: Sequence, create_graph: bool) -> tuple:
    """Results for the caller: with their history only where that was asked for."""
    return tuple(values) if create_graph else tuple(one.detach() for one in values)


def check_vector(v: tuple, like: tuple, several: bool) -> None:
    """Raises RuntimeError unless a vector has the shapes of what it is multiplied with."""
    if len(v) != len(like):
        if several:
            raise RuntimeError(f"v is a tuple of invalid length: should be {len(like)} but got {len(v)}.")
        raise RuntimeError("The given v should contain a single Tensor.")
    for index, (one, wanted) in enumerate(zip(v, like, strict=True)):
        if one.shape != wanted.shape:
            prefix = f"Entry {index} in " if several else ""
            raise RuntimeError(f"{prefix}v has invalid size: should be {wanted.shape} but got {one.shape}.")


def vector(v: Any, like: tuple, several: bool, name: str, whose: str) -> tuple:
    """The vector to multiply with; ones where it was left out, for a single element."""
    if v is None:
        if len(like) != 1 or like[0].numel() != 1:
            raise RuntimeError(f"The vector v can only be None if {whose} a single Tensor with a single element.")
        return (like[0].detach().new_ones(like[0].shape),)
    _, values = as_tuple(v, "v", name)
    values = tuple(one.detach() if not one.requires_grad else one.view_as(one) for one in values)
    check_vector(values, like, several)
    return values


def single_element(outputs: tuple, several: bool, name: str) -> Tensor:
    """The output of a function that must return one number."""
    if several:
        raise RuntimeError(f"The function given to {name} should return a single Tensor")
    if outputs[0].numel() != 1:
        raise RuntimeError(f"The Tensor returned by the function given to {name} should contain a single element")
    return outputs[0]


def require_history(outputs: tuple, strict: bool) -> None:
    """In strict mode raises RuntimeError for an output that does not depend on anything."""
    for index, out in enumerate(outputs):
        if strict and not out.requires_grad:
            raise RuntimeError(
                f"Output {index} of the user-provided function does not require gradients. The outputs must be computed in a "
                "differentiable manner from the input when running in strict mode."
            )


def require_second_order(gradient: tuple, strict: bool) -> None:
    """In strict mode raises RuntimeError for a gradient that does not depend on anything."""
    for index, one in enumerate(gradient):
        if strict and not one.requires_grad:
            raise RuntimeError(TWICE.format(index=index))


def pulled(outputs: tuple, inputs: tuple, vectors: Sequence, create_graph: bool) -> tuple:
    """The gradients of the inputs, None where there is no path."""
    flowing = [(out, v) for out, v in zip(outputs, vectors, strict=True) if out.requires_grad]
    if not flowing:
        return (None,) * len(inputs)
    reached, vectors = zip(*flowing, strict=True)
    return grad(reached, inputs, vectors, create_graph=create_graph, retain_graph=True, allow_unused=True)


def filled(found: tuple, like: tuple, strict: bool, create_graph: bool, stage: str) -> tuple:
    """Gradients with zeros for those that are missing; in strict mode RuntimeError for these, and for constant ones that are to
    be recorded.
    """
    results = []
    for index, (one, wanted) in enumerate(zip(found, like, strict=True)):
        if one is None:
            if strict:
                raise RuntimeError(
                    TWICE.format(index=index)
                    if stage == "hessian"
                    else f"The output of the user-provided function is independent of input {index}. This is not allowed in strict "
                    "mode."
                )
            one = wanted.detach().new_zeros(wanted.shape)
        elif strict and create_graph and not one.requires_grad:
            what = "hessian" if stage == "hessian" else "jacobian"
            raise RuntimeError(
                f"The {what} of the user-provided function is independent of input {index}. This is not allowed in strict mode "
                "when create_graph=True."
            )
        results.append(one)
    return tuple(results)


# --- products with a vector -------------------------------------------------------------------------------------------------------


def vjp(func: Callable, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> tuple[Any, Any]:
    """`func(*inputs)`, and the product of the vector `v` with the Jacobian.

    `v` has the shape of the outputs; it may be left out for a single element. With `strict`, outputs that do not depend on an input
    raise RuntimeError instead of giving zeros; with `create_graph` the results can be differentiated.
    """
    with enable_grad():
        several_in, given = as_tuple(inputs, "inputs", "vjp")
        inside = variables(given, create_graph)
        several_out, outputs = outputs_of(func, inside, "vjp")
        require_history(outputs, strict)
        v = vector(v, outputs, several_out, "vjp", "the user-provided function returns")
    with set_recording(create_graph):
        found = pulled(outputs, inside, v, create_graph)
        product = filled(found, inside, strict, create_graph, "back")
    return untuple(finished(outputs, create_graph), several_out), untuple(finished(product, create_graph), several_in)


def jvp(func: Callable, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> tuple[Any, Any]:
    """`func(*inputs)`, and the product of the Jacobian with the vector `v`, which has the shape of the inputs; otherwise as `vjp`.

    By the derivative of the vjp with respect to its own vector; `autograd.forward_ad` and `func.jvp` need one pass only.
    """
    with enable_grad():
        several_in, given = as_tuple(inputs, "inputs", "jvp")
        inside = variables(given, create_graph)
        v = vector(v, inside, several_in, "jvp", "the input to the user-provided function is")
        several_out, outputs = outputs_of(func, inside, "jvp")
        require_history(outputs, strict)
        dummies = tuple(out.new_zeros(out.shape, requires_grad=True) for out in outputs)
        found = filled(pulled(outputs, inside, dummies, True), inside, strict, create_graph, "back")
    with set_recording(create_graph):
        product = filled(pulled(found, dummies, v, create_graph), outputs, strict, create_graph, "back")
    return untuple(finished(outputs, create_graph), several_out), untuple(finished(product, create_graph), several_out)


def vhp(func: Callable, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> tuple[Any, Any]:
    """`func(*inputs)`, a single number, and the product of the vector `v` with its Hessian; otherwise as `vjp`."""
    with enable_grad():
        several, inside, v, output, gradient = gradient_of(func, inputs, v, create_graph, strict, "vhp")
    with set_recording(create_graph):
        product = filled(pulled(gradient, inside, v, create_graph), inside, strict, create_graph, "hessian")
    return finished((output,), create_graph)[0], untuple(finished(product, create_graph), several)


def hvp(func: Callable, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> tuple[Any, Any]:
    """`func(*inputs)`, a single number, and the product of its Hessian with the vector `v`; otherwise as `vjp`. `vhp` is faster."""
    with enable_grad():
        several, inside, v, output, gradient = gradient_of(func, inputs, v, create_graph, strict, "hvp")
        dummies = tuple(one.detach().new_zeros(one.shape).requires_grad_() for one in inside)
        second = filled(pulled(gradient, inside, dummies, True), inside, strict, create_graph, "hessian")
    with set_recording(create_graph):
        product = filled(pulled(second, dummies, v, create_graph), inside, strict, create_graph, "hessian")
    return finished((output,), create_graph)[0], untuple(finished(product, create_graph), several)


def gradient_of(func: Callable, inputs: Any, v: Any, create_graph: bool, strict: bool, name: str) -> tuple:
    """The recorded gradient of a function of one number, with what belongs to it."""
    several, given = as_tuple(inputs, "inputs", name)
    inside = variables(given, create_graph)
    v = vector(v, inside, several, name, "the input to the user-provided function is")
    several_out, outputs = outputs_of(func, inside, name)
    require_history(outputs, strict)
    output = single_element(outputs, several_out, name)
    gradient = filled(pulled((output,), inside, (None,), True), inside, strict, False, "back")
    require_second_order(gradient, strict)
    return several, inside, v, output, gradient


class set_recording:
    """A block that records operations if `wanted`, and where the caller does not forbid it."""

    def __init__(self, wanted: bool) -> None:
        self.block = enable_grad() if wanted else None

    def __enter__(self) -> None:
        if self.block is not None:
            self.block.__enter__()

    def __exit__(self, *exception: Any) -> None:
        if self.block is not None:
            self.block.__exit__(*exception)


# --- whole matrices ---------------------------------------------------------------------------------------------------------------


def jacobian(
    func: Callable, inputs: Any, create_graph: bool = False, strict: bool = False, vectorize: bool = False,
    strategy: str = "reverse-mode",
) -> Any:  # fmt: skip
    """The Jacobian of `func`: for each output and input a tensor of the output's shape followed by the input's.

    With `vectorize` all rows are computed at once, by vmap; only then may `strategy` be "forward-mode", which computes columns.
    """
    if strategy not in ("forward-mode", "reverse-mode"):
        raise AssertionError(
            'Expected strategy to be either "forward-mode" or "reverse-mode". Hint: If your function has more outputs than inputs, '
            '"forward-mode" tends to be more performant. Otherwise, prefer to use "reverse-mode".'
        )
    if strategy == "forward-mode":
        if create_graph:
            raise NotImplementedError(
                'torch.autograd.functional.jacobian: `create_graph=True` and `strategy="forward-mode"` are not supported together '
                '(yet). Please either set `create_graph=False` or `strategy="reverse-mode"`.'
            )
        return jacobian_by_columns(func, inputs, strict, vectorize)
    with enable_grad():
        several_in, given = as_tuple(inputs, "inputs", "jacobian")
        inside = variables(given, create_graph)
        several_out, outputs = outputs_of(func, inside, "jacobian")
        require_history(outputs, strict)
        if vectorize and strict:
            raise RuntimeError(
                "torch.autograd.functional.jacobian: `strict=True` and `vectorized=True` are not supported together. Please either "
                "set `strict=False` or `vectorize=False`."
            )
        if vectorize:
            rows = rows_at_once(outputs, inside, create_graph)
        else:
            rows = [rows_of(index, out, inside, create_graph, strict) for index, out in enumerate(outputs)]
    return untuple([untuple(finished(row, create_graph), several_in) for row in rows], several_out)


def rows_at_once(outputs: tuple, inputs: tuple, create_graph: bool) -> list:
    """The Jacobians of all outputs with respect to each input, by one pass for all rows."""
    from ..creation import eye

    sizes = [out.numel() for out in outputs]
    axes = eye(sum(sizes)).split(sizes, 1)
    flowing = [(out.reshape(-1), part.to(out.dtype)) for out, part in zip(outputs, axes, strict=True) if out.requires_grad]
    if not flowing or not sum(sizes):
        return [[zeros(out, one) for one in inputs] for out in outputs]
    flat, cotangents = zip(*flowing, strict=True)
    found = grad(flat, inputs, cotangents, True, create_graph, allow_unused=True, is_grads_batched=True)
    columns = [[None] * len(sizes) if rows is None else rows.split(sizes) for rows in found]
    return [
        [shaped(part, out, one) for part, one in zip(row, inputs, strict=True)]
        for out, row in zip(outputs, zip(*columns, strict=True), strict=True)
    ]


def rows_of(index: int, out: Tensor, inputs: tuple, create_graph: bool, strict: bool) -> list:
    """The Jacobian of one output with respect to each input, row by row."""
    if out.is_complex():
        raise RuntimeError(f"grad can be implicitly created only for real scalar outputs but got {out.dtype}")
    flat = out.reshape(-1)
    if not out.requires_grad or not flat.numel():
        return [zeros(out, one) for one in inputs]
    rows = [grad(flat[i], inputs, None, True, create_graph, allow_unused=True) for i in range(flat.numel())]
    return [
        shaped(stacked(column, index, number, inputs[number], strict, create_graph), out, inputs[number])
        for number, column in enumerate(zip(*rows, strict=True))
    ]


def shaped(rows: Tensor | None, out: Tensor, input: Tensor) -> Tensor:
    """Rows, one for each element of an output, as a Jacobian; zeros where there are none."""
    return zeros(out, input) if rows is None else rows.reshape((*out.shape, *input.shape))


def zeros(out: Tensor, input: Tensor) -> Tensor:
    """The Jacobian of an output that does not depend on an input."""
    return input.detach().new_zeros((*out.shape, *input.shape))


def stacked(column: tuple, index: int, number: int, input: Tensor, strict: bool, create_graph: bool) -> Tensor | None:
    """The gradients of one input from each element of an output; None when there is none.

    In strict mode raises RuntimeError where one is missing, or constant though it is to be recorded.
    """
    from ..ops.joining import stack

    if strict and any(one is None for one in column):
        raise RuntimeError(
            f"Output {index} of the user-provided function is independent of input {number}. This is not allowed in strict mode."
        )
    if strict and create_graph and not all(one.requires_grad for one in column):
        raise RuntimeError(
            f"The jacobian of the user-provided function is independent of input {number}. This is not allowed in strict mode when "
            "create_graph=True."
        )
    if all(one is None for one in column):
        return None
    return stack([input.detach().new_zeros(input.shape) if one is None else one for one in column])


def jacobian_by_columns(func: Callable, inputs: Any, strict: bool, vectorize: bool) -> Any:
    """The Jacobian in forward mode, all columns of an input at once."""
    from ..func.jacobians import by_columns
    from ..func.vmap import Transforms

    if strict:
        raise RuntimeError(
            'torch.autograd.functional.jacobian: `strict=True` and `strategy="forward-mode"` are not supported together (yet). '
            'Please either set `strict=False` or `strategy="reverse-mode"`.'
        )
    if not vectorize:
        raise NotImplementedError(
            "Computing Jacobian using forward-AD or forward-over-reverse Hessian is only implemented for `vectorize=True`."
        )
    several_in, given = as_tuple(inputs, "inputs", "jacobian")
    kind: list[bool] = []

    def checked(*inside: Tensor) -> tuple:
        with Transforms(()):  # as in PyTorch, custom functions are asked for no rule
            several_out, outputs = outputs_of(func, inside, "jacobian")
        kind[:] = [several_out]
        return outputs

    rows, _, _ = by_columns(checked, given)
    return untuple([untuple(row, several_in) for row in rows], kind[0])


def hessian(
    func: Callable, inputs: Any, create_graph: bool = False, strict: bool = False, vectorize: bool = False,
    outer_jacobian_strategy: str = "reverse-mode",
) -> Any:  # fmt: skip
    """The Hessian of `func`, which returns a single number: for each two inputs a tensor of the one's shape followed by the
    other's.

    The arguments are those of `jacobian`; `outer_jacobian_strategy` is how the Jacobian of the gradient is computed.
    """
    several, given = as_tuple(inputs, "inputs", "hessian")
    if outer_jacobian_strategy not in ("forward-mode", "reverse-mode"):
        raise AssertionError('Expected strategy to be either "forward-mode" or "reverse-mode".')

    def number(*inside: Tensor) -> Tensor:
        several_out, outputs = outputs_of(func, inside, "hessian")
        require_history(outputs, strict)
        return single_element(outputs, several_out, "hessian").sum()

    def gradient(*inside: Tensor) -> tuple:
        if outer_jacobian_strategy == "forward-mode":
            inside = tuple(one if one.requires_grad else one.requires_grad_() for one in inside)
        found = jacobian(number, inside, create_graph=True)
        require_second_order(found, strict)
        return found

    rows = jacobian(gradient, given, create_graph, strict, vectorize, outer_jacobian_strategy)
    return untuple([untuple(row, several) for row in rows], several)
