"""`explain(loss, parameter)`: why a gradient is None or zero. And the note that an error in backward carries."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..overrides import TorchFunctionMode
from ..tensor import Tensor, wrap
from .engine import Pass, edges_of, reachable
from .graph import LEAF, SECOND_BACKWARD, Node, OutputStub, next_order, public_node
from .modes import thread

Place = tuple[str, int]
SWITCH = "run the forward pass in a block `with rushlight.explain.recording():`"


class Record:
    """What is known of a tensor made while recording: the call that made it, and where its arguments came from.

    A link is an argument's record, and why no gradient flows to it, None where one does. `escapes`, of a tensor that was there
    before, are the calls that took values computed from it out of the graph.
    """

    __slots__ = ("name", "place", "links", "escapes")

    def __init__(self, name: str, place: Place | None, links: list[tuple[Record, str | None]]) -> None:
        self.name, self.place, self.links = name, place, links
        self.escapes: list[Record] = []

    def sources(self) -> list[Record]:
        """The records of the tensors that it all came from."""
        seen, pending = {id(self)}, [self]
        for record in pending:
            fresh = [further for further, _ in record.links if id(further) not in seen]
            seen.update(map(id, fresh))
            pending += fresh
        return [record for record in pending if not record.links]


class recording(TorchFunctionMode):
    """A block in which every call is noted with its line, so that `explain` can tell where a gradient was lost."""

    sees_members = False

    def __torch_function__(self, func: Callable, types: tuple, args: tuple = (), kwargs: dict | None = None) -> Any:
        tensors = list(tensors_in((args, kwargs or {})))
        before = [edge_before(tensor) for tensor in tensors]
        start = next_order()
        result = func(*args, **(kwargs or {}))
        self.note(func.__name__, tensors, before, result, start)
        return result

    def note(self, name: str, tensors: list, before: list, result: Any, start: int) -> None:
        """Gives the results of a call their records."""
        place = program_line()
        previous = [record_of(tensor) for tensor in tensors]
        in_place = name.endswith("_") and not name.endswith("__")
        for output in tensors_in(result):
            if any(output is tensor for tensor in tensors) and not in_place:
                continue
            reached = edges_since(output, start, place)
            links = [
                (record, None if edge is None or edge in reached else why_not(name, output, in_place and tensor is output))
                for record, edge, tensor in zip(previous, before, tensors, strict=True)
            ]
            made = output.__dict__["_record"] = Record(name, place, links)
            if in_place and output._base is not None:
                base = output._base
                base.__dict__["_record"] = Record(name, place, [(record_of(base), None), (made, None)])

    def lose(self, name: str, tensor: Tensor, alias: Any) -> None:
        """Notes that a tensor's values were taken without its history."""
        why = None if tensor._node is None else f"{name} cut it off"
        made = Record(name, program_line(), [(record_of(tensor), why)])
        if isinstance(alias, Tensor):
            alias.__dict__["_record"] = made
        else:
            for source in made.sources():
                source.escapes.append(made)


def lose(name: str, tensor: Tensor, alias: Any = None) -> None:
    """Tells the recording that is on, if one is, that a tensor's values were taken without its history."""
    for mode in thread.functions:
        if isinstance(mode, recording):
            mode.lose(name, tensor, alias)


def note_call(name: str, args: Any, results: Any, start: int) -> None:
    """Tells the recording that is on, if one is, of a call of a custom function, whose node is later than `start`."""
    for mode in thread.functions:
        if isinstance(mode, recording):
            tensors = list(tensors_in(args))
            mode.note(name, tensors, [edge_before(tensor) for tensor in tensors], results, start)


def tensors_in(value: Any) -> Iterator[Tensor]:
    """The tensors among values, and in lists, tuples and dictionaries of them."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, (list, tuple)):
        for one in value:
            yield from tensors_in(one)
    elif isinstance(value, dict):
        yield from tensors_in(list(value.values()))


def record_of(tensor: Tensor) -> Record:
    """A tensor's record, made now for one that was there before."""
    found = tensor.__dict__.get("_record")
    if found is None:
        found = tensor.__dict__["_record"] = Record("", None, [])
    return found


