"""`explain(loss, parameter)`: why a gradient is None or zero. And the note that an error in backward carries."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np

from ..tensor import Tensor, wrap
from .engine import edges_of, failed_node, reachable
from .graph import LEAF, SECOND_BACKWARD, Node, OutputStub, edge_of, public_node
from .recording import Place, Record, recording

SWITCH = "run the forward pass in a block `with rushlight.explain.recording():`"
UNUSED = "is it this very tensor that the model uses?"


class Explanation:
    """An answer of `explain`. `kind` is "flows", "zero", "nan", "fails", "cut", "unused" or "unknown"; `places` are the lines that
    matter. Printed, it is `text`, then these lines, then `way`, from the loss to the parameter.
    """

    def __init__(self, kind: str, text: str, places: Any = (), way: str = "") -> None:
        self.kind, self.text, self.way = kind, text, way
        self.places: list[Place] = list(dict.fromkeys(place for place in places if place is not None))

    def __repr__(self) -> str:
        shown = [f"    {named(place)}    {source(place)}".rstrip() for place in self.places[:8]]
        return "\n".join([self.text, *shown, *([self.way] if self.way else [])])


class Explanations(dict):
    """The answers for a module's parameters, by name."""

    def __repr__(self) -> str:
        return "\n".join(f"{name}: {answer.text}" for name, answer in self.items())


def explain(loss: Tensor, parameter: Any) -> Any:
    """Says why the gradient of `loss` with respect to `parameter` is None or zero, or by which way it flows; for a module, of each
    of its parameters.

    What it can say of a gradient that was cut off depends on whether the forward pass ran in a block
    `with rushlight.explain.recording():`; without, it says so. The graph is kept; hooks are called.
    """
    if hasattr(parameter, "named_parameters"):
        return Explanations((name, explain(loss, one)) for name, one in parameter.named_parameters())
    for name, value in (("loss", loss), ("parameter", parameter)):
        if not isinstance(value, Tensor):
            raise TypeError(f"explain(): argument '{name}' must be Tensor, not {type(value).__name__}")
    goal = edge_of(parameter)
    if goal is None:
        return Explanation("cut", "The parameter does not require grad: call requires_grad_() on it before the forward pass.")
    if loss._node is not None:
        way = way_to(loss, goal)
        if way is not None:
            return explain_flow(loss, parameter, goal, way)
    return explain_cut(loss, parameter)


explain.recording = recording  # type: ignore[attr-defined]


# --- words ------------------------------------------------------------------------------------------------------------------------


def named(place: Place) -> str:
    """A place as `file:line`, from the working directory where the file is below it."""
    path, line = place
    near = os.path.relpath(path) if os.path.isabs(path) and path.startswith(os.getcwd() + os.sep) else path
    return f"{near}:{line}"


def source(place: Place) -> str:
    """The text of a line of the program, empty where it is not known."""
    import linecache

    return linecache.getline(*place).strip()


def at(place: Place | None) -> str:
    """A place as an addition to a sentence."""
    return "" if place is None else f" at {place[0]}:{place[1]}"


def short_name(node: Node) -> str:
    """The name of a node's operation."""
    return public_node(node).name().partition("Backward")[0]


def described(way: list, culprits: list[tuple[Node, str]]) -> str:
    """A way through the graph in a line: the operations, those to blame in brackets, a long one shortened in the middle."""
    blamed = [node for node, _ in culprits]
    names = []
    for node in way:
        if isinstance(node, Node):
            names.append(f"[{short_name(node)}]" if node in blamed else short_name(node))
    if len(names) > 12:
        left_out = names[5:-5]
        names[5:-5] = [f"... {len(left_out)} more ...", *(name for name in left_out if name.startswith("["))]
    return " <- ".join(["loss", *names, "parameter"])


FLAT = "its inputs lie beyond its bounds wherever a gradient arrives"
SATURATED = "it is saturated: its outputs no longer change with its inputs"
STEPS = "it is a step function, whose derivative is zero"
TIMES_ZERO = "what it multiplies the gradient by is zero"
OVERWRITTEN = "the values were overwritten in place"
REASONS = {
    "Relu": "its inputs are not positive wherever a gradient arrives: these units are dead",
    "Where": "it chose the other values wherever a gradient arrives",
    "Embedding": "it looked up nothing but the row of padding_idx, which gets no gradient",
    **dict.fromkeys(("Clamp", "ClampMin", "ClampMax", "Hardtanh", "Threshold", "Hardsigmoid", "Hardswish"), FLAT),
    **dict.fromkeys(("Sigmoid", "Tanh", "Softmax", "LogSoftmax", "LogSigmoid", "Softplus", "Erf", "Gelu", "Silu"), SATURATED),
    **dict.fromkeys(("Round", "Floor", "Ceil", "Trunc", "Sign", "Sgn"), STEPS),
    **dict.fromkeys(("Mul", "Addmm", "Mm", "Mv", "Dot", "Bmm", "Baddbmm", "Div", "Convolution"), TIMES_ZERO),
    **dict.fromkeys(("Copy", "Fill", "Zero", "IndexPut", "MaskedFill", "CopySlices"), OVERWRITTEN),
}


