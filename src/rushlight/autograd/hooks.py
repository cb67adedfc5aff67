"""The part of a pass that somebody watches: hooks of tensors, nodes and leaves, gradients that were asked for, anomaly mode.

At a node, in PyTorch's order: the hooks of the tensor that it made, that tensor's `.grad` if it retains it, the node's pre-hooks,
the node, its post-hooks. What the pass is to return is taken after the tensor's hooks, or before them where the pass goes on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..dtypes import type_word_of
from ..tensor import Tensor
from .engine import as_tensor, check_versions, complete, edges_of
from .graph import AccumulateGrad
from .modes import thread
from .projection import project, project_all

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from .engine import Pass
    from .graph import Node


def run_watched(task: Pass, node: Any, g: Any) -> tuple | None:
    """The cotangents of a node's inputs; None when the pass does not go through it."""
    needed = task.needed
    goes_on = needed is None or node in task.ends or any(edge in needed for edge in edges_of(node) if edge is not None)
    if goes_on and needed is not None:
        capture(task, node, g)
    if type(g) is list:
        for index, holder in (node.output_hooks or {}).items():
            g[index] = call_tensor_hooks(task, holder, g[index])
    else:
        g = call_tensor_hooks(task, node, g)
    if not goes_on:
        capture(task, node, g)
        return None
    if node.prehooks:
        g = call_prehooks(task, node.prehooks, g)
    results = apply(task, node, g)
    if node.posthooks:
        if needed is not None:
            results = tuple(one if edge in needed else None for one, edge in zip(results, node.edges, strict=False))
        results = call_posthooks(task, node, results, g)
    return results


def capture(task: Pass, node: Any, g: Any) -> None:
    """Keeps what the pass is to return of a node's cotangents."""
    if type(g) is list:
        for index in task.wanted_outputs.get(node, ()):
            task.captured[node, index] = g[index]
    elif node in task.captured:
        task.captured[node] = g


def apply(task: Pass, node: Node, g: Any) -> tuple:
    """Runs a node's derivative, in anomaly mode with an eye on NaN."""
    if not node.takes_nothing and (g is None or (type(g) is list and all(part is None for part in g))):
        return (None,) * len(node.edges)
    if type(g) is list:
        g = complete(node, g, task.on_tensors)
    check_versions(node)
    if thread.anomaly:
        from .anomaly_mode import apply_checked

        return apply_checked(node, g, task.keep, task.on_tensors)
    if thread.profiler is not None:
        return thread.profiler.run_node(node, g, task.keep, task.on_tensors)
    return node.vjp_recorded(g, task.keep) if task.on_tensors else node.vjp(g, task.keep)


def call_tensor_hooks(task: Pass, holder: Any, g: Any) -> Any:
    """Calls the hooks of the tensor that a node made (`holder` is the node or stands for one of its outputs), and fills
    its `.grad`.
    """
    if holder.tensor_hooks:
        g = hooked(task, holder.tensor_hooks, g)
    if holder.retained is not None and g is not None:
        tensor = holder.retained()
        if tensor is not None:
            task.add_to_grad(tensor, g)
    return g


def hooked(task: Pass, hooks: dict, g: Any) -> Any:
    """A cotangent after hooks have seen it and perhaps replaced it."""
    for hook in list(hooks.values()):
        before = as_tensor(g)
        replaced = hook(before)
        if replaced is not None:
            g = task.raw(checked(hook, replaced, before))
    return g


def checked(hook: Callable, replaced: Any, before: Any) -> Any:
    """What a hook returned in place of a gradient. Raises unless it can take its place."""
    if not isinstance(replaced, Tensor):
        raise TypeError(f"expected Variable, but hook returned '{type(replaced).__name__}'")
    if before is None:
        raise RuntimeError("can't replace a None gradient with a non-None value")
    if replaced._array.dtype != before._array.dtype:
        was, got = type_word_of(before._array), type_word_of(replaced._array)
        raise RuntimeError(f"hook '{name_of(hook)}' has changed the type of value (was torch.{was}Tensor got torch.{got}Tensor)")
    if replaced._array.shape != before._array.shape:
        raise RuntimeError(f"hook '{name_of(hook)}' has changed the size of value")
    return replaced


