"""Schedules that go up and down: warm restarts, cycles, one cycle; the latter two move the momentum against the
learning rate.
"""

from __future__ import annotations

import types
from math import cos, floor, log, pi
from typing import TYPE_CHECKING, Any

from .base import LRScheduler, check_optimizer, per_group, set_option

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..optimizer import Optimizer


class CosineAnnealingWarmRestarts(LRScheduler):
    """Cosine annealing that starts anew after `T_0` epochs, then after `T_mult` times as many, ... (SGDR, 2017).

    `step(epoch)` takes fractions, for a change with every batch.
    """

    def __init__(
        self, optimizer: Optimizer, T_0: int, T_mult: int = 1, eta_min: float = 0.0, last_epoch: int = -1
    ) -> None:
        if T_0 <= 0 or not isinstance(T_0, int):
            raise ValueError(f"Expected positive integer T_0, but got {T_0}")
        if T_mult < 1 or not isinstance(T_mult, int):
            raise ValueError(f"Expected integer T_mult >= 1, but got {T_mult}")
        if not isinstance(eta_min, (float, int)):
            raise ValueError(f"Expected float or int eta_min, but got {eta_min} of type {type(eta_min)}")
        self.T_0 = T_0
        self.T_i = T_0
        self.T_mult = T_mult
        self.eta_min = eta_min
        self.T_cur = last_epoch
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Any]:
        """The learning rates for `T_cur` epochs after the latest restart."""
        self._within_step()
        height = (1 + cos(pi * self.T_cur / self.T_i)) / 2
        return [self.eta_min + (base - self.eta_min) * height for base in self.base_lrs]

    def step(self, epoch: float | None = None) -> None:
        """Goes on by one epoch, or to `epoch`, and sets the learning rates."""
        if epoch is None and self.last_epoch < 0:
            epoch = 0
        if epoch is None:
            epoch = self.last_epoch + 1
            self.T_cur = self.T_cur + 1
            if self.T_cur >= self.T_i:
                self.T_cur = self.T_cur % self.T_i
                self.T_i = self.T_i * self.T_mult
        else:
            self._go_to(epoch)
        self._update_lr(floor(epoch))

    def _go_to(self, epoch: float) -> None:
        if epoch < 0:
            raise ValueError(f"Expected non-negative epoch, but got {epoch}")
        self.T_i, self.T_cur = self.T_0, epoch  # type: ignore[assignment]
        if epoch >= self.T_0:
            if self.T_mult == 1:
                self.T_cur = epoch % self.T_0  # type: ignore[assignment]
            else:
                restarts = int(log(epoch / self.T_0 * (self.T_mult - 1) + 1, self.T_mult))
                self.T_cur = epoch - self.T_0 * (self.T_mult**restarts - 1) / (self.T_mult - 1)
                self.T_i = self.T_0 * self.T_mult**restarts


class _MomentumScheduler(LRScheduler):
    """A scheduler that may set the momentum, or Adam's first beta, too."""

    cycle_momentum: bool

    def _find_momentum(self, cycle_momentum: bool) -> None:
        """Sees which option is the momentum. Raises ValueError when there is none."""
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            defaults = self.optimizer.defaults
            if "momentum" not in defaults and "betas" not in defaults:
                raise ValueError("optimizer must support momentum or beta1 with `cycle_momentum` option enabled")
            self.use_beta1 = "betas" in defaults

    def _set_momentum(self, group: dict[str, Any], momentum: float) -> None:
        if self.use_beta1:
            group["betas"] = (momentum, *group["betas"][1:])
        else:
            group["momentum"] = momentum


