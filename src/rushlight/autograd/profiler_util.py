"""`torch.autograd.profiler_util`: the events of a profile, their averages, the table, and what is written to files."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable
from typing import Any


class Interval:
    """A stretch of time, in microseconds since the profile began."""

    def __init__(self, start: float, end: float) -> None:
        self.start, self.end = start, end

    def elapsed_us(self) -> float:
        """Its length."""
        return self.end - self.start


class FormattedTimesMixin:
    """What events and averages share: times as text, and what PyTorch reports of devices that are not there."""

    is_async = is_remote = is_legacy = False
    use_device: Any = None
    node_id = -1
    device_time = device_time_total = self_device_time_total = 0.0
    device_memory_usage = self_device_memory_usage = 0
    cuda_time = cuda_time_total = self_cuda_time_total = 0.0
    cuda_memory_usage = self_cuda_memory_usage = 0
    cpu_time: Any
    cpu_time_total: Any
    self_cpu_time_total: Any
    count: int
    key: str

    @property
    def cpu_time_str(self) -> str:
        """The mean time of a call, as text."""
        return written(self.cpu_time)

    @property
    def cpu_time_total_str(self) -> str:
        """The time of all calls, as text."""
        return written(self.cpu_time_total)

    @property
    def self_cpu_time_total_str(self) -> str:
        """The time of all calls without those within, as text."""
        return written(self.self_cpu_time_total)


class FunctionEvent(FormattedTimesMixin):
    """One call: its `name`, `time_range`, `input_shapes`, `stack`, `cpu_parent` and `cpu_children`; times in microseconds."""

    count = 1
    sequence_nr = -1
    flops: int | None = None

    def __init__(self, number: int, name: str, parent: FunctionEvent | None, start: float, kind: str) -> None:
        self.id, self.trace_name, self.kind = number, name, kind
        self.name = self.key = "ProfilerStep*" if name.startswith("ProfilerStep#") else name
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
    def is_user_annotation(self) -> bool:
        """Whether this is a block of `record_function`."""
        return self.kind == "user_annotation"

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
        return (
            f"<FunctionEvent id={self.id} name={self.name} cpu_time={self.cpu_time_str} start_us={self.time_range.start:.3f} "
            f"end_us={self.time_range.end:.3f} cpu_children={[child.id for child in self.cpu_children]} thread={self.thread} "
            f"input_shapes={self.input_shapes} cpu_memory_usage={self.cpu_memory_usage}>"
        )


class FunctionEventAvg(FormattedTimesMixin):
    """Calls of the same `key` together: `count`, and times in microseconds."""

    def __init__(self, key: Any = None, events: Iterable[Any] = (), shapes: Any = "", stack: Iterable[str] = ()) -> None:
        self.key, self.input_shapes, self.stack = key, shapes, list(stack)
        self.count = self.flops = 0
        self.cpu_time_total = self.self_cpu_time_total = 0.0
        self.cpu_memory_usage = self.self_cpu_memory_usage = 0
        self.is_user_annotation = False
        for event in events:
            self.add(event)

    def add(self, event: Any) -> FunctionEventAvg:
        """Takes in one event more, or another average; returns itself."""
        self.key = event.key if self.key is None else self.key
        self.is_user_annotation = event.is_user_annotation
        self.count += event.count
        self.flops += event.flops or 0
        self.cpu_time_total += event.cpu_time_total
        self.self_cpu_time_total += event.self_cpu_time_total
        self.cpu_memory_usage += event.cpu_memory_usage
        self.self_cpu_memory_usage += event.self_cpu_memory_usage
        return self

    def __iadd__(self, event: Any) -> FunctionEventAvg:
        return self.add(event)

    @property
    def cpu_time(self) -> float:
        """The mean time of a call."""
        return self.cpu_time_total / self.count if self.count else 0.0

    def __repr__(self) -> str:
        return (
            f"<FunctionEventAvg key={self.key} self_cpu_time={self.self_cpu_time_total_str} cpu_time={self.cpu_time_str} "
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
    for name, size in (("GB", 2**30), ("MB", 2**20), ("KB", 2**10)):
        if abs(count) >= size:
            return f"{count / size:.2f} {name}"
    return f"{count} B"


METRICS = ["self_cpu_time_total", "self_cuda_time_total", "self_xpu_time_total", "self_privateuse1_time_total"]


class EventList(list):
    """Events, or their averages; `table` prints them."""

    supported_export_stacks_metrics = METRICS

    def __init__(self, events: Iterable[Any] = (), profile_memory: bool = False, with_flops: bool = False) -> None:
        super().__init__(events)
        self.profile_memory, self.with_flops = profile_memory, with_flops

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
        return EventList(averages, self.profile_memory, self.with_flops)

    def total_average(self) -> FunctionEventAvg:
        """All events together."""
        return FunctionEventAvg("Total", self)

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
        Raises AttributeError for what events do not have.
        """
        if not self:
            return ""
        events = [event for event in self if not (top_level_events_only and getattr(event, "cpu_parent", None) is not None)]
        if sort_by is not None:
            events.sort(key=lambda event: getattr(event, sort_by), reverse=True)
        events = events if row_limit < 0 else events[:row_limit]
        total = self.self_cpu_time_total
        columns = ["Name", "Self CPU %", "Self CPU", "CPU total %", "CPU total", "CPU time avg"]
        columns += ["CPU Mem", "Self CPU Mem"] * self.profile_memory + ["# of Calls"]
        rows = [row_of(event, total, time_unit, self.profile_memory) for event in events]
        widths = [min(max(len(row[0]) for row in [*rows, columns]) + 4, max_name_column_width)] + [12] * (len(columns) - 1)
        further: list[tuple[str, list[str], int]] = []
        if any(event.input_shapes for event in events):
            further.append(("Input Shapes", [str(event.input_shapes) for event in events], max_shapes_column_width))
        if any(event.stack for event in events):
            further.append(("Source Location", ["; ".join(event.stack[:1]) for event in events], max_src_column_width))
        if self.with_flops:
            further.append(("Total FLOPs", [str(event.flops) if event.flops else "--" for event in events], 80))
        for name, cells, most in further:
            columns.append(name)
            widths.append(max(12, min(max(map(len, cells)), most)))
            rows = [[*row, cell] for row, cell in zip(rows, cells, strict=True)]
        note = ["This report only display top-level ops statistics"] if top_level_events_only else []
        return f"{laid_out(columns, rows, widths, header, note)}Self CPU time total: {written(total, time_unit)}\n"

    __str__ = table

    def export_chrome_trace(self, path: str | os.PathLike) -> None:
        """Writes the events as a JSON file for chrome://tracing, Perfetto and the like."""
        write_trace(self, path)

    def export_stacks(self, path: str | os.PathLike, metric: str = "self_cpu_time_total") -> None:
        """Writes the stacks of the events and their times, one a line, for drawing flame graphs. Raises ValueError for another
        `metric` than those of `supported_export_stacks_metrics`.
        """
        if metric not in METRICS:
            raise ValueError(f"metric should be one of: {METRICS}")
        with open(path, "w", encoding="utf-8") as file:
            for event in self:
                value = int(getattr(event, metric, 0))
                if event.stack and value > 0:
                    line = ";".join(entry.replace(" ", "_").replace(";", ",") for entry in reversed(event.stack))
                    file.write(f"{line} {value}\n")


