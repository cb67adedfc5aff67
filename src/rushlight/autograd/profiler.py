"""`torch.autograd.profiler`: how long calls of our functions, nodes of a backward pass, and blocks of one's own take."""

from __future__ import annotations

import enum
import os
import time
from collections.abc import Callable
from typing import Any

from ..callers import calling_place
from ..overrides import TorchFunctionMode
from ..warning import warn
from .graph import public_node
from .modes import _Decorator, thread
from .profiler_util import EventList, FunctionEvent, FunctionEventAvg, flops_of
from .recording import tensors_in


class ProfilerActivity(enum.Enum):
    """What is watched: here there is the CPU."""

    CPU = 0
    XPU = 1
    MTIA = 2
    CUDA = 3
    HPU = 4
    PrivateUse1 = 5


def supported_activities() -> set[ProfilerActivity]:
    """The CPU."""
    return {ProfilerActivity.CPU}


def kineto_available() -> bool:
    """False: that is PyTorch's own tracing library."""
    return False


def warn_of_cuda() -> None:
    """Says that only the CPU is watched."""
    warn("CUDA is not available, disabling CUDA profiling")



# --- recording --------------------------------------------------------------------------------------------------------------------


class Timer(TorchFunctionMode):
    """The mode that a profile puts on: it times the calls that it sees, and is asked by the engine to run nodes."""

    sees_members = False

    def __init__(self, record_shapes: bool, profile_memory: bool, with_stack: bool, with_flops: bool) -> None:
        self.record_shapes, self.profile_memory = record_shapes, profile_memory
        self.with_stack, self.with_flops = with_stack, with_flops
        self.events: list[FunctionEvent] = []
        self.open: list[FunctionEvent] = []
        self.began = time.perf_counter()

    def __enter__(self) -> Timer:
        self.outer = thread.profiler
        thread.profiler = self
        super().__enter__()
        return self

    def __exit__(self, *exception: Any) -> None:
        super().__exit__(*exception)
        thread.profiler = self.outer

    def __torch_function__(self, func: Callable, types: tuple, args: tuple = (), kwargs: dict | None = None) -> Any:
        event = self.begin(f"aten::{func.__name__}", "cpu_op", args)
        try:
            result = func(*args, **(kwargs or {}))
        finally:
            self.end(event)
        if self.profile_memory:
            given = list(map(id, tensors_in(args)))
            self.count_memory(event, sum(tensor._array.nbytes for tensor in tensors_in(result) if id(tensor) not in given))
        if self.with_flops:
            size = sum(tensor._array.size for tensor in tensors_in(result))
            event.flops = flops_of(func.__name__, [list(tensor._array.shape) for tensor in tensors_in(args)], size)
        return result

    def run_node(self, node: Any, g: Any, keep: bool, on_tensors: bool) -> tuple:
        """Runs a node of a backward pass as an event."""
        event = self.begin(public_node(node).name(), "cpu_op")
        try:
            return node.vjp_recorded(g, keep) if on_tensors else node.vjp(g, keep)
        finally:
            self.end(event)

    def begin(self, name: str, kind: str, args: Any = ()) -> FunctionEvent:
        """Opens an event."""
        event = FunctionEvent(len(self.events) + 1, name, self.open[-1] if self.open else None, 0.0, kind)
        if self.record_shapes:
            event.input_shapes = [list(tensor._array.shape) for tensor in tensors_in(args)]
        if self.with_stack:
            file, line = calling_place()
            event.stack = [f"{file}({line})"]
        self.events.append(event)
        self.open.append(event)
        event.time_range.start = event.time_range.end = self.now()
        return event

    def end(self, event: FunctionEvent) -> None:
        """Closes an event, and those in it that are still open."""
        moment = self.now()
        while self.open and event in self.open:
            self.open.pop().time_range.end = moment

    def count_memory(self, event: FunctionEvent | None, count: int) -> None:
        """Adds bytes to an event and those around it."""
        while event is not None:
            event.cpu_memory_usage += count
            event = event.cpu_parent

    def now(self) -> float:
        """Microseconds since the timer was made."""
        return (time.perf_counter() - self.began) * 1e6


class record_function(_Decorator):
    """A block, or a function, that appears under its own name in a profile."""

    def __init__(self, name: str, args: str | None = None) -> None:
        self.name, self.args = name, args
        self.timer: Timer | None = None
        self.event: Any = None  # set on entering: False where nothing is recorded

    def _again(self) -> record_function:
        return type(self)(self.name, self.args)

    def __enter__(self) -> record_function:
        self.timer = thread.profiler
        self.event = self.timer.begin(self.name, "user_annotation") if self.timer is not None else False
        return self

    def __exit__(self, *exception: Any) -> None:
        if self.event is None:
            raise AssertionError("Expected record to be set")
        if self.timer is not None:
            self.timer.end(self.event)