class CyclicLR(_MomentumScheduler):
    """Up from `base_lr` to `max_lr` in `step_size_up` steps and down in `step_size_down`, again and again (Smith,
    2017).

    `mode` says how the height changes: "triangular" not at all, "triangular2" halved with each cycle, "exp_range" times
    `gamma` with each step; `scale_fn` of the cycle's or the step's number (`scale_mode`) takes its place. Raises
    ValueError for another mode.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        base_lr: float | list[float],
        max_lr: float | list[float],
        step_size_up: int = 2000,
        step_size_down: int | None = None,
        mode: str = "triangular",
        gamma: float = 1.0,
        scale_fn: Callable[[float], float] | None = None,
        scale_mode: str = "cycle",
        cycle_momentum: bool = True,
        base_momentum: float | list[float] = 0.8,
        max_momentum: float | list[float] = 0.9,
        last_epoch: int = -1,
    ) -> None:
        self.optimizer = check_optimizer(optimizer)
        base_lrs = per_group("base_lr", base_lr, optimizer)
        if last_epoch == -1:
            for group, lr in zip(optimizer.param_groups, base_lrs, strict=True):
                set_option(group, "lr", lr)
        self.max_lrs = per_group("max_lr", max_lr, optimizer)
        up = float(step_size_up)
        self.total_size = up + (up if step_size_down is None else float(step_size_down))
        self.step_ratio = up / self.total_size
        if mode not in ("triangular", "triangular2", "exp_range") and scale_fn is None:
            raise ValueError("mode is invalid and scale_fn is None")
        self.mode = mode
        self.gamma = gamma
        self._scale_fn_custom = scale_fn
        self.scale_mode = scale_mode if scale_fn is not None else "iterations" if mode == "exp_range" else "cycle"
        self._find_momentum(cycle_momentum)
        if cycle_momentum:
            self.base_momentums = per_group("base_momentum", base_momentum, optimizer)
            self.max_momentums = per_group("max_momentum", max_momentum, optimizer)
            if last_epoch == -1:
                for group, most, least in zip(
                    optimizer.param_groups, self.max_momentums, self.base_momentums, strict=True
                ):
                    self._set_momentum(group, most)
                    group["max_momentum"] = most
                    group["base_momentum"] = least
        super().__init__(optimizer, last_epoch)
        self.base_lrs = base_lrs

    def scale_fn(self, x: float) -> float:
        """The relative height of a cycle, for its number or the step's."""
        if self._scale_fn_custom is not None:
            return self._scale_fn_custom(x)
        if self.mode == "triangular":
            return 1.0
        return 1 / (2.0 ** (x - 1)) if self.mode == "triangular2" else self.gamma**x

    def get_lr(self) -> list[Any]:
        """The learning rates for `last_epoch`; sets the momentum."""
        self._within_step()
        cycle = floor(1 + self.last_epoch / self.total_size)
        x = 1.0 + self.last_epoch / self.total_size - cycle
        part = x / self.step_ratio if x <= self.step_ratio else (x - 1) / (self.step_ratio - 1)
        scale = self.scale_fn(cycle if self.scale_mode == "cycle" else self.last_epoch)
        if self.cycle_momentum:
            for group, most, least in zip(
                self.optimizer.param_groups, self.max_momentums, self.base_momentums, strict=True
            ):
                self._set_momentum(group, most - (most - least) * part * scale)
        return [base + (most - base) * part * scale for base, most in zip(self.base_lrs, self.max_lrs, strict=True)]

    def state_dict(self) -> dict[str, Any]:
        """Everything but the optimizer; of `scale_fn` only an object's attributes."""
        state = super().state_dict()
        function = state.pop("_scale_fn_custom")
        attributes = None if function is None or isinstance(function, types.FunctionType) else function.__dict__.copy()
        return {**state, "_scale_fn_custom": attributes}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Takes over what `state_dict()` returned."""
        state_dict = dict(state_dict)
        attributes = state_dict.pop("_scale_fn_custom")
        super().load_state_dict(state_dict)
        if attributes is not None and self._scale_fn_custom is not None:
            self._scale_fn_custom.__dict__.update(attributes)


class OneCycleLR(_MomentumScheduler):
    """Up to `max_lr` in the first `pct_start` of all steps, then down far below the start (Smith and Topin, 2018).

    The number of steps is `total_steps`, or `epochs` times `steps_per_epoch`. The start is max_lr / div_factor, the end
    that over `final_div_factor`, the curve a cosine or a line (`anneal_strategy`); with `three_phase` it first returns
    to the start. Raises ValueError for options out of range, and when stepped too often.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float | list[float],
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        cycle_momentum: bool = True,
        base_momentum: float | list[float] = 0.85,
        max_momentum: float | list[float] = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        last_epoch: int = -1,
    ) -> None:
        self.optimizer = check_optimizer(optimizer)
        self.total_steps = one_cycle_steps(total_steps, epochs, steps_per_epoch)
        if pct_start < 0 or pct_start > 1 or not isinstance(pct_start, float):
            raise ValueError(f"Expected float between 0 and 1 pct_start, but got {pct_start}")
        rise = float(pct_start * self.total_steps)
        self._schedule_phases: list[dict[str, Any]] = [phase(rise - 1, "initial_lr", "max_lr", "max", "base")]
        if three_phase:
            self._schedule_phases.append(phase(2 * rise - 2, "max_lr", "initial_lr", "base", "max"))
            self._schedule_phases.append(phase(self.total_steps - 1, "initial_lr", "min_lr", "max", "max"))
        else:
            self._schedule_phases.append(phase(self.total_steps - 1, "max_lr", "min_lr", "base", "max"))
        self._anneal_func_type = check_anneal_strategy(anneal_strategy)
        max_lrs = per_group("max_lr", max_lr, optimizer)
        if last_epoch == -1:
            for group, most in zip(optimizer.param_groups, max_lrs, strict=True):
                group["initial_lr"] = most / div_factor
                group["max_lr"] = most
                group["min_lr"] = group["initial_lr"] / final_div_factor
        self._find_momentum(cycle_momentum)
        if cycle_momentum and last_epoch == -1:
            most_list = per_group("max_momentum", max_momentum, optimizer)
            least_list = per_group("base_momentum", base_momentum, optimizer)
            for group, most, least in zip(optimizer.param_groups, most_list, least_list, strict=True):
                self._set_momentum(group, most)
                group["max_momentum"] = most
                group["base_momentum"] = least
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Any]:
        """The learning rates for `last_epoch`; sets the momentum."""
        self._within_step()
        step = self.last_epoch
        if step > self.total_steps:
            raise ValueError(f"Tried to step {step} times. The specified number of total steps is {self.total_steps}")
        start = 0.0
        current = self._schedule_phases[-1]
        for candidate in self._schedule_phases[:-1]:
            if step <= candidate["end_step"]:
                current = candidate
                break
            start = candidate["end_step"]
        part = (step - start) / (current["end_step"] - start)
        curve = annealed_cos if self._anneal_func_type == "cos" else annealed_linear
        if self.cycle_momentum:
            for group in self.optimizer.param_groups:
                self._set_momentum(group, curve(group[current["start_momentum"]], group[current["end_momentum"]], part))
        return [
            curve(group[current["start_lr"]], group[current["end_lr"]], part) for group in self.optimizer.param_groups
        ]