def reason(node: Node, passed: str) -> str:
    """What a node that received something did with it, and why."""
    name = public_node(node).name()
    if passed == "None":
        return f"the backward of {name.removesuffix('Backward')} returned None"
    if passed == "nan":
        return f"{name} made NaN or infinity of finite numbers"
    why = REASONS.get(short_name(node))
    return f"{name} passed on only zeros" + (f", since {why}" if why else "")


# --- a way leads there ------------------------------------------------------------------------------------------------------------


def way_to(loss: Tensor, goal: Any) -> list | None:
    """The nodes from a tensor to a node or leaf, by a shortest way; None where there is none."""
    first = edge_of(loss)
    came_from: dict[Any, Any] = {first: None}
    pending = [first]
    for edge in pending:
        if edge is goal:
            way = []
            while edge is not None:
                way.append(edge)
                edge = came_from[edge]
            return way[::-1]
        if isinstance(edge, (Node, OutputStub)):
            for further in edges_of(edge):
                if further is not None and further not in came_from:
                    came_from[further] = edge
                    pending.append(further)
    return None


def explain_flow(loss: Tensor, parameter: Tensor, goal: Any, way: list) -> Explanation:
    """The answer where the graph leads from the loss to the parameter."""
    places = [node.trace for node in way if isinstance(node, Node)]
    try:
        found, culprits = measure(loss, parameter, goal)
    except Exception as error:
        if str(error) == SECOND_BACKWARD:
            text = f"A gradient flows; its size is not known, since a pass has freed the graph.{where_kept(parameter, True)}"
            return Explanation("flows", text, places, described(way, []))
        node = failed_node(error)
        text = f"Backward fails at {'a hook' if node is None else public_node(node).name()}: {type(error).__name__}: {error}"
        return Explanation("fails", text, [getattr(node, "trace", None)], described(way, [(node, "")]))
    size = None if found is None else float(np.linalg.norm(found.reshape(-1).astype(np.complex128)))
    if size is None or not np.isfinite(size) or (size == 0 and parameter.numel()):
        kind = "nan" if size is not None and not np.isfinite(size) else "zero"
        culprits = [(node, passed) for node, passed in culprits if (passed == "nan") == (kind == "nan")][:3]
        what = "None" if size is None else "zero" if kind == "zero" else "not finite"
        why = "; ".join(dict.fromkeys(reason(*one) for one in culprits)) or "what comes by its several ways cancels out"
        blamed = [node.trace for node, _ in culprits]
        hint = "" if all(blamed) else f" To see the line, {SWITCH}."
        return Explanation(kind, f"The gradient is {what}: {why}.{hint}", blamed, described(way, culprits))
    zeros = 0 if found is None else int((found == 0).sum())
    partly = f", zero in {zeros} of {parameter.numel()} elements" if zeros else ""
    text = f"A gradient flows, of norm {size:.4g}{partly}.{where_kept(parameter, False)}"
    return Explanation("flows", text, places, described(way, []))


def where_kept(parameter: Tensor, freed: bool) -> str:
    """Where a gradient that flows is to be found, where `.grad` has none."""
    if parameter._grad is not None:
        return ""
    if parameter._node is not LEAF:
        made = public_node(parameter.grad_fn).name()
        return (
            f" But .grad stays None: the parameter is no leaf, {made} made it. Keep its gradient with retain_grad(), or make a "
            "leaf of it with .detach().requires_grad_()."
        )
    if freed:
        return " That .grad is None now means that it was reset since, as by zero_grad(), or that autograd.grad() asked for it."
    return " It will be in .grad after loss.backward()."


def measure(loss: Tensor, parameter: Tensor, goal: Any) -> tuple[Any, list[tuple[Node, str]]]:
    """The gradient, and the nodes that received something and passed on nothing, or something that is not finite."""
    from .gradients import grad

    culprits: list[tuple[Node, str]] = []
    handles = []
    needed = {goal}
    for node in reversed(reachable([loss])):
        if any(edge in needed for edge in edges_of(node) if edge is not None):
            needed.add(node)
            if isinstance(node, Node):
                handles.append(node.register_hook(watch(node, needed, culprits)))
    try:
        (found,) = grad(loss, parameter, wrap(np.ones_like(loss._array)), retain_graph=True, allow_unused=True)
    finally:
        for handle in handles:
            handle.remove()
    return None if found is None else found._array, culprits


