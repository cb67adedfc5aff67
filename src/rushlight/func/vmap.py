"""vmap: a function of one example, applied to all at once."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any
from weakref import ref

import numpy as np

from ..arrays.basic import unmirrored
from ..arrays.batched import BatchedArray, aligned, all_levels, examples_in, levels_of, moved, unwrap
from ..autograd.graph import Node, next_order
from ..autograd.modes import refresh, state, thread
from ..autograd.tangents import open_tangents
from ..ops.op import edge_of
from ..tensor import Tensor, wrap
from ..utils._pytree import broadcast_prefix, tree_flatten, tree_unflatten

if TYPE_CHECKING:
    from collections.abc import Callable

next_level = count(1).__next__


class Entering(Node):
    """A tensor becomes a batch of examples."""

    __slots__ = ("level", "dim", "size")

    def __init__(self, tensor: Tensor, level: int, dim: int) -> None:
        self._order = next_order()
        self.edges = (edge_of(tensor),)
        self.spaces = None
        self.level, self.dim, self.size = level, dim, tensor._array.shape[dim]
        state.batched_nodes.add(ref(self, state.batched_nodes.discard))

    def vjp_recorded(self, g: Any, keep: bool) -> tuple:
        return (leave(g, self.level, self.dim, self.size),)


class Leaving(Node):
    """A batch of examples becomes a tensor."""

    __slots__ = ("level", "dim")

    def __init__(self, tensor: Tensor, level: int, dim: int) -> None:
        self._order = next_order()
        self.edges = (edge_of(tensor),)
        self.spaces = None
        self.level, self.dim = level, dim
        state.batched_nodes.add(ref(self, state.batched_nodes.discard))

    def vjp_recorded(self, g: Any, keep: bool) -> tuple:
        return (enter(g, self.level, self.dim),)


def enter(tensor: Tensor, level: int, dim: int) -> Tensor:
    """The tensor seen one example at a time, along `dim`."""
    array = tensor._array
    levels = levels_of(array)
    data = array.data if levels else unmirrored(array)
    inner = tuple(sorted((*levels, level)))  # a cotangent may enter a level outside of those that it is in
    inside = wrap(BatchedArray(moved(data, dim % array.ndim + len(levels), inner.index(level)), inner))
    if dim:
        inside._entered = dim  # type: ignore[attr-defined]
    if tensor._node is not None and thread.grad_enabled:
        inside._node = Entering(tensor, level, dim)
    if thread.forward_levels:
        inside._tangents = {key: enter(tangent, level, dim) for key, tangent in open_tangents(tensor).items()}
    return inside


def leave(tensor: Tensor, level: int, dim: int, size: int) -> Tensor:
    """All examples again, along `dim`; those of a tensor that was never batched are alike."""
    array = unwrap(tensor._array, level, size)
    levels = levels_of(array)
    data = array.data if levels else array
    rank = data.ndim - len(levels)
    if not -rank <= dim < rank:
        raise IndexError(f"Dimension out of range (expected to be in range of [{-rank}, {rank - 1}], but got {dim})")
    placed = moved(data, len(levels), dim % rank + len(levels))
    outside = wrap(BatchedArray(placed, levels) if levels else placed)
    if tensor._node is not None and thread.grad_enabled:
        outside._node = Leaving(tensor, level, dim)
    if thread.forward_levels:
        outside._tangents = {key: leave(tangent, level, dim, size) for key, tangent in open_tangents(tensor).items()}
    return outside


def vmap(
    func: Callable, in_dims: Any = 0, out_dims: Any = 0, randomness: str = "error", *, chunk_size: int | None = None
) -> Callable:
    """A function that applies `func` to every example along `in_dims` of its arguments, and stacks the results along `out_dims`.

    `in_dims` and `out_dims` are dimensions, or nested like the arguments (None: not batched). `randomness`: whether random numbers
    inside are refused ("error"), "different" for each example, or the "same". `chunk_size` limits how many examples go at once.
    """
    if randomness not in ("error", "different", "same"):
        raise RuntimeError(f"Only allowed values for randomness are 'error', 'different', or 'same'. Got {randomness}")
    if chunk_size is not None and chunk_size <= 0:
        raise ValueError(f"vmap: chunk_size should be None or greater than 0. (got {chunk_size})")

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        leaves, spec, dims, size = batched_inputs(func, in_dims, args)
        if chunk_size is not None and chunk_size < size:
            return in_chunks(func, leaves, spec, dims, out_dims, randomness, chunk_size, size, kwargs)
        return run(func, leaves, spec, dims, out_dims, randomness, size, kwargs)

    wrapped.__name__ = getattr(func, "__name__", "vmapped")
    wrapped.__doc__ = getattr(func, "__doc__", None)
    return wrapped


def name_of(func: Any) -> str:
    return getattr(func, "__name__", repr(func))


def batched_inputs(func: Callable, in_dims: Any, args: tuple) -> tuple[list, Any, list, int]:
    """The leaves of the arguments with their batch dimensions, and the size of the batch. Raises ValueError if they do not fit."""
    if not isinstance(in_dims, (int, tuple)):
        raise ValueError(
            f"vmap({name_of(func)}, in_dims={in_dims}, ...)(<inputs>): expected `in_dims` to be int "
            f"or a (potentially nested) tuple matching the structure of inputs, got: {type(in_dims)}."
        )
    if not args:
        raise ValueError(
            f"vmap({name_of(func)})(<inputs>): got no inputs. Maybe you forgot to add inputs, or you are trying to vmap over a "
            "function with no inputs. The latter is unsupported."
        )
    leaves, spec = tree_flatten(args)
    dims = broadcast_prefix(in_dims, args)
    if dims is None:
        raise ValueError(
            f"vmap({name_of(func)}, in_dims={in_dims}, ...)(<inputs>): in_dims is not compatible with the structure of `inputs`. "
            f"in_dims has structure {tree_flatten(in_dims)[1]} but inputs has structure {spec}."
        )
    sizes = []
    for position, (leaf, dim) in enumerate(zip(leaves, dims, strict=True)):
        if dim is None:
            continue
        if not isinstance(dim, int):
            raise ValueError(
                f"vmap({name_of(func)}, in_dims={in_dims}, ...)(<inputs>): Got in_dim={dim} for an input but in_dim must be either "
                "an integer dimension or None."
            )
        if not isinstance(leaf, Tensor):
            raise ValueError(
                f"vmap({name_of(func)}, in_dims={in_dims}, ...)(<inputs>): Got in_dim={dim} for an input but the input is of type "
                f"{type(leaf)}. We cannot vmap over non-Tensor arguments, please use None as the respective in_dim"
            )
        rank = leaf._array.ndim
        if not -rank <= dim < rank:
            raise ValueError(
                f"vmap({name_of(func)}, in_dims={in_dims}, ...)(<inputs>): Got in_dim={dim} for some input, but that input is a "
                f"Tensor of dimensionality {rank} so expected in_dim to satisfy -{rank} <= in_dim < {rank}."
            )
        dims[position] = dim % rank
        sizes.append(leaf._array.shape[dim])
    if not sizes:
        raise ValueError("vmap: Expected at least one Tensor to vmap over")
    if any(size != sizes[0] for size in sizes):
        raise ValueError(
            f"vmap: Expected all tensors to have the same size in the mapped dimension, got sizes {sizes} for the mapped dimension"
        )
    return leaves, spec, dims, sizes[0]


def run(
    func: Callable, leaves: list, spec: Any, dims: list, out_dims: Any, randomness: str, size: int, kwargs: dict
) -> Any:
    """One application to a whole batch."""
    level = next_level()
    with Batching(level, randomness, size):
        inside = [leaf if dim is None else enter(leaf, level, dim) for leaf, dim in zip(leaves, dims, strict=True)]
        result = func(*tree_unflatten(inside, spec), **kwargs)
        outputs, out_spec = tree_flatten(result)
        placed = output_dims(func, out_dims, result)
        return tree_unflatten(
            [finished(func, output, level, dim, size) for output, dim in zip(outputs, placed, strict=True)], out_spec
        )


def output_dims(func: Callable, out_dims: Any, result: Any) -> list:
    """For each tensor of a result where its batch goes. Raises ValueError for dimensions that do not fit the result."""
    given = tree_flatten(out_dims)[0]
    if not all(dim is None or isinstance(dim, int) for dim in given):
        raise ValueError(
            f"vmap({name_of(func)}, ..., out_dims={out_dims}): `out_dims` must be an int, None or a python collection of ints "
            "representing where in the outputs the vmapped dimension should appear."
        )
    if isinstance(result, Tensor) and isinstance(out_dims, (tuple, list)) and len(out_dims) == 1:
        return given
    placed = broadcast_prefix(tuple(out_dims) if isinstance(out_dims, list) else out_dims, result)
    if placed is None:
        raise ValueError(
            f"vmap({name_of(func)}, ..., out_dims={out_dims})(<inputs>): out_dims is not compatible with the structure of "
            f"`outputs`. out_dims has structure {tree_flatten(out_dims)[1]} but outputs has structure {tree_flatten(result)[1]}."
        )
    return placed


def finished(func: Callable, output: Any, level: int, dim: int | None, size: int) -> Any:
    """One output for the caller. Raises ValueError for anything but a tensor, where one is expected."""
    if not isinstance(output, Tensor):
        if dim is None:
            return output
        raise ValueError(
            f"vmap({name_of(func)}, ...): `{name_of(func)}` must only return Tensors, got type {type(output)}. Did you mean to set "
            "out_dims= to None for output?"
        )
    if dim is None:
        if level in levels_of(output._array):
            raise ValueError(
                f"vmap({name_of(func)}, ...): `{name_of(func)}` can not return a BatchedTensor when out_dim is None"
            )
        return output
    return leave(output, level, dim, size)


def in_chunks(
    func: Callable, leaves: list, spec: Any, dims: list, out_dims: Any, randomness: str, chunk_size: int, size: int, kwargs: dict
) -> Any:
    """The batch in several applications, their results joined."""
    from ..ops.joining import cat
    from ..random import get_rng_state, set_rng_state

    results = []
    state = get_rng_state() if randomness == "same" else None
    for start in range(0, size, chunk_size):
        if state is not None:
            set_rng_state(state)
        length = min(chunk_size, size - start)
        part = [
            leaf if dim is None else leaf.narrow(dim, start, length) for leaf, dim in zip(leaves, dims, strict=True)
        ]
        results.append(run(func, part, spec, dims, out_dims, randomness, length, kwargs))
    columns = [tree_flatten(result)[0] for result in results]
    _, out_spec = tree_flatten(results[0])
    placed = output_dims(func, out_dims, results[0])
    joined = [
        column[0] if dim is None else cat(list(column), dim) for column, dim in zip(zip(*columns, strict=True), placed, strict=True)
    ]
    return tree_unflatten(joined, out_spec)


def drawn(draw: Callable, args: tuple, kwargs: dict) -> Any:
    """Random numbers drawn inside vmap by a generator's method: for each example its own, or the same for all, as each level wants.

    Raises RuntimeError where a level refuses.
    """
    rules, thread.randomness = thread.randomness, ()
    try:
        wanted = {level: mode for mode, level, _ in rules}
        if "error" in wanted.values():
            raise RuntimeError(
                "vmap: called random operation while in randomness error mode. Please either use the 'same' "
                "or 'different' randomness flags on vmap or perform the randomness operation out of vmap"
            )
        levels = all_levels((args, kwargs))
        if any(wanted.get(level) == "same" for level in levels):
            raise RuntimeError("Vmap does not currently support same randomness with a batched tensor input.")
        levels = tuple(sorted({*levels, *(level for level, mode in wanted.items() if mode == "different")}))
        sizes = tuple(thread.batch_sizes[level] for level in levels)
        names = draw.__code__.co_varnames[1 : draw.__code__.co_argcount]
        if not levels:
            return draw(*args, **kwargs)
        if "shape" not in names:
            return drawn_one_by_one(draw, args, kwargs, levels)
        generator, *rest = args
        given = {**dict(zip(names, rest, strict=False)), **kwargs}
        shape = tuple(given["shape"])
        given = {name: aligned(one, levels, len(shape)) if levels_of(one) else one for name, one in given.items()}
        return BatchedArray(draw(generator, **{**given, "shape": sizes + shape}), levels)
    finally:
        thread.randomness = rules


def drawn_one_by_one(draw: Callable, args: tuple, kwargs: dict, levels: tuple) -> Any:
    """The same for a method that takes no shape."""
    if not levels:
        return draw(*args, **kwargs)
    level, rest = levels[0], levels[1:]
    examples = [
        drawn_one_by_one(draw, examples_in(args, level, i), examples_in(kwargs, level, i), rest)
        for i in range(thread.batch_sizes[level])
    ]
    inner = levels_of(examples[0])
    return BatchedArray(np.stack([one.data if inner else one for one in examples]), (level, *inner))


def batched_like(tensor: Tensor, model: Tensor) -> Tensor:
    """A new tensor with an example of its own for each of the model's."""
    levels = levels_of(model._array)
    if not levels:
        return tensor
    sizes = model._array.data.shape[: len(levels)]
    tensor._array = BatchedArray(np.broadcast_to(tensor._array, sizes + tensor._array.shape).copy(), levels)
    return tensor