class profile:
    """A block whose calls are timed, in this thread.

    `record_shapes`, `profile_memory`, `with_stack` and `with_flops` also note the inputs' shapes, the bytes of the results, the
    line of the program and the operations of products and convolutions; `enabled=False` does nothing.
    """

    def __init__(
        self,
        enabled: bool = True,
        *,
        use_cuda: bool = False,
        use_device: str | None = None,
        record_shapes: bool = False,
        with_flops: bool = False,
        profile_memory: bool = False,
        with_stack: bool = False,
        with_modules: bool = False,
        use_kineto: bool = False,
        use_cpu: bool = True,
        experimental_config: Any = None,
        acc_events: bool = False,
    ) -> None:
        if use_cuda:
            message = "The attribute `use_cuda` will be deprecated soon, please use ``use_device = 'cuda'`` instead."
            warn(message, FutureWarning)
        if use_cuda or use_device == "cuda":
            warn_of_cuda()
        self.enabled = enabled and use_cpu
        self.record_shapes, self.profile_memory = record_shapes, profile_memory
        self.with_stack, self.with_flops = with_stack, with_flops
        self.timer: Timer | None = None
        self.running = False

    def __enter__(self) -> profile | None:
        if not self.enabled:
            return None
        if self.timer is not None:
            raise RuntimeError("Profiler context manager is not reentrant")
        self.timer = Timer(self.record_shapes, self.profile_memory, self.with_stack, self.with_flops)
        self.timer.__enter__()
        self.running = True
        return self

    def __exit__(self, *exception: Any) -> None:
        if self.timer is not None and self.running:
            self.running = False
            self.timer.__exit__(*exception)

    @property
    def function_events(self) -> EventList:
        """The events, none before the block has run."""
        finished = self.timer is not None and not self.running
        return EventList(self.timer.events if finished and self.timer else (), self.profile_memory, self.with_flops)

    def key_averages(self, group_by_input_shape: bool = False, group_by_stack_n: int = 0) -> EventList:
        """The events of the same name together."""
        return self.function_events.key_averages(group_by_input_shape, group_by_stack_n)

    def total_average(self) -> FunctionEventAvg:
        """All events together."""
        return self.function_events.total_average()

    def table(self, *args: Any, **kwargs: Any) -> str:
        """The events as a table; see `EventList.table`."""
        return self.function_events.table(*args, **kwargs)

    def export_chrome_trace(self, path: str | os.PathLike) -> None:
        """Writes the events as a JSON file for Chrome's trace viewer."""
        self.function_events.export_chrome_trace(path)

    def export_stacks(self, path: str | os.PathLike, metric: str = "self_cpu_time_total") -> None:
        """Writes the stacks of the events and their times, one a line, for drawing flame graphs."""
        self.function_events.export_stacks(path, metric)

    @property
    def self_cpu_time_total(self) -> float:
        """The time of all events, in microseconds."""
        return self.function_events.self_cpu_time_total

    def __repr__(self) -> str:
        return "<unfinished torch.autograd.profile>" if self.timer is None or self.running else repr(self.function_events)

    def __str__(self) -> str:
        return repr(self) if self.timer is None or self.running else str(self.function_events)


class emit_itt(_Decorator):
    """PyTorch tells Intel's profiler of each operation; here it does nothing."""

    def __init__(self, enabled: bool = True, record_shapes: bool = False) -> None:
        self.enabled, self.record_shapes = enabled, record_shapes

    def _again(self) -> emit_itt:
        return type(self)(self.enabled, self.record_shapes)

    def __enter__(self) -> emit_itt | None:
        return self if self.enabled else None

    def __exit__(self, *exception: Any) -> None:
        pass


class emit_nvtx(emit_itt):
    """PyTorch tells NVIDIA's profiler of each operation. Raises AssertionError where that is enabled: there is no GPU."""

    def __enter__(self) -> emit_itt | None:
        if self.enabled:
            raise AssertionError("Torch not compiled with CUDA enabled")
        return None


__all__ = [
    "EventList", "FunctionEvent", "FunctionEventAvg", "ProfilerActivity", "emit_itt", "emit_nvtx", "kineto_available", "profile",
    "record_function", "supported_activities",
]  # fmt: skip
