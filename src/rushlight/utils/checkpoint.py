"""Checkpointing: what a part of a program saves for backward is thrown away, and computed again when backward needs it.

Two kinds, as in PyTorch. Without re-entry the part runs as usual, under hooks that replace each saved tensor by a place in a list;
the first time backward asks for one, the part runs once more and fills the list. With re-entry the part is one node, whose backward
runs the part again, recorded, and another backward pass through that.
"""

from __future__ import annotations

import weakref
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from ..autograd.engine import running_pass
from ..autograd.function import Function
from ..autograd.function_context import Saved
from ..autograd.gradients import backward
from ..autograd.modes import enable_grad, thread
from ..autograd.saved import saved_tensors_hooks
from ..callers import calling_lines
from ..lazy import on_demand
from ..tensor import Tensor, set_requires_grad
from ..warning import warn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from .selective import (
        SAC_IGNORED_OPS,
        CheckpointPolicy,
        SelectiveCheckpointContext,
        create_selective_checkpoint_contexts,
    )

__getattr__, __dir__ = on_demand(globals(), {
    "selective": "CheckpointPolicy SAC_IGNORED_OPS SelectiveCheckpointContext create_selective_checkpoint_contexts",
})  # fmt: skip
__all__ = [
    "CheckpointError", "CheckpointFunction", "CheckpointPolicy", "DefaultDeviceType", "GraphExecGroup", "SAC_IGNORED_OPS",
    "SelectiveCheckpointContext", "check_backward_validity", "checkpoint", "checkpoint_sequential",
    "create_selective_checkpoint_contexts", "detach_variable", "get_device_states", "noop_context_fn",
    "set_checkpoint_debug_enabled", "set_checkpoint_early_stop", "set_device_states",
]  # fmt: skip

_EXPLICIT = (
    "use_reentrant=False is recommended, but if you need to preserve the current default behavior, you can pass "
    "use_reentrant=True. "
    "Refer to docs for more details on the differences between the two variants."
)
_TAKEN_TWICE = (
    "torch.utils.checkpoint: Unpack is being triggered for a tensor that was already unpacked once. {}If you are calling "
    "ctx.saved_tensors in backward, make sure to do so only once. Otherwise please open an issue with details on your use case."
)
_OVERLAPPING = (
    "Performing two backward calls that overlap (i.e. require the same saved activation in order to compute gradients) is not "
    "allowed while under the torch.utils.checkpoint.GraphExecGroup context. "
)
_TIP = """

Tip: To see a more detailed error message, either pass `debug=True` to
`torch.utils.checkpoint.checkpoint(...)` or wrap the code block
with `with torch.utils.checkpoint.set_checkpoint_debug_enabled(True):` to
enable checkpoint-debug mode globally.
"""


class CheckpointError(RuntimeError):
    """The part did not do the same when it was run again."""


class _Stop(Exception):
    """Ends a second run as soon as everything has been computed again."""


class _Settings:
    early_stop = True
    debug: bool | None = None  # None: as each call says
    group: GraphExecGroup | None = None  # the passes that share what is computed again


_settings = _Settings()


@contextmanager
def set_checkpoint_early_stop(enable: bool) -> Iterator[None]:
    """A block in which second runs stop as soon as they have what backward needs (the default), or run to their end."""
    previous = _settings.early_stop
    _settings.early_stop = enable
    try:
        yield
    finally:
        _settings.early_stop = previous


@contextmanager
def set_checkpoint_debug_enabled(enabled: bool | None) -> Iterator[None]:
    """A block in which errors list the operations of both runs, whatever `debug` says; None leaves it to `debug`."""
    previous = _settings.debug
    _settings.debug = enabled
    try:
        yield
    finally:
        _settings.debug = previous


class GraphExecGroup:
    """A block whose passes are one to checkpoints without re-entry: each part runs again once at most.

    No saved tensor may be needed by two of the passes. Raises RuntimeError when nested.
    """

    def __enter__(self) -> GraphExecGroup:
        if _settings.group is not None:
            raise RuntimeError(f"GraphExecGroup contexts cannot be nested. Already inside group {_settings.group}")
        _settings.group = self
        return self

    def __exit__(self, *exception: Any) -> None:
        _settings.group = None