def debug_unwrap(tensor: Tensor, *, recurse: bool = True) -> Tensor:
    """The tensor with all examples that stands for one within vmap, without history; of all levels, or (`recurse`) the last only.

    For debugging: what is computed from it takes no part in the transform.
    """
    levels = levels_of(tensor._array)
    if not levels:
        return wrap(tensor._array) if thread.transforms and tensor.requires_grad else tensor
    data, rest = tensor._array.data, levels[:-1]
    return wrap(data if recurse or not rest else BatchedArray(data, rest))


class Transforms:
    """A block in which these transforms are open. Custom functions ask which are, and in what order."""

    def __init__(self, numbers: tuple[int, ...]) -> None:
        self.inside = numbers

    @staticmethod
    def one_more() -> Transforms:
        """A block within one transform more, which is no vmap."""
        return Transforms((*thread.transforms, next_level()))

    def __enter__(self) -> None:
        self.outside, thread.transforms = thread.transforms, self.inside

    def __exit__(self, *exception: Any) -> None:
        thread.transforms = self.outside


class Batching:
    """A block within one level of vmap."""

    def __init__(self, level: int, randomness: str, size: int) -> None:
        self.level, self.randomness, self.size = level, randomness, size

    def __enter__(self) -> None:
        self.previous = thread.batch_levels, thread.randomness, thread.transforms
        thread.batch_levels = (*thread.batch_levels, self.level)
        thread.transforms = (*thread.transforms, self.level)
        thread.randomness = (*thread.randomness, (self.randomness, self.level, self.size))
        thread.batch_sizes[self.level] = self.size
        refresh()

    def __exit__(self, *exception: Any) -> None:
        thread.batch_levels, thread.randomness, thread.transforms = self.previous
        del thread.batch_sizes[self.level]
        refresh()


