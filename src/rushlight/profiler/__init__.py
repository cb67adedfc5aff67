"""`torch.profiler`: a profile over the steps of a training loop, by a schedule."""

from __future__ import annotations

import enum
import os
import time
from collections.abc import Callable, Iterable
from typing import Any

from ..autograd import profiler as _profiler
from ..autograd.profiler import ProfilerActivity, kineto_available, record_function, supported_activities, warn_of_cuda
from ..autograd.profiler_util import EventList, write_trace
from ..warning import warn


class ProfilerAction(enum.Enum):
    """What is done during a step."""

    NONE = 0
    WARMUP = 1
    RECORD = 2
    RECORD_AND_SAVE = 3


RECORDING = (ProfilerAction.RECORD, ProfilerAction.RECORD_AND_SAVE)


def schedule(
    *, wait: int, warmup: int, active: int, repeat: int = 0, skip_first: int = 0, skip_first_wait: int = 0
) -> Callable[[int], ProfilerAction]:
    """A schedule: after `skip_first` steps, cycles of `wait` steps without, `warmup` steps before and `active` steps of recording.

    `repeat` cycles (0: without end); with `skip_first_wait` the first cycle has no waiting. Raises AssertionError where nothing
    would be recorded.
    """
    if min(wait, warmup, repeat, skip_first, skip_first_wait) < 0 or active <= 0:
        raise AssertionError(
            f"Invalid profiler schedule arguments. Got wait={wait} (need >= 0), warmup={warmup} (need >= 0), active={active} "
            f"(need > 0), repeat={repeat} (need >= 0), skip_first={skip_first} (need >= 0)."
        )
    if warmup == 0:
        warn("Profiler won't be using warmup, this can skew profiler results")
    cycle = wait + warmup + active

    def action(step: int) -> ProfilerAction:
        if step < 0:
            raise AssertionError(f"Step must be non-negative. Got {step}.")
        if step < skip_first:
            return ProfilerAction.NONE
        step -= skip_first
        if skip_first_wait:
            step += wait
        if repeat and step >= repeat * cycle:
            return ProfilerAction.NONE
        place = step % cycle
        if place < wait:
            return ProfilerAction.NONE
        if place < wait + warmup:
            return ProfilerAction.WARMUP
        return ProfilerAction.RECORD if place < cycle - 1 else ProfilerAction.RECORD_AND_SAVE

    return action


def tensorboard_trace_handler(dir_name: str, worker_name: str | None = None, use_gzip: bool = False) -> Callable[[Any], None]:
    """An `on_trace_ready` that writes each trace into a directory, one file after another."""

    def handle(profiled: profile) -> None:
        import socket

        os.makedirs(dir_name, exist_ok=True)
        worker = worker_name or f"{socket.gethostname()}_{os.getpid()}"
        suffix = ".gz" if use_gzip else ""
        profiled.export_chrome_trace(os.path.join(dir_name, f"{worker}.{time.time_ns()}.pt.trace.json{suffix}"))

    return handle