class DefaultDeviceType:
    """The type of device whose random numbers are kept where no tensor says: remembered, though there is one device here."""

    _default_device_type = "cpu"

    @staticmethod
    def set_device_type(device: str = "cpu") -> None:
        """Sets the type."""
        DefaultDeviceType._default_device_type = device

    @staticmethod
    def get_device_type() -> str:
        """The type."""
        return DefaultDeviceType._default_device_type


def get_device_states(*args: Any) -> tuple[list[int], list[Tensor]]:
    """The numbers of the devices, other than the CPU, of the tensors given, and the states of their generators: there are none."""
    return [], []


def set_device_states(devices: list[int], states: list[Tensor], *, device_type: str | None = None) -> None:
    """Sets the generators of devices other than the CPU, of which there are none."""


def noop_context_fn() -> tuple[Any, Any]:
    """Two blocks that do nothing."""
    return nullcontext(), nullcontext()


def checkpoint(
    function: Callable,
    *args: Any,
    use_reentrant: bool | None = None,
    context_fn: Callable[[], tuple[Any, Any]] = noop_context_fn,
    determinism_check: str = "default",
    debug: bool = False,
    early_stop: bool = True,
    **kwargs: Any,
) -> Any:
    """Runs `function(*args, **kwargs)` without keeping what it saves for backward, which runs it again.

    `use_reentrant` chooses the kind and should be given. `context_fn` returns two blocks, around the first and the second run.
    `determinism_check`: whether the tensors of the second run must look like those of the first ("default"), or not ("none").
    `debug` lists the operations of both runs when they differ. `preserve_rng_state=False` lets the second run draw other random
    numbers. Raises CheckpointError in backward where the runs differ.
    """
    if use_reentrant is None:
        warn(
            "torch.utils.checkpoint: the use_reentrant parameter should be passed explicitly. Starting in PyTorch 2.9, calling "
            f"checkpoint without use_reentrant will raise an exception. {_EXPLICIT}"
        )
        use_reentrant = True
    preserve = kwargs.pop("preserve_rng_state", True)
    if use_reentrant:
        if kwargs:
            raise ValueError("Unexpected keyword arguments: " + ",".join(kwargs))
        if context_fn is not noop_context_fn or debug:
            raise ValueError("Passing `context_fn` or `debug` is only supported when use_reentrant=False.")
        return CheckpointFunction.apply(function, preserve, *args)
    if determinism_check not in ("default", "none"):
        raise ValueError(f"determinism_check should be one of ['default', 'none'], but got {determinism_check}")
    if not thread.grad_enabled:
        return function(*args, **kwargs)
    debug = debug if _settings.debug is None else _settings.debug
    first, second = context_fn()
    early_stop = early_stop and _settings.early_stop
    part = _Part(function, args, kwargs, preserve, second, determinism_check == "default", debug, early_stop)
    with saved_tensors_hooks(part.pack, _unpack), first:
        return function(*args, **kwargs)


def checkpoint_sequential(functions: Any, segments: int, input: Any, use_reentrant: bool | None = None, **kwargs: Any) -> Any:
    """Runs modules one after the other in so many segments, all but the last of them checkpointed."""
    if use_reentrant is None:
        warn(
            "torch.utils.checkpoint.checkpoint_sequential: the use_reentrant parameter should be passed explicitly. In "
            "version 2.9 we "
            f"will raise an exception if use_reentrant is not passed. {_EXPLICIT}"
        )
        use_reentrant = True
    preserve = kwargs.pop("preserve_rng_state", True)
    if kwargs:
        raise ValueError("Unexpected keyword arguments: " + ",".join(kwargs))
    stages = list(functions.children()) if hasattr(functions, "children") else list(functions)

    def run(start: int, end: int) -> Callable:
        def forward(value: Any) -> Any:
            for stage in stages[start:end]:
                value = stage(value)
            return value

        return forward

    length = len(stages) // segments
    last = length * (segments - 1)
    for start in range(0, last, length or 1):
        input = checkpoint(run(start, start + length), input, use_reentrant=use_reentrant, preserve_rng_state=preserve)
    return run(last, len(stages))(input)