def edge_before(tensor: Tensor) -> Any:
    """Where a tensor's gradient goes, None for one that has none."""
    return tensor if tensor._node is LEAF else tensor._node


def edges_since(output: Tensor, start: int, place: Place | None) -> set:
    """What the nodes made since `start` consumed, on the way to an output; these nodes learn where they were made."""
    reached: set = set()
    pending = [edge_before(output)]
    while pending:
        edge = pending.pop()
        if edge is None or edge in reached:
            continue
        reached.add(edge)
        if isinstance(edge, (Node, OutputStub)) and edge._order < start:
            node = edge.node if isinstance(edge, OutputStub) else edge
            node.trace = node.trace or place
            pending += node.edges
    return reached


def why_not(name: str, output: Tensor, overwritten: bool) -> str:
    """Why a call passes no gradient on to an argument that wants one."""
    if not output.is_floating_point() and not output.is_complex():
        return f"{name} gives {output.dtype}, and no gradient flows through integers and truth values"
    if thread.inference:
        return f"{name} ran in inference mode"
    if not thread.grad_enabled:
        return f"{name} ran under no_grad"
    if overwritten:
        return f"{name} overwrote the values in place"
    return f"{name} passes no gradient to that argument"


def program_line() -> Place | None:
    """The file and line of the program that is running."""
    frame: Any = sys._getframe(1)
    while frame is not None and frame.f_globals.get("__name__", "").startswith("rushlight."):
        frame = frame.f_back
    return None if frame is None else (frame.f_code.co_filename, frame.f_lineno)


def at(place: Place | None) -> str:
    """A place as an addition to a sentence."""
    return "" if place is None else f" at {place[0]}:{place[1]}"


# --- the answer -------------------------------------------------------------------------------------------------------------------


class Explanation:
    """An answer of `explain`: `kind` is "flows", "zero", "cut", "unused" or "unknown", `places` the lines that matter.

    Printed, it is the answer in words.
    """

    def __init__(self, kind: str, text: str, places: list[Place | None] | None = None) -> None:
        self.kind, self.text = kind, text
        self.places = [place for place in places or [] if place is not None]

    def __repr__(self) -> str:
        return self.text


def explain(loss: Tensor, parameter: Tensor) -> Explanation:
    """Says why the gradient of `loss` with respect to `parameter` is None or zero, or by which way it flows.

    What it can say of a gradient that was cut off depends on whether the forward pass ran in a block
    `with rushlight.explain.recording():`; without, it says so. The graph is kept.
    """
    for name, value in (("loss", loss), ("parameter", parameter)):
        if not isinstance(value, Tensor):
            raise TypeError(f"explain(): argument '{name}' must be Tensor, not {type(value).__name__}")
    goal = edge_before(parameter)
    if goal is None:
        return Explanation("cut", "The parameter does not require grad: call requires_grad_() on it before the forward pass.")
    if loss._node is not None:
        way = way_to(loss, goal)
        if way is not None:
            return explain_flow(loss, parameter, goal, way)
    return explain_cut(loss, parameter)


explain.recording = recording  # type: ignore[attr-defined]


def way_to(loss: Tensor, goal: Any) -> list | None:
    """The nodes from a tensor to a node or leaf, by a shortest way; None where there is none."""
    first = edge_before(loss)
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


def described(way: list) -> str:
    """A way through the graph in words."""
    names = [f"{public_node(node).name()}{at(node.trace)}" for node in way if isinstance(node, Node)]
    return " -> ".join(["loss", *names, "parameter"])