def checked_all(hook: Callable, replaced: Any, before: tuple) -> tuple:
    """What a hook returned in place of several gradients. Raises unless they can take their places."""
    if not isinstance(replaced, tuple):
        raise TypeError(f"expected tuple, but hook returned '{type(replaced).__name__}'")
    if len(replaced) != len(before):
        raise RuntimeError(
            f"hook '{name_of(hook)}' has returned an incorrect number of values (got {len(replaced)}, but expected {len(before)})"
        )
    return tuple(None if new is None else checked(hook, new, old) for new, old in zip(replaced, before, strict=True))


def name_of(hook: Any) -> str:
    """A hook's name, for errors."""
    return getattr(hook, "__name__", "<unknown>")


def tensors_of(g: Any) -> tuple:
    """Cotangents as a tuple of Tensors, for a hook."""
    return tuple(map(as_tensor, g)) if isinstance(g, (tuple, list)) else (as_tensor(g),)


def call_prehooks(task: Pass, hooks: dict, g: Any) -> Any:
    """The cotangents of a node's outputs after its pre-hooks."""
    outputs = tensors_of(g)
    for hook in list(hooks.values()):
        replaced = hook(outputs)
        if replaced is not None:
            outputs = checked_all(hook, replaced, outputs)
    raw = [task.raw(one) for one in outputs]
    return raw if type(g) is list else raw[0]


def call_posthooks(task: Pass, node: Any, results: tuple, g: Any) -> tuple:
    """The cotangents of a node's inputs after its post-hooks."""
    if node.spaces is not None:
        results = project_all(results, node.spaces)
    inputs, outputs = tensors_of(results), tensors_of(g)
    for hook in list(node.posthooks.values()):
        replaced = hook(inputs, outputs)
        if replaced is not None:
            inputs = checked_all(hook, replaced, inputs)
    return tuple(map(task.raw, inputs))


def has_leaf_hooks(leaf: Tensor) -> bool:
    """Whether a leaf's gradient has to be more than added: somebody wants to be called about it, or it is to be cast."""
    return (
        leaf._hooks is not None or leaf._post_hooks is not None or "_accumulate" in leaf.__dict__ or leaf._grad_dtype is not False
    )


def accumulate_hooked(task: Pass, leaf: Tensor, g: Any) -> None:
    """Adds a complete cotangent to a leaf's `.grad`, calling the hooks of the leaf and of its AccumulateGrad."""
    add: Callable = task.add_to_grad
    if leaf._grad_dtype is not False:
        from .grad_dtype import add_cast, kind_of

        add, g = add_cast, project(g, leaf._array.shape, kind_of(leaf, g))
    if leaf._hooks:
        g = hooked(task, leaf._hooks, g)
    before, after = AccumulateGrad.hooks_of(leaf)
    if before:
        g = call_prehooks(task, before, g)
    if g is not None:
        add(leaf, g)
    call_each((leaf._post_hooks or {}).values(), leaf)
    for hook in list(after.values()):
        replaced = hook((), (as_tensor(g),))
        if replaced is not None:
            checked_all(hook, replaced, ())
    leaf.__dict__.pop("_node_hooks", None)


def call_each(hooks: Iterable[Callable], leaf: Tensor) -> None:
    """Calls the hooks that follow accumulation, which return nothing."""
    for hook in list(hooks):
        returned = hook(leaf)
        if returned is None or returned is leaf:
            continue
        if isinstance(returned, Tensor):
            raise RuntimeError("Tensor post accumulate grad hooks should return None.")
        raise TypeError(f"expected Variable, but hook returned '{type(returned).__name__}'; this kind of hook must return None")
