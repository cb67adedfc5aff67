"""What a recording for `explain` notes of each call: which tensors it made of which, on which line, and what it cut off."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ..callers import calling_place
from ..overrides import TorchFunctionMode
from ..tensor import Tensor
from .graph import Node, OutputStub, edge_of, next_order
from .modes import thread

Place = tuple[str, int]


class Record:
    """What is known of a tensor made while recording: the call that made it, and where its arguments came from.

    A link is an argument's record, and why no gradient flows to it, None where one does. `escapes`, of a tensor that was there
    before, are the calls that took values computed from it out of the graph. `block` is the recording that it belongs to.
    """

    __slots__ = ("name", "place", "links", "escapes", "block")

    def __init__(self, name: str, place: Place | None, links: list[tuple[Record, str | None]], block: Any = None) -> None:
        self.name, self.place, self.links, self.block = name, place, links, block
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

    def __enter__(self) -> Any:
        self.block = object()  # tells one recording from another
        return super().__enter__()

    def __torch_function__(self, func: Callable, types: tuple, args: tuple = (), kwargs: dict | None = None) -> Any:
        tensors = list(tensors_in((args, kwargs or {})))
        before = [edge_of(tensor) for tensor in tensors]
        start = next_order()
        result = func(*args, **(kwargs or {}))
        self.note(func.__name__, tensors, before, result, start)
        return result

    def note(self, name: str, tensors: list, before: list, result: Any, start: int) -> None:
        """Gives the results of a call their records."""
        place = calling_place()
        previous = [record_of(tensor) for tensor in tensors]
        in_place = name == "__setitem__" or (name.endswith("_") and not name.endswith("__"))
        for output in tensors_in(result):
            if any(output is tensor for tensor in tensors) and not in_place:
                continue
            reached = edges_since(output, start, place)
            links = [
                (record, None if edge is None or edge in reached else why_not(name, output, in_place and tensor is output))
                for record, edge, tensor in zip(previous, before, tensors, strict=True)
            ]
            made = output.__dict__["_record"] = Record(name, place, links, self.block)
            if in_place:  # others see the change too
                self.hand_on(made, output._base, None)
                hidden = f"{name} changed the values behind autograd's back" if output._node is not None else None
                self.hand_on(made, output.__dict__.get("_alias_of"), hidden)

    def hand_on(self, made: Record, owner: Tensor | None, why: str | None) -> None:
        """Notes of an in-place change that the owner of the memory has it too, and why no gradient flows to it from there."""
        if owner is not None:
            links: list[tuple[Record, str | None]] = [(record_of(owner), None), (made, why)]
            owner.__dict__["_record"] = Record(made.name, made.place, links, self.block)

    def lose(self, name: str, tensor: Tensor, alias: Any) -> None:
        """Notes that a tensor's values were taken without its history."""
        why = None if tensor._node is None else f"{name} cut it off"
        made = Record(name, calling_place(), [(record_of(tensor), why)], self.block)
        if isinstance(alias, Tensor):
            alias.__dict__["_record"], alias.__dict__["_alias_of"] = made, tensor
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
            mode.note(name, tensors, [edge_of(tensor) for tensor in tensors], results, start)


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


def edges_since(output: Tensor, start: int, place: Place | None) -> set:
    """What the nodes made since `start` consumed, on the way to an output; these nodes learn where they were made."""
    reached: set = set()
    pending = [edge_of(output)]
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
    name = {"to_dtype": "the conversion", "__setitem__": "the assignment"}.get(name, name)
    if not output.is_floating_point() and not output.is_complex():
        return f"{name} gives {output.dtype}, and no gradient flows through integers and truth values"
    if thread.inference:
        return f"{name} ran in inference mode"
    if not thread.grad_enabled:
        return f"{name} ran under no_grad"
    if overwritten:
        return f"{name} overwrote the values in place"
    if name in ("tensor", "as_tensor", "asarray"):
        return f"{name}() copies values without their history (stack or cat the tensors instead)"
    return f"{name} passes no gradient to that argument"