def explain_flow(loss: Tensor, parameter: Tensor, goal: Any, way: list) -> Explanation:
    """The answer where the graph leads from the loss to the parameter."""
    places = [node.trace for node in way if isinstance(node, Node)]
    try:
        size, culprits = measure(loss, parameter, goal)
    except RuntimeError as error:
        if str(error) != SECOND_BACKWARD:
            raise
        text = f"A gradient flows: {described(way)}. The graph has been freed, so its size is not known."
        return Explanation("flows", text, places)
    if size is None or not size:
        reasons = "; ".join(f"{public_node(node).name()}{at(node.trace)} {what}" for node, what in culprits[:3])
        hint = "" if all(node.trace for node, _ in culprits) else f" To see the lines, {SWITCH}."
        text = f"The gradient is {'None' if size is None else 'zero'}, although the graph leads to it: "
        text += f"{reasons or 'the loss itself has none'}. The way: {described(way)}.{hint}"
        return Explanation("zero", text, [node.trace for node, _ in culprits])
    waiting = " It is in .grad after loss.backward()." if parameter._grad is None and goal is parameter else ""
    return Explanation("flows", f"A gradient flows, of norm {size:.4g}: {described(way)}.{waiting}", places)


def measure(loss: Tensor, parameter: Tensor, goal: Any) -> tuple[float | None, list[tuple[Node, str]]]:
    """The norm of the gradient, and the nodes that received something and passed on nothing."""
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
    return None if found is None else float(np.linalg.norm(found._array.reshape(-1).astype(np.complex128))), culprits


def watch(node: Node, needed: set, culprits: list) -> Callable:
    """A hook that notes whether a node passes nothing on of what it received."""

    def hook(inputs: tuple, outputs: tuple) -> None:
        if any(g is not None and g._array.any() for g in outputs):
            passed = [g for g, edge in zip(inputs, node.edges, strict=False) if edge in needed]
            if all(g is None for g in passed):
                culprits.append((node, "gives no gradient"))
            elif not any(g is not None and g._array.any() for g in passed):
                culprits.append((node, "gives only zeros"))

    return hook


def explain_cut(loss: Tensor, parameter: Tensor) -> Explanation:
    """The answer where the graph does not lead from the loss to the parameter."""
    goal, start = parameter.__dict__.get("_record"), loss.__dict__.get("_record")
    if start is None:
        what = "The loss does not require grad" if loss._node is None else "The graph of the loss does not lead to the parameter"
        return Explanation("unknown", f"{what}, and nothing was recorded of how it was made: {SWITCH}, then ask again.")
    if goal is None:
        text = "The forward pass that was recorded did not use the parameter: is it this very tensor that is used?"
        return Explanation("unused", text)
    cuts = cuts_between(start, goal)
    if cuts is None:
        if goal.escapes:
            places = [escape.place for escape in goal.escapes]
            calls = "; ".join(dict.fromkeys(f"{escape.name}{at(escape.place)}" for escape in goal.escapes))
            text = f"Only values taken out of the graph can lead from the parameter to the loss: {calls}."
            return Explanation("cut", f"{text} Compute with the tensors instead.", places)
        return Explanation("unused", "Nothing computed from the parameter leads to the loss: is it this very tensor that is used?")
    if not cuts:
        text = "The parameter did not require grad when it was used: call requires_grad_() before the forward pass."
        return Explanation("unused", text)
    reasons = "; ".join(f"{why}{at(record.place)}" for record, why in cuts)
    return Explanation("cut", f"No gradient flows to the parameter: {reasons}.", [record.place for record, _ in cuts])


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


def failed_node(error: BaseException) -> Any:
    """The node that a pass was at when an error was raised in it."""
    place = error.__traceback__
    while place is not None:
        if place.tb_frame.f_code is Pass.run.__code__:
            return place.tb_frame.f_locals.get("node")
        place = place.tb_next
    return None


def add_note(error: BaseException) -> None:
    """Adds to an error raised in backward which node it came from, and the line that made it, or how to learn that."""
    node = failed_node(error)
    if not isinstance(node, Node):
        return
    made = f"which was made{at(node.trace)}" if node.trace else f"whose line is not known: {SWITCH} to see it"
    error.add_note(f"Raised in the backward of {public_node(node).name()}, {made}.")