def one_cycle_steps(total_steps: int | None, epochs: int | None, steps_per_epoch: int | None) -> int:
    """The number of steps. Raises ValueError when it is not given, or not positive."""
    if total_steps is not None:
        if total_steps <= 0 or not isinstance(total_steps, int):
            raise ValueError(f"Expected positive integer total_steps, but got {total_steps}")
        return total_steps
    if epochs is None or steps_per_epoch is None:
        raise ValueError("You must define either total_steps OR (epochs AND steps_per_epoch)")
    for name, value in (("epochs", epochs), ("steps_per_epoch", steps_per_epoch)):
        if value <= 0 or not isinstance(value, int):
            raise ValueError(f"Expected positive integer {name}, but got {value}")
    return epochs * steps_per_epoch


def phase(end: float, start_lr: str, end_lr: str, start_momentum: str, end_momentum: str) -> dict[str, Any]:
    """A part of the cycle, as PyTorch stores it."""
    return {
        "end_step": end, "start_lr": start_lr, "end_lr": end_lr, "start_momentum": f"{start_momentum}_momentum",
        "end_momentum": f"{end_momentum}_momentum",
    }  # fmt: skip


def check_anneal_strategy(name: str) -> str:
    """The argument. Raises ValueError unless it is "cos" or "linear"."""
    if name not in ("cos", "linear"):
        raise ValueError(f"anneal_strategy must be one of 'cos' or 'linear', instead got {name}")
    return name


def annealed_cos(start: float, end: float, part: float) -> float:
    """On the way from start to end along a half cosine."""
    return end + (start - end) / 2.0 * (cos(pi * part) + 1)


def annealed_linear(start: float, end: float, part: float) -> float:
    """On the way from start to end along a line."""
    return (end - start) * part + start