# --- random numbers ---------------------------------------------------------------------------------------------------------------


@contextmanager
def _drawing_from(state: Any) -> Iterator[None]:
    """A block in which random numbers come from an earlier state, None for the current one."""
    from ..random import fork_rng, set_rng_state

    if state is None:
        yield
        return
    with fork_rng(devices=[]):
        set_rng_state(state)
        yield


def _random_state(wanted: bool) -> Any:
    from ..random import get_rng_state

    return get_rng_state() if wanted else None


# --- without re-entry -------------------------------------------------------------------------------------------------------------


class _Place:
    """Where a saved tensor was: its number in its part, and the tensor, from the second run until backward takes it."""

    __slots__ = ("part", "number", "tensor", "looks", "__weakref__")

    def __init__(self, part: _Part, number: int, looks: dict) -> None:
        self.part, self.number, self.looks = part, number, looks
        self.tensor: Tensor | None = None


def _unpack(place: _Place) -> Tensor:
    return place.part.give(place)


class _Part:
    """One checkpointed call, kept alive by the places in the nodes that it made."""

    def __init__(
        self, function: Callable, args: tuple, kwargs: dict, preserve: bool, second: Any, checks: bool, debug: bool,
        early_stop: bool
    ) -> None:
        self.function, self.kwargs = function, kwargs
        # As a node would: under an outer checkpoint's hooks, packed; and a change in place is noticed.
        self.args = tuple(Saved(arg, None, thread.saved_hooks) if isinstance(arg, Tensor) else arg for arg in args)
        self.second, self.checks, self.early_stop = second, checks, early_stop
        self.state = _random_state(preserve)
        self.places: list[weakref.ref[_Place]] = []
        self.run_for: Any = None  # the pass, or the group of passes, that the latest second run was for
        self.done = 0  # how many tensors that run has computed so far
        self.logs: tuple[list, list] | None = ([], []) if debug else None

    def pack(self, tensor: Tensor) -> _Place:
        """Notes that a tensor would have been saved."""
        if self.logs is not None:
            self.logs[0].append("".join(calling_lines()))
        place = _Place(self, len(self.places), _looks(tensor))
        self.places.append(weakref.ref(place))
        return place

    def give(self, place: _Place) -> Tensor:
        """The tensor of a place. Raises CheckpointError where the second run did not do as the first."""
        user = _settings.group or running_pass()
        if user is None or self.run_for is None or self.run_for() is not user:
            try:
                self.run_again()
            except CheckpointError as error:
                raise CheckpointError(self.described(str(error))) from None
            self.run_for = None if user is None else weakref.ref(user)
        if place.tensor is None:
            raise CheckpointError(_TAKEN_TWICE.format(_OVERLAPPING if _settings.group else ""))
        tensor, place.tensor = place.tensor, None
        return tensor

    def run_again(self) -> None:
        """Computes the tensors of all places that nodes still refer to."""
        self.done = 0
        args = [arg.unpack(None) if isinstance(arg, Saved) else arg for arg in self.args]
        args = [_detached(arg) if isinstance(arg, Tensor) else arg for arg in args]
        differences: list[str] = []

        def collect(tensor: Tensor) -> Tensor:
            self.collect(tensor, differences)
            return tensor

        try:
            with _drawing_from(self.state), enable_grad(), saved_tensors_hooks(collect, lambda tensor: tensor), self.second:
                self.function(*args, **self.kwargs)
        except _Stop:
            pass
        if self.done != len(self.places):
            raise CheckpointError(
                "torch.utils.checkpoint: A different number of tensors was saved during the original forward and recomputation.\n"
                f"Number of tensors saved during forward: {len(self.places)}\n"
                f"Number of tensors saved during recomputation: {self.done}."
            )
        if differences:
            raise CheckpointError(
                "torch.utils.checkpoint: Recomputed values for the following tensors have different metadata than "
                "during the forward "
                "pass.\n" + "".join(differences) + "."
            )

    def collect(self, tensor: Tensor, differences: list[str]) -> None:
        """Takes one tensor of the second run."""
        if self.logs is not None:
            if not self.done:
                self.logs[1].clear()
            self.logs[1].append("".join(calling_lines()))
        if self.done == len(self.places):
            raise CheckpointError(
                "torch.utils.checkpoint: trying to save more tensors during recomputation than during the original forward pass."
            )
        place = self.places[self.done]()
        if place is not None:
            place.tensor = tensor.detach()
            looks = _looks(tensor)
            if self.checks and looks != place.looks:
                differences.append(
                    f"tensor at position {self.done}:\nsaved metadata: {place.looks}\nrecomputed metadata: {looks}\n"
                )
        self.done += 1
        if self.early_stop and self.done == len(self.places):
            raise _Stop

    def described(self, message: str) -> str:
        """An error with the operations of both runs, or with the advice how to get them."""
        if self.logs is None:
            return message + _TIP
        parts = [
            " An error happened while unpacking tensors; dumping logs of latest computation\n"
            "because you passed `debug=True` to `torch.utils.checkpoint.checkpoint()`."
        ]
        for title, log in zip(("original forward", "recomputation"), self.logs, strict=True):
            parts.append(f"\n\nStack traces of the operators that saved tensors in the {title}:\n")
            parts += [f"\n({number + 1} of {len(log)} in {title})\n{stack}" for number, stack in enumerate(log)]
        return "".join(parts) + "\n\n" + message


