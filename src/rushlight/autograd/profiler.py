"""`torch.autograd.profiler`: how long calls of our functions, nodes of a backward pass, and blocks of one's own take."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from ..devices import check_device
from ..overrides import TorchFunctionMode
from .explanation import program_line, tensors_in
from .graph import public_node
from .modes import _Decorator, thread


class Interval:
    """A stretch of time, in microseconds since the profile began."""

    def __init__(self, start: float, end: float) -> None:
        self.start, self.end = start, end

    def elapsed_us(self) -> float:
        """Its length."""
        return self.end - self.start


class FunctionEvent:
    """One call: its `name`, `time_range`, `input_shapes`, `stack`, `cpu_parent` and `cpu_children`; times in microseconds."""

    count = 1

    def __init__(self, number: int, name: str, parent: FunctionEvent | None, start: float, kind: str) -> None:
        self.id, self.name, self.key, self.kind = number, name, name, kind
        self.thread = threading.get_ident()
        self.time_range = Interval(start, start)
        self.cpu_parent = parent
        self.cpu_children: list[FunctionEvent] = []
        self.input_shapes: list[list[int]] = []
        self.stack: list[str] = []
        self.cpu_memory_usage = 0
        if parent is not None:
            parent.cpu_children.append(self)

    @property
    def cpu_time_total(self) -> float:
        """The time from begin to end."""
        return self.time_range.elapsed_us()

    cpu_time = cpu_time_total

    @property
    def self_cpu_time_total(self) -> float:
        """The time not spent in the calls within."""
        return self.cpu_time_total - sum(child.cpu_time_total for child in self.cpu_children)

    @property
    def self_cpu_memory_usage(self) -> int:
        """The bytes not made in the calls within."""
        return self.cpu_memory_usage - sum(child.cpu_memory_usage for child in self.cpu_children)

    def __repr__(self) -> str:
        return f"<FunctionEvent id={self.id} name={self.name} cpu_time={written(self.cpu_time)} input_shapes={self.input_shapes}>"


class FunctionEventAvg:
    """Calls of the same `key` together: `count`, and times in microseconds."""

    def __init__(self, key: str, events: Iterable[Any], shapes: Any = "", stack: Iterable[str] = ()) -> None:
        self.key, self.input_shapes, self.stack = key, shapes, list(stack)
        self.count = 0
        self.cpu_time_total = self.self_cpu_time_total = 0.0
        self.cpu_memory_usage = self.self_cpu_memory_usage = 0
        for event in events:
            self.count += event.count
            self.cpu_time_total += event.cpu_time_total
            self.self_cpu_time_total += event.self_cpu_time_total
            self.cpu_memory_usage += event.cpu_memory_usage
            self.self_cpu_memory_usage += event.self_cpu_memory_usage

    @property
    def cpu_time(self) -> float:
        """The mean time of a call."""
        return self.cpu_time_total / self.count if self.count else 0.0

    def __repr__(self) -> str:
        return (
            f"<FunctionEventAvg key={self.key} self_cpu_time={written(self.self_cpu_time_total)} cpu_time={written(self.cpu_time)} "
            f"input_shapes={self.input_shapes} cpu_memory_usage={self.cpu_memory_usage}>"
        )


def written(microseconds: float, unit: str | None = None) -> str:
    """A time with a suitable unit, or the one given."""
    for name, size in (("s", 1e6), ("ms", 1e3), ("us", 1.0)):
        if unit == name or (unit is None and (microseconds >= size or name == "us")):
            return f"{microseconds / size:.3f}{name}"
    raise ValueError(f"Unknown time_unit {unit!r}: choose one of 's', 'ms', 'us'")


def written_bytes(count: int) -> str:
    """A number of bytes with a suitable unit."""
    for name, size in (("Gb", 2**30), ("Mb", 2**20), ("Kb", 2**10)):
        if abs(count) >= size:
            return f"{count / size:.2f} {name}"
    return f"{count} b"


class EventList(list):
    """Events, or their averages; `table` prints them."""

    def __init__(self, events: Iterable[Any] = (), profile_memory: bool = False) -> None:
        super().__init__(events)
        self.profile_memory = profile_memory

    @property
    def self_cpu_time_total(self) -> float:
        """The time of all events, each counted once."""
        return sum(event.self_cpu_time_total for event in self)

    def key_averages(self, group_by_input_shapes: bool = False, group_by_stack_n: int = 0) -> EventList:
        """The events of the same name together, kept apart by shapes or by so many lines of the stack where asked."""
        groups: dict[tuple, list] = {}
        for event in self:
            shapes = str(event.input_shapes) if group_by_input_shapes else ""
            groups.setdefault((event.key, shapes, tuple(event.stack[:group_by_stack_n])), []).append(event)
        averages = (FunctionEventAvg(name, events, shapes, stack) for (name, shapes, stack), events in groups.items())
        return EventList(averages, self.profile_memory)

    def total_average(self) -> FunctionEventAvg:
        """All events together."""
        return FunctionEventAvg("Total", self, [])

    def table(
        self,
        sort_by: str | None = None,
        row_limit: int = 100,
        max_src_column_width: int = 75,
        max_name_column_width: int = 55,
        max_shapes_column_width: int = 80,
        header: str | None = None,
        top_level_events_only: bool = False,
        time_unit: str | None = None,
    ) -> str:
        """The events as a table, at most `row_limit` rows (-1: all), in descending order of `sort_by`.

        `sort_by`: "cpu_time", "cpu_time_total", "self_cpu_time_total", "count", "cpu_memory_usage", "self_cpu_memory_usage".
        """
        if not self:
            return ""
        events = [event for event in self if not (top_level_events_only and getattr(event, "cpu_parent", None) is not None)]
        if sort_by is not None:
            events.sort(key=lambda event: getattr(event, sort_by), reverse=True)
        total = self.self_cpu_time_total
        columns = ["Name", "Self CPU %", "Self CPU", "CPU total %", "CPU total", "CPU time avg"]
        columns += ["CPU Mem", "Self CPU Mem"] * self.profile_memory + ["# of Calls"]
        extra = {"Input Shapes": max_shapes_column_width} if any(event.input_shapes for event in events) else {}
        extra |= {"Source Location": max_src_column_width} if any(event.stack for event in events) else {}
        rows = []
        for event in events if row_limit < 0 else events[:row_limit]:
            times = [event.self_cpu_time_total, event.cpu_time_total]
            row = [event.key]
            for spent in times:
                row += [f"{100 * spent / total if total else 0:.2f}%", written(spent, time_unit)]
            row.append(written(event.cpu_time, time_unit))
            if self.profile_memory:
                row += [written_bytes(event.cpu_memory_usage), written_bytes(event.self_cpu_memory_usage)]
            row.append(str(event.count))
            row += [str(event.input_shapes)] * ("Input Shapes" in extra)
            row += ["; ".join(event.stack[:1])] * ("Source Location" in extra)
            rows.append(row)
        widths = [min(max(len(row[0]) for row in [*rows, columns]) + 4, max_name_column_width)] + [12] * (len(columns) - 1)
        for place, (name, most) in enumerate(extra.items(), len(columns)):
            widths.append(min(max(len(row[place]) for row in [*rows, [*columns, *extra]]), most))
            columns.append(name)
        text = laid_out(columns, rows, widths, header)
        return f"{text}Self CPU time total: {written(total, time_unit)}\n"

    __str__ = table

    def export_chrome_trace(self, path: str | os.PathLike) -> None:
        """Writes the events as a JSON file for chrome://tracing, Perfetto and the like."""
        write_trace(self, path)