def watch(node: Node, needed: set, culprits: list) -> Callable:
    """A hook that notes whether a node passes nothing on of what it received, or makes it infinite."""

    def hook(inputs: tuple, outputs: tuple) -> None:
        received = [g._array for g in outputs if g is not None]
        if any(g.any() for g in received):
            passed = [g._array for g, edge in zip(inputs, node.edges, strict=False) if edge in needed and g is not None]
            if not any(g.any() for g in passed):
                culprits.append((node, "zero" if passed else "None"))
            elif all(np.isfinite(g).all() for g in received) and not all(np.isfinite(g).all() for g in passed):
                culprits.append((node, "nan"))

    return hook


# --- no way leads there -----------------------------------------------------------------------------------------------------------


def explain_cut(loss: Tensor, parameter: Tensor) -> Explanation:
    """The answer where the graph does not lead from the loss to the parameter."""
    goal, start = parameter.__dict__.get("_record"), loss.__dict__.get("_record")
    if start is None:
        return explain_unrecorded(loss, parameter)
    cuts = None if goal is None else cuts_between(start, goal)
    if cuts:
        reasons = "; ".join(why for _, why in cuts)
        return Explanation("cut", f"No gradient reaches the parameter: {reasons}.", [record.place for record, _ in cuts])
    if cuts is not None:
        text = "The parameter did not require grad when it was used: call requires_grad_() before the forward pass."
        return Explanation("unused", text)
    escapes = [escape for escape in (goal.escapes if goal is not None else ()) if escape.block is start.block]
    if escapes:
        calls = ", ".join(dict.fromkeys(escape.name for escape in escapes))
        text = f"No gradient reaches the parameter: only values taken out of the graph, by {calls}, can lead to the loss."
        return Explanation("cut", f"{text} Compute with the tensors instead.", [escape.place for escape in escapes])
    if not start.links and start.name:
        text = f"No gradient reaches the parameter: {start.name}() made the loss of numbers, not of tensors."
        return Explanation("cut", text, [start.place])
    if goal is None:
        text = "The forward pass that was recorded did not use the parameter"
    else:
        text = "Nothing computed from the parameter leads to the loss"
    return Explanation("unused", f"{text}: {twin(loss, parameter) or UNUSED}")


def explain_unrecorded(loss: Tensor, parameter: Tensor) -> Explanation:
    """The answer from the graph alone."""
    if loss._node is None:
        what = "The loss does not require grad"
    elif loss._node is LEAF:
        what = "The loss is a leaf, a new tensor made of values and not by operations on tensors"
    else:
        what = "The graph of the loss does not lead to the parameter"
        other = twin(loss, parameter)
        if other:
            return Explanation("unused", f"{what}: {other}")
    return Explanation("unknown", f"{what}. To see where the way was cut, {SWITCH}, then ask again.")


def twin(loss: Tensor, parameter: Tensor) -> str:
    """Says so where the loss depends on a leaf that was perhaps mistaken for the parameter; else nothing."""
    shape = parameter._array.shape
    for node in reachable([loss]) if loss._node is not None else ():
        for edge in edges_of(node):
            if edge is not None and edge._order is None and edge._array.shape == shape:
                equal = "equal" if np.array_equal(edge._array, parameter._array) else "other"
                return (
                    f"another leaf of its shape, with {equal} values, was used. Was the parameter made anew, by clone(), to(), "
                    "deepcopy() or nn.Parameter(), on one side only?"
                )
    return ""


def cuts_between(start: Record, goal: Record) -> list[tuple[Record, str]] | None:
    """Where the way from one record to another one is cut, the nearest to the goal last; None where there is no way."""
    came_from: dict[int, tuple[Record, str | None] | None] = {id(start): None}
    pending = [start]
    for record in pending:
        if record is goal:
            cuts = []
            step = came_from[id(record)]
            while step is not None:
                if step[1] is not None:
                    cuts.append((step[0], step[1]))
                step = came_from[id(step[0])]
            return cuts[::-1]
        for further, why in record.links:
            if id(further) not in came_from:
                came_from[id(further)] = record, why
                pending.append(further)
    return None


# --- errors in backward -----------------------------------------------------------------------------------------------------------


def add_note(error: BaseException, node: Any) -> None:
    """Adds to an error raised in backward which node it came from, and the line that made it, or how to learn that."""
    if not isinstance(node, Node):
        return
    made = f"which was made{at(node.trace)}" if node.trace else f"whose line is not known: {SWITCH} to see it"
    error.add_note(f"Raised in the backward of {public_node(node).name()}, {made}.")