def row_of(event: Any, total: float, time_unit: str | None, profile_memory: bool) -> list[str]:
    """The cells of an event that every table has."""
    row = [event.key]
    for spent in (event.self_cpu_time_total, event.cpu_time_total):
        row += [f"{100 * spent / total if total else 0:.2f}%", written(spent, time_unit)]
    row.append(written(event.cpu_time, time_unit))
    if profile_memory:
        row += [written_bytes(event.cpu_memory_usage), written_bytes(event.self_cpu_memory_usage)]
    return [*row, str(event.count)]


def laid_out(columns: list[str], rows: list[list[str]], widths: list[int], header: str | None, note: list[str]) -> str:
    """A table of cells in columns of these widths."""

    def line(cells: Iterable[str]) -> str:
        cut = (cell if len(cell) <= width else cell[: width - 3] + "..." for cell, width in zip(cells, widths, strict=True))
        return "".join(f"{cell:>{width}}  " for cell, width in zip(cut, widths, strict=True))

    rule = "".join("-" * width + "  " for width in widths)
    double = "=" * (len(rule) - 2)
    title = [double, header] if header is not None else []
    title += [double, *note] if note else []
    return "\n".join([*title, rule, line(columns), rule, *map(line, rows), rule]) + "\n"


def write_trace(events: Iterable[FunctionEvent], path: str | os.PathLike, metadata: dict[str, Any] | None = None) -> None:
    """Writes events in the format of Chrome's trace viewer."""
    import json

    entries = [
        {
            "ph": "X", "cat": event.kind, "name": event.trace_name, "pid": os.getpid(), "tid": event.thread,
            "ts": event.time_range.start, "dur": event.cpu_time_total,
            "args": {"External id": event.id, "Input Dims": event.input_shapes, "Call stack": event.stack},
        }
        for event in events
    ]  # fmt: skip
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"schemaVersion": 1, "displayTimeUnit": "ms", **(metadata or {}), "traceEvents": entries}, file)


# --- counting ---------------------------------------------------------------------------------------------------------------------

PRODUCTS = ("matmul", "mm", "bmm", "mv", "dot", "addmm", "baddbmm", "addmv", "addbmm", "linear")
CONVOLUTIONS = ("conv1d", "conv2d", "conv3d")


def flops_of(name: str, shapes: list[list[int]], size: int) -> int:
    """The floating-point operations of a call with tensors of these shapes and a result of that size, as far as they are counted:
    of products, convolutions, sums and products of elements.
    """
    if name in PRODUCTS:
        first = shapes[1] if name.startswith(("addm", "badd", "addb")) else shapes[0]
        return 2 * size * first[-1] * (first[0] if name == "addbmm" else 1)
    if name in CONVOLUTIONS:
        filters = 1
        for extent in shapes[1][1:]:
            filters *= extent
        return 2 * size * filters
    return size if name in ("add", "mul") else 0