def _looks(tensor: Tensor) -> dict:
    return {"shape": tensor.shape, "dtype": tensor.dtype, "device": tensor.device}


def _detached(tensor: Tensor) -> Tensor:
    return set_requires_grad(tensor.detach(), tensor.requires_grad)


# --- with re-entry ----------------------------------------------------------------------------------------------------------------


def check_backward_validity(inputs: Iterable[Any]) -> None:
    """Warns where none of the inputs requires a gradient."""
    if not any(isinstance(one, Tensor) and one.requires_grad for one in inputs):
        warn("None of the inputs have requires_grad=True. Gradients will be None")


def detach_variable(inputs: tuple) -> tuple:
    """Inputs with their tensors detached, as leaves that require what they required. Raises RuntimeError unless given a tuple."""
    if not isinstance(inputs, tuple):
        raise RuntimeError(f"Only tuple of tensors is supported. Got Unsupported input type: {type(inputs).__name__}")
    return tuple(_detached(one) if isinstance(one, Tensor) else one for one in inputs)


class CheckpointFunction(Function):
    """A call as one node: `apply(function, preserve_rng_state, *args)`."""

    @staticmethod
    def forward(ctx: Any, run_function: Callable, preserve_rng_state: bool, *args: Any) -> Any:
        """Runs the function without recording."""
        check_backward_validity(args)
        ctx.run_function = run_function
        ctx.state = _random_state(preserve_rng_state)
        ctx.save_for_backward(*(arg for arg in args if isinstance(arg, Tensor)))
        ctx.inputs = [None if isinstance(arg, Tensor) else arg for arg in args]
        ctx.tensor_places = [index for index, arg in enumerate(args) if isinstance(arg, Tensor)]
        return run_function(*args)

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        """Runs the function again, recorded, and backward through that."""
        task = running_pass()
        if task is not None and task.needed is not None:
            raise RuntimeError(
                "When use_reentrant=True, torch.utils.checkpoint is incompatible with .grad() or passing an `inputs` parameter to "
                ".backward(). To resolve this error, you can either set use_reentrant=False, or call .backward() "
                "without passing the "
                "`inputs` argument."
            )
        inputs = list(ctx.inputs)
        for place, tensor in zip(ctx.tensor_places, ctx.saved_tensors, strict=True):
            inputs[place] = _detached(tensor)
        with _drawing_from(ctx.state), enable_grad():
            outputs = ctx.run_function(*inputs)
        outputs = outputs if isinstance(outputs, tuple) else (outputs,)
        flowing = [(out, g) for out, g in zip(outputs, grad_outputs, strict=True) if isinstance(out, Tensor) and out.requires_grad]
        if not flowing:
            raise RuntimeError("none of output has requires_grad=True, this checkpoint() is not necessary")
        backward([out for out, _ in flowing], [g for _, g in flowing])
        return (None, None, *(one.grad if isinstance(one, Tensor) else None for one in inputs))
