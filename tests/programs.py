"""Random programs of views and in-place writes, and what they come to when nothing is shared and nothing is written.

The replay keeps a memory as plain numbers, a tensor with its views (a family) as a flat tensor of the memory's whole history, and a
view as the positions of its elements. Reading indexes, writing makes a new flat tensor: no view, no in-place change.
"""

from __future__ import annotations

from typing import Any

import numpy as np

# What can be seen of a tensor, and of its positions in the same way. Each gives None where it does not apply.
VIEWS: dict[str, Any] = {
    "head": lambda x, n: x[: max(x.shape[0] - 1, 1)],
    "tail": lambda x, n: x[min(1, x.shape[0] - 1) :],
    "every other": lambda x, n: x[..., n % 2 :: 2] if x.shape[-1] > 1 else None,
    "row": lambda x, n: x[n % x.shape[0]] if x.ndim > 1 else None,
    "column": lambda x, n: x[..., -1] if x.ndim > 1 else None,
    "swapped": lambda x, n: x.swapaxes(0, x.ndim - 1),
    "lengthened": lambda x, n: x[None] if x.ndim < 4 else None,
    "squeezed": lambda x, n: x[0] if x.ndim > 1 and x.shape[0] == 1 else None,
}
# The same for what arrays and tensors spell differently: for tensors, and for arrays.
SPELLED: dict[str, tuple[Any, Any]] = {
    "expanded": (lambda x, n: x.expand(2, *x.shape), lambda x, n: np.broadcast_to(x, (2, *x.shape))),
    "diagonal": (lambda x, n: x.diagonal(0, 0, -1) if x.ndim > 1 else None,) * 2,
    "flat": (lambda x, n: x.view(-1), lambda x, n: x.reshape(-1)),
    "moved": (lambda x, n: x.movedim(0, -1), lambda x, n: np.moveaxis(x, 0, -1)),
    "windows": (
        lambda x, n: x.unfold(0, 2, 1) if x.shape[0] > 1 and x.ndim < 4 else None,
        lambda x, n: np.lib.stride_tricks.sliding_window_view(x, 2, 0) if x.shape[0] > 1 and x.ndim < 4 else None,
    ),
    "itself": (lambda x, n: x.view_as(x), lambda x, n: x),
}
ALIASES = ("detach", "data")
READS = ("unbind", "split", "chunk")

WRITES: dict[str, Any] = {  # each from what is there, what is elsewhere, and a number; as a change, and as a result
    "add": (lambda x, y, c: x.add_(y), lambda x, y, c: x + y),
    "subtract scaled": (lambda x, y, c: x.sub_(y, alpha=c), lambda x, y, c: x - c * y),
    "multiply": (lambda x, y, c: x.mul_(y), lambda x, y, c: x * y),
    "scale": (lambda x, y, c: x.mul_(c), lambda x, y, c: x * c),
    "operator": (lambda x, y, c: x.__iadd__(c), lambda x, y, c: x + c),
    "copy": (lambda x, y, c: x.copy_(y), lambda x, y, c: x * 0 + y),
    "assign": (lambda x, y, c: x.__setitem__(..., y), lambda x, y, c: x * 0 + y),
    "assign first": (lambda x, y, c: x.__setitem__(0, c), lambda x, y, c: x * not_first(x) + c * (1 - not_first(x))),
    "sine": (lambda x, y, c: x.sin_(), lambda x, y, c: x.sin()),
    "fill": (lambda x, y, c: x.fill_(c), lambda x, y, c: x * 0 + c),
    "zero": (lambda x, y, c: x.zero_(), lambda x, y, c: x * 0),
    "masked assign": (lambda x, y, c: x.__setitem__(mask(x), c), lambda x, y, c: x * (1 - mask(x).to(x)) + c * mask(x).to(x)),
    "masked fill": (lambda x, y, c: x.masked_fill_(mask(x), c), lambda x, y, c: x * (1 - mask(x).to(x)) + c * mask(x).to(x)),
    "interpolate": (lambda x, y, c: x.lerp_(y, c), lambda x, y, c: x + c * (y - x)),
    "multiply and add": (lambda x, y, c: x.addcmul_(y, y, value=c), lambda x, y, c: x + c * y * y),
    "limit": (lambda x, y, c: x.clamp_(-c, 0.75), lambda x, y, c: x.clamp(-c, 0.75)),
    "sum up": (lambda x, y, c: x.cumsum_(0), lambda x, y, c: x.cumsum(0)),
    "add in single precision": (lambda x, y, c: x.add_(single(y)), lambda x, y, c: x + single(y)),
    "assign in single precision": (lambda x, y, c: x.__setitem__(..., single(y)), lambda x, y, c: x * 0 + single(y)),
    "add to rows": (
        lambda x, y, c: x.index_add_(0, first_row(x), x[-1:] * c), lambda x, y, c: x.index_add(0, first_row(x), x[-1:] * c)
    ),
    "assign rows": (lambda x, y, c: x.__setitem__([0], c), lambda x, y, c: x * not_first(x) + c * (1 - not_first(x))),
    "compare": (lambda x, y, c: x.gt_(c), lambda x, y, c: x * 0 + (x > c).to(x)),
}  # fmt: skip
# Results written into `out=`, where nothing is recorded.
OUTS: dict[str, Any] = {
    "add into": (lambda x, y, c: torch_of(x).add(x, y, out=x), lambda x, y, c: x + y),
    "scale into": (lambda x, y, c: torch_of(x).mul(y.expand_as(x), c, out=x), lambda x, y, c: x * 0 + c * y),
    "sine into": (lambda x, y, c: torch_of(x).sin(x, out=x), lambda x, y, c: x.sin()),
    "sum up into": (lambda x, y, c: torch_of(x).cumsum(x, 0, out=x), lambda x, y, c: x.cumsum(0)),
}


