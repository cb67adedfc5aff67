"""Where a backward pass starts: `backward` and `grad`, and the cotangents that they are given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..arrays.basic import zeros_like
from ..tensor import Tensor, refresh_view, set_requires_grad, wrap
from ..warning import warn
from .engine import execute, works_on_tensors
from .modes import thread

if TYPE_CHECKING:
    from collections.abc import Sequence


def backward(
    tensors: Any,
    grad_tensors: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    grad_variables: Any = None,
    inputs: Any = None,
) -> None:
    """Adds the gradients of the given tensors with respect to the graph's leaves to the leaves' `.grad`.

    `grad_tensors` are the cotangents, one per tensor, None for a tensor with one element.
    """
    if thread.transforms:
        raise RuntimeError(
            "backward() called inside a functorch transform. This is not supported, please use functorch.grad or functorch.vjp "
            "instead or call backward() outside of functorch transforms."
        )
    if grad_variables is not None:
        if grad_tensors is not None:
            raise RuntimeError(
                "`grad_tensors` and `grad_variables` (deprecated) arguments both passed to `backward()`. Please only use "
                "`grad_tensors`."
            )
        warn("`grad_variables` is deprecated. Use `grad_tensors` instead.", FutureWarning)
        grad_tensors = grad_variables
    if inputs is not None:
        inputs = wanted_tensors(inputs, "backward")
    roots = listed(tensors)
    given = as_list(grad_tensors, len(roots))
    if create_graph:
        warn_of_cycle()
    on_tensors = create_graph or works_on_tensors()  # asked but once: another thread may change the answer
    keep = create_graph if retain_graph is None else retain_graph
    execute(roots, initial_cotangents(roots, given, on_tensors), keep, create_graph, on_tensors, inputs, accumulate=True)


def warn_of_cycle() -> None:
    """Says once what a `.grad` with a history does to memory."""
    warn(
        "Using backward() with create_graph=True will create a reference cycle between the parameter and its gradient which can "
        "cause a memory leak. We recommend using autograd.grad when creating the graph to avoid this. If you have to use this "
        "function, make sure to reset the .grad fields of your parameters to None after use to break the cycle and avoid the leak.",
        once=True,
    )


def _backward(
    self: Tensor,
    gradient: Tensor | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Any = None,
) -> None:
    """Computes the gradients of this tensor with respect to the leaves, and adds them to their `.grad`.

    `gradient` is the cotangent, needed unless the tensor has one element; `retain_graph` keeps what the graph saved for another
    pass; `create_graph` records the pass itself, for higher orders; `inputs` limits accumulation to these tensors.
    """
    backward(self, gradient, retain_graph, create_graph, None, inputs)


_backward.__name__, _backward.__qualname__ = "backward", "Tensor.backward"
Tensor.backward = _backward  # type: ignore[assignment]


def grad(
    outputs: Any,
    inputs: Any,
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> Any:
    """The gradients of the sum of `outputs`, weighted by `grad_outputs`, with respect to `inputs`; touches no `.grad`.

    They come as a tuple, or by name where `inputs` is a dictionary.
    Raises RuntimeError for an input that the outputs do not depend on, unless `allow_unused` (then None) or
    `materialize_grads` (then zeros).
    """
    if hasattr(inputs, "keys"):
        named = named_values(inputs, "grad")
        found: Any = grad(
            outputs, named, grad_outputs, retain_graph, create_graph, only_inputs, allow_unused, is_grads_batched, materialize_grads
        )
        return dict(zip(inputs, found, strict=True))
    if materialize_grads and allow_unused is False:
        raise ValueError("Expected allow_unused to be True or not passed when materialize_grads=True, but got: allow_unused=False.")
    if not only_inputs:
        warn(
            "only_inputs argument is deprecated and is ignored now (defaults to True). To accumulate gradient for other parts of "
            "the graph, please use torch.autograd.backward.",
            FutureWarning,
        )
    roots, wanted = listed(outputs), wanted_tensors(inputs, "grad")
    keep = create_graph if retain_graph is None else retain_graph
    if is_grads_batched:
        from .batched_grad import batched_grad

        return batched_grad(roots, wanted, grad_outputs, keep, create_graph, allow_unused, materialize_grads)
    on_tensors = create_graph or works_on_tensors()
    cotangents = initial_cotangents(roots, as_list(grad_outputs, len(roots)), on_tensors)
    found = execute(roots, cotangents, keep, create_graph, on_tensors, wanted, accumulate=False)
    if materialize_grads:
        given = zip(separate(inputs), found, strict=True)
        return tuple(zeros_of(one, create_graph) if g is None else g for one, g in given)
    if not allow_unused and any(g is None for g in found):
        raise RuntimeError(
            f"The differentiated Tensor at index {[g is None for g in found].index(True)} appears to not have been used in the "
            "graph. Set allow_unused=True if this is the desired behavior."
        )
    return tuple(found)


def zeros_of(tensor: Any, requires_grad: bool) -> Tensor:
    """A gradient of zeros. Raises RuntimeError for a gradient edge."""
    if not isinstance(tensor, Tensor):
        raise RuntimeError("materialize_grads cannot be used when the given input is a GradientEdge")
    return set_requires_grad(wrap(zeros_like(tensor._array)), requires_grad)


def separate(given: Any) -> list:
    """A tensor or gradient edge, or several, as a list."""
    return [given] if isinstance(given, Tensor) or hasattr(given, "ownership_token") else list(given)


def wanted_tensors(given: Any, name: str) -> list:
    """The inputs of a pass as a list of tensors. Raises RuntimeError for none, and for what is neither a tensor nor an edge."""
    if hasattr(given, "keys"):
        given = named_values(given, name)
    wanted = listed(given, RuntimeError, "all inputs have to be Tensors or GradientEdges")
    if not wanted:
        raise RuntimeError(f"`inputs` argument to `{name}()` cannot be empty.")
    return wanted


def named_values(given: Any, name: str) -> list:
    """The values of a dictionary. Raises TypeError for any other mapping."""
    if type(given) is not dict:
        kind = type(given).__name__
        raise TypeError(f"`inputs` argument to `{name}()` must be a dict, not {kind}. Other Mapping types are not supported.")
    return list(given.values())


def listed(given: Any, error: type = AssertionError, message: str = "Expected output to be a torch.Tensor") -> list:
    """A tensor or gradient edge, or several, as a list of tensors. Raises an error for anything else."""
    several = separate(given)
    if all(isinstance(one, Tensor) for one in several):
        return several
    from .edges import tensor_at

    for one in several:
        if not isinstance(one, Tensor) and not hasattr(one, "ownership_token"):
            raise error(f"{message}, but got {type(one).__name__}")
    return [tensor_at(one) for one in several]


def as_list(given: Any, length: int) -> list:
    """Cotangents as a list with one entry per output. Raises RuntimeError for the wrong number."""
    if given is None:
        return [None] * length
    given = [given] if isinstance(given, Tensor) else list(given)
    for one in given:
        if one is not None and not isinstance(one, Tensor):
            raise TypeError(f"gradients can be either Tensors or None, but got {type(one).__name__}")
    if len(given) != length:
        raise RuntimeError(f"got {length} tensors and {len(given)} gradients")
    return given


# The cotangent of a scalar loss; never written to, since the pass does not own it.
ONES = {kind: np.ones((), kind) for kind in (np.dtype("float32"), np.dtype("float64"))}
for _one in ONES.values():
    _one.flags.writeable = False  # a hook or a custom function that tries is told so


def initial_cotangents(roots: Sequence, given: list, on_tensors: bool) -> list:
    """The cotangents that a pass starts from, each of the type and shape of its tensor."""
    cotangents: list = []
    for root, cotangent in zip(roots, given):  # noqa: B905 - as_list has compared their lengths
        if root._base is not None:
            refresh_view(root)
        if root._node is None:
            raise RuntimeError(
                f"element {len(cotangents)} of tensors does not require grad and does not have a grad_fn. "
                "Make an input with requires_grad=True, and check that nothing on the way was detached or run under no_grad."
            )
        if cotangent is None:
            array = implicit_cotangent(root)
            cotangents.append(wrap(array) if on_tensors else array)
        else:
            cotangent = checked_cotangent(root, cotangent)
            cotangents.append(cotangent if on_tensors else cotangent._array)
    return cotangents


def implicit_cotangent(root: Tensor) -> Any:
    """One, for a tensor with one element. Raises RuntimeError for any other."""
    array = root._array
    if array is not None and not array.ndim and array.dtype in ONES:
        return ONES[array.dtype]
    if array is None or array.size != 1:
        raise RuntimeError("grad can be implicitly created only for scalar outputs")
    if array.dtype.kind == "c":
        raise RuntimeError(f"grad can be implicitly created only for real scalar outputs but got {root.dtype}")
    return np.ones(array.shape, array.dtype)


def checked_cotangent(root: Tensor, cotangent: Any) -> Tensor:
    """A cotangent that the user gave, in the type of its tensor. Raises where it does not fit."""
    array = root._array
    if array is None:
        return cotangent
    if cotangent._array.shape != array.shape:
        raise RuntimeError(
            f"Mismatch in shape: grad_output[0] has a shape of {cotangent.shape} and output[0] has a shape of {root.shape}."
        )
    if (cotangent._array.dtype.kind == "c") != (array.dtype.kind == "c"):
        raise RuntimeError(
            "For complex Tensors, both grad_output and output are required to have the same dtype. Mismatch in dtype: "
            f"grad_output[0] has a dtype of {cotangent.dtype} and output[0] has a dtype of {root.dtype}."
        )
    return cotangent if cotangent._array.dtype == array.dtype else cotangent.to(root.dtype)