def laid_out(columns: list[str], rows: list[list[str]], widths: list[int], header: str | None) -> str:
    """A table of cells in columns of these widths."""

    def line(cells: Iterable[str]) -> str:
        cut = (cell if len(cell) <= width else cell[: width - 3] + "..." for cell, width in zip(cells, widths, strict=True))
        return "".join(f"{cell:>{width}}  " for cell, width in zip(cut, widths, strict=True))

    rule = "".join("-" * width + "  " for width in widths)
    title = ["=" * len(rule), header] if header is not None else []
    return "\n".join([*title, rule, line(columns), rule, *map(line, rows), rule]) + "\n"


def write_trace(events: Iterable[FunctionEvent], path: str | os.PathLike, metadata: dict[str, Any] | None = None) -> None:
    """Writes events in the format of Chrome's trace viewer."""
    import json

    entries = [
        {
            "ph": "X", "cat": event.kind, "name": event.name, "pid": os.getpid(), "tid": event.thread, "ts": event.time_range.start,
            "dur": event.cpu_time_total,
            "args": {"External id": event.id, "Input Dims": event.input_shapes, "Call stack": event.stack},
        }
        for event in events
    ]  # fmt: skip
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"schemaVersion": 1, "displayTimeUnit": "ms", **(metadata or {}), "traceEvents": entries}, file)