def torch_of(x: Any) -> Any:
    """The library that a tensor belongs to."""
    import sys

    return sys.modules[type(x).__module__.split(".")[0]]


def single(x: Any) -> Any:
    """A tensor in single precision."""
    return x.to(torch_of(x).float32)


def first_row(x: Any) -> Any:
    """The index of the first row."""
    return torch_of(x).tensor([0])


def mask(x: Any) -> Any:
    """A fixed pattern of the shape of `x`."""
    return torch_of(x).arange(x.numel()).reshape(x.shape) % 3 == 1


def not_first(x: Any) -> Any:
    """Zero in the first slice of `x`, one elsewhere."""
    torch = torch_of(x)
    return (torch.arange(x.shape[0]) > 0).to(x).reshape(-1, *[1] * (x.ndim - 1)).expand(x.shape)


class Family:
    """In the replay: a tensor with its views. `flat` has the history of every position of the memory."""

    def __init__(self, memory: np.ndarray, flat: Any) -> None:
        self.memory = memory
        self.flat = flat
        self.is_leaf = False


class View:
    """A tensor of the program, and in the replay its family and its positions."""

    def __init__(self, real: Any, family: Family, places: np.ndarray) -> None:
        self.real, self.family, self.places = real, family, places


class Program:
    """Runs steps on tensors of `torch`, and on copies as it goes."""

    def __init__(self, torch: Any) -> None:
        self.torch = torch
        self.leaves: list[tuple[Any, Any]] = []
        self.views: list[View] = []
        for shape in ((3, 4), (2, 2, 3)):
            values = np.sin(np.arange(np.prod(shape), dtype=np.float64) + len(shape)).reshape(shape)
            real, copy = (torch.tensor(values.tolist(), dtype=torch.float64).requires_grad_() for _ in range(2))
            self.leaves.append((real, copy))
            view = self.new(real, copy)
            view.family.is_leaf = True
            self.new(real * 2, copy * 2)
        self.new(*(torch.arange(6, dtype=torch.float64).reshape(2, 3) / 3 for _ in range(2)))

    def new(self, real: Any, copy: Any) -> View:
        """A tensor with a memory of its own."""
        family = Family(np.array(copy.detach().reshape(-1).tolist()), copy.reshape(-1))
        view = View(real, family, np.arange(copy.numel()).reshape(tuple(copy.shape)))
        self.views.append(view)
        return view

    def read(self, view: View) -> Any:
        """What a view holds, as a copy with its history."""
        history = view.family.flat[self.torch.tensor(view.places.tolist())].reshape(view.places.shape)
        values = self.torch.tensor(view.family.memory[view.places].tolist(), dtype=self.torch.float64).reshape(view.places.shape)
        return (history - history.detach()) + values  # exactly the values: rounding them to single precision gives the same

    def step(self, kind: str, first: int, second: int, number: int) -> None:
        """One step: a view, an alias, a read or a write; nothing where it does not apply."""
        view, other = self.views[first % len(self.views)], self.views[second % len(self.views)]
        if not view.real.ndim and (kind in VIEWS or kind in SPELLED or kind in READS):
            return  # without dimensions there is nothing more to see
        if kind in VIEWS or kind in SPELLED:
            self.see(kind, view, number)
        elif kind in ALIASES:
            real = view.real.detach() if kind == "detach" else view.real.data
            history = self.torch.tensor(view.family.memory.tolist(), dtype=self.torch.float64)
            self.views.append(View(real, Family(view.family.memory, history), view.places))
        elif kind == "clone":
            self.new(view.real.clone(), self.read(view).clone())
        elif kind in READS:
            self.new(*(self.part(kind, x, number) * 3 for x in (view.real, self.read(view))))
        else:
            self.write(kind.removeprefix("silently "), view, other, number, kind.startswith("silently "))

    def see(self, kind: str, view: View, number: int) -> None:
        """Makes a view."""
        of_tensor, of_array = SPELLED.get(kind) or (VIEWS[kind], VIEWS[kind])
        if kind == "flat" and not view.real.is_contiguous():
            return
        real, places = of_tensor(view.real, number), of_array(view.places, number)
        if real is not None and real.numel() and places.ndim < 5:
            assert tuple(real.shape) == places.shape
            self.views.append(View(real, view.family, places))

    def part(self, kind: str, x: Any, number: int) -> Any:
        """One of several views."""
        if kind == "unbind":
            return x.unbind(0)[number % x.shape[0]]
        return x.split(1, -1)[-1] if kind == "split" else x.chunk(2, 0)[0]

    def write(self, kind: str, view: View, other: View, number: int, silently: bool) -> None:
        """Writes into a view, recorded or not."""
        if view.real.ndim == 0 or np.unique(view.places).size < view.places.size or (view.family.is_leaf and not silently):
            return  # refused, by tests of their own
        value = other.real if other.family.memory is not view.family.memory else other.real.clone()
        copy = self.read(other)
        try:
            value, copy = value.expand(view.real.shape), copy.expand(view.real.shape)
        except RuntimeError:
            value, copy = value.sum(), copy.sum()
        if kind in ("multiply", "multiply and add"):
            value = value.clone()  # saved for backward: whoever changes it later would be told so
        amount = 0.25 * (number % 7) - 0.5
        change, result = (WRITES | OUTS)[kind]
        with self.torch.set_grad_enabled(not silently):
            change(view.real, value, amount)
            written = result(self.read(view), copy, amount).reshape(-1)
        places = view.places.reshape(-1)
        view.family.memory[places] = written.detach().tolist()
        if not silently:
            view.family.flat = view.family.flat.index_put((self.torch.tensor(places.tolist()),), written)

    def outcome(self) -> tuple[list, list]:
        """Values and gradients, of the program and of the replay."""
        totals: list[Any] = [0.0, 0.0]
        found: list[list] = [[], []]
        for view in self.views:
            weights = self.torch.arange(1, view.real.numel() + 1, dtype=self.torch.float64).reshape(view.real.shape) / 7
            for side, tensor in enumerate((view.real, self.read(view))):
                found[side].append(tensor.detach().tolist())
                found[side].append(tensor.requires_grad)
                totals[side] = totals[side] + (tensor * weights).sum()
        for side, total in enumerate(totals):
            found[side] += [
                None if g is None else g.tolist()
                for g in self.torch.autograd.grad(total, [pair[side] for pair in self.leaves], allow_unused=True)
            ]
        return found[0], found[1]


STEPS = [*VIEWS, *SPELLED, *ALIASES, "clone", *READS, *WRITES, *(f"silently {name}" for name in WRITES | OUTS)]