class profile:
    """Times what runs in a block, or from `start()` to `stop()`, step by step where there is a `schedule`.

    `on_trace_ready(profile)` is called whenever a recording is complete. `record_shapes`, `profile_memory` and `with_stack` as for
    `torch.autograd.profiler.profile`.
    """

    def __init__(
        self,
        *,
        activities: Iterable[ProfilerActivity] | None = None,
        schedule: Callable[[int], ProfilerAction] | None = None,
        on_trace_ready: Callable[..., Any] | None = None,
        record_shapes: bool = False,
        profile_memory: bool = False,
        with_stack: bool = False,
        with_flops: bool = False,
        with_modules: bool = False,
        experimental_config: Any = None,
        execution_trace_observer: Any = None,
        acc_events: bool = False,
        use_cuda: bool | None = None,
        custom_trace_id_callback: Callable[[], str] | None = None,
    ) -> None:
        self.activities = supported_activities() if activities is None else set(activities)
        if use_cuda is not None:
            warn("`use_cuda` is deprecated, use `activities` argument instead", FutureWarning)
        if use_cuda or ProfilerActivity.CUDA in self.activities:
            warn_of_cuda()
            self.activities.discard(ProfilerActivity.CUDA)
        if not self.activities:
            raise AssertionError("No valid profiler activities found")
        self.options: dict[str, Any] = {
            "record_shapes": record_shapes, "profile_memory": profile_memory, "with_stack": with_stack, "with_flops": with_flops,
        }  # fmt: skip
        self.schedule = schedule or (lambda step: ProfilerAction.RECORD)
        self.record_steps = schedule is not None
        self.on_trace_ready = on_trace_ready
        self.step_num = 0
        self.current_action = self.schedule(0)
        self.metadata: dict[str, str] = {}
        self.profiler: Any = None
        self.step_block: Any = None

    def __enter__(self) -> profile:
        self.start()
        return self

    def __exit__(self, *exception: Any) -> None:
        self.stop()

    def start(self) -> None:
        """Begins the first step."""
        self._go_on()

    def stop(self) -> None:
        """Ends the last step."""
        if self._is_running():
            self._finish()
            self._tell()

    def step(self) -> None:
        """Says that the next step begins."""
        before = self.current_action
        self.step_num += 1
        self.current_action = self.schedule(self.step_num)
        if self._is_running():
            self._end_block()
            if before is ProfilerAction.RECORD_AND_SAVE or self.current_action not in RECORDING:
                self._finish()
                if before is ProfilerAction.RECORD_AND_SAVE:
                    self._tell()
        self._go_on()

    def _is_running(self) -> bool:
        return self.profiler is not None and self.profiler.running

    def _go_on(self) -> None:
        """Records, where the current step is to be recorded."""
        if self.current_action in RECORDING:
            if not self._is_running():
                self.profiler = _profiler.profile(**self.options)
                self.profiler.__enter__()
            if self.record_steps:
                self.step_block = record_function(f"ProfilerStep#{self.step_num}")
                self.step_block.__enter__()

    def _end_block(self) -> None:
        if self.step_block is not None:
            self.step_block.__exit__(None, None, None)
            self.step_block = None

    def _finish(self) -> None:
        self._end_block()
        self.profiler.__exit__(None, None, None)

    def _tell(self) -> None:
        if self.on_trace_ready is not None:
            self.on_trace_ready(self)

    def events(self) -> EventList:
        """The events of the latest recording. Raises AssertionError before the first."""
        if self.profiler is None:
            raise AssertionError("Profiler must be initialized before accessing events")
        return self.profiler.function_events

    def key_averages(self, group_by_input_shape: bool = False, group_by_stack_n: int = 0) -> EventList:
        """The events of the same name together. Raises AssertionError before the first recording."""
        if self.profiler is None:
            raise AssertionError("Profiler must be initialized before getting key averages")
        return self.profiler.key_averages(group_by_input_shape, group_by_stack_n)

    def export_chrome_trace(self, path: str | os.PathLike) -> None:
        """Writes the events as a JSON file for Chrome's trace viewer, compressed where the name ends with .gz."""
        path = os.fspath(path)
        plain = path.removesuffix(".gz")
        write_trace(self.events(), plain, self.metadata)
        if plain != path:
            import gzip

            with open(plain, "rb") as source, gzip.open(path, "wb") as target:
                target.write(source.read())
            os.remove(plain)

    def export_stacks(self, path: str | os.PathLike, metric: str = "self_cpu_time_total") -> None:
        """Writes the stacks of the events and their times, one a line, for drawing flame graphs."""
        self.events().export_stacks(path, metric)

    def add_metadata(self, key: str, value: str) -> None:
        """Adds an entry to the exported trace."""
        self.metadata[key] = value

    def add_metadata_json(self, key: str, value: str) -> None:
        """Adds an entry, given as JSON, to the exported trace."""
        import json

        self.metadata[key] = json.loads(value)


__all__ = [
    "ProfilerAction", "ProfilerActivity", "kineto_available", "profile", "record_function", "schedule", "supported_activities",
    "tensorboard_trace_handler",
]  # fmt: skip