# --- recording --------------------------------------------------------------------------------------------------------------------


class Timer(TorchFunctionMode):
    """The mode that a profile puts on: it times the calls that it sees, and is asked by the engine to run nodes."""

    sees_members = False

    def __init__(self, record_shapes: bool, profile_memory: bool, with_stack: bool) -> None:
        self.record_shapes, self.profile_memory, self.with_stack = record_shapes, profile_memory, with_stack
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
            place = program_line()
            event.stack = [] if place is None else [f"{place[0]}({place[1]})"]
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

    def _again(self) -> record_function:
        return type(self)(self.name, self.args)

    def __enter__(self) -> record_function:
        self.timer = thread.profiler
        if self.timer is not None:
            self.event = self.timer.begin(self.name, "user_annotation")
        return self

    def __exit__(self, *exception: Any) -> None:
        if self.timer is not None:
            self.timer.end(self.event)


class profile:
    """A block whose calls are timed, in this thread.

    `record_shapes`, `profile_memory` and `with_stack` also note the inputs' shapes, the bytes of the results and the line of the
    program; `enabled=False` does nothing. Raises NotImplementedError for `with_flops`, which is not there.
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
        check_device("cuda" if use_cuda else use_device)
        if with_flops:
            raise NotImplementedError("profile(with_flops=True): operations are timed, not counted")
        self.enabled = enabled and use_cpu
        self.record_shapes, self.profile_memory, self.with_stack = record_shapes, profile_memory, with_stack
        self.timer: Timer | None = None
        self.running = False

    def __enter__(self) -> profile:
        if self.running:
            raise RuntimeError("Profiler context manager is not reentrant")
        if self.enabled:
            self.timer = Timer(self.record_shapes, self.profile_memory, self.with_stack)
            self.timer.__enter__()
            self.running = True
        return self

    def __exit__(self, *exception: Any) -> None:
        if self.timer is not None and self.running:
            self.running = False
            self.timer.__exit__(*exception)

    @property
    def function_events(self) -> EventList:
        """The events. Raises RuntimeError before the block has run."""
        if self.timer is None or self.running:
            raise RuntimeError("Profiler didn't finish running")
        return EventList(self.timer.events, self.profile_memory)

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

    @property
    def self_cpu_time_total(self) -> float:
        """The time of all events, in microseconds."""
        return self.function_events.self_cpu_time_total

    def __repr__(self) -> str:
        return "<unfinished torch.autograd.profile>" if self.timer is None or self.running else repr(self.function_events)

    def __str__(self) -> str:
        return repr(self) if self.timer is None or self.running else str(self.function_events)


__all__ = ["EventList", "FunctionEvent", "FunctionEventAvg", "profile", "record_function"]
