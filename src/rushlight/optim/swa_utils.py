"""Averages of a model's weights over training."""

from __future__ import annotations

from copy import deepcopy
from math import cos, pi
from typing import TYPE_CHECKING, Any

import rushlight

from ..autograd.modes import no_grad
from ..nn.modules.module import Module
from ..tensor import Tensor
from .lr_scheduler.base import LRScheduler, per_group
from .lr_scheduler.cycles import check_anneal_strategy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from .optimizer import Optimizer

__all__ = [
    "AveragedModel", "SWALR", "get_ema_avg_fn", "get_ema_multi_avg_fn", "get_swa_avg_fn", "get_swa_multi_avg_fn",
    "update_bn",
]  # fmt: skip


def get_ema_avg_fn(decay: float = 0.999) -> Callable[[Tensor, Tensor, Any], Tensor]:
    """A function that gives the exponential moving average: decay * average + (1 - decay) * current."""
    check_decay(decay)

    def ema_update(ema_param: Any, current_param: Any, num_averaged: Any) -> Any:
        with no_grad():
            return decay * ema_param + (1 - decay) * current_param

    return ema_update


def get_ema_multi_avg_fn(decay: float = 0.999) -> Callable[[Any, Any, Any], None]:
    """The same for lists of tensors, in place."""
    check_decay(decay)

    def ema_update(ema_param_list: Any, current_param_list: Any, _: Any) -> None:
        move(ema_param_list, current_param_list, 1 - decay)

    return ema_update


def get_swa_avg_fn() -> Callable[[Tensor, Tensor, Any], Tensor]:
    """A function that gives the mean of all values so far."""

    def swa_update(averaged_param: Any, current_param: Any, num_averaged: Any) -> Any:
        with no_grad():
            return averaged_param + (current_param - averaged_param) / (num_averaged + 1)

    return swa_update


def get_swa_multi_avg_fn() -> Callable[[Any, Any, Any], None]:
    """The same for lists of tensors, in place."""

    def swa_update(averaged_param_list: Any, current_param_list: Any, num_averaged: Any) -> None:
        move(averaged_param_list, current_param_list, 1 / (float(num_averaged) + 1))

    return swa_update


def check_decay(decay: float) -> None:
    """Raises ValueError for a decay out of range."""
    if decay < 0.0 or decay > 1.0:
        raise ValueError(f"Invalid decay value {decay} provided. Please provide a value in [0,1] range.")


def move(averages: Any, currents: Any, part: float) -> None:
    """Moves each average towards the current value, by a part of the way; integers take the value itself."""
    with no_grad():
        for average, current in zip(averages, currents, strict=True):
            if average.is_floating_point() or average.is_complex():
                average += part * (current.detach() - average)
            else:
                average.copy_(current)


class AveragedModel(Module):
    """A copy of `model` whose parameters are the average of those passed to `update_parameters`.

    The average is the mean unless `avg_fn(average, current, count)` or `multi_avg_fn(averages, currents, count)`, which
    works in place, says otherwise. With `use_buffers` the buffers are averaged too; otherwise they are copied.
    """

    def __init__(
        self,
        model: Module,
        device: Any = None,
        avg_fn: Callable[[Tensor, Tensor, Any], Tensor] | None = None,
        multi_avg_fn: Callable[[Any, Any, Any], None] | None = None,
        use_buffers: bool = False,
    ) -> None:
        super().__init__()
        if avg_fn is not None and multi_avg_fn is not None:
            raise AssertionError("Only one of avg_fn and multi_avg_fn should be provided")
        self.module = deepcopy(model)
        if device is not None:
            self.module = self.module.to(device)
        self.register_buffer("n_averaged", rushlight.tensor(0, dtype=rushlight.long, device=device))
        self.avg_fn = avg_fn
        self.multi_avg_fn = multi_avg_fn
        self.use_buffers = use_buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Runs the averaged model."""
        return self.module(*args, **kwargs)

    def update_parameters(self, model: Module) -> None:
        """Takes the parameters of `model` into the average."""
        mine: list[Tensor] = list(self.module.parameters())
        theirs: list[Tensor] = list(model.parameters())
        if self.use_buffers:
            mine += self.module.buffers()
            theirs += model.buffers()
        averages = [tensor.detach() for tensor in mine]
        currents = [tensor.detach() for tensor in theirs]
        with no_grad():
            if self.n_averaged == 0:
                for average, current in zip(averages, currents, strict=True):
                    average.copy_(current)
            elif self.avg_fn is not None:
                for average, current in zip(averages, currents, strict=True):
                    average.copy_(self.avg_fn(average, current, self.n_averaged))
            else:
                (self.multi_avg_fn or get_swa_multi_avg_fn())(averages, currents, self.n_averaged)
            if not self.use_buffers:
                for average, current in zip(self.module.buffers(), model.buffers(), strict=True):
                    average.detach().copy_(current.detach())
            self.n_averaged += 1


def update_bn(loader: Iterable[Any], model: Module, device: Any = None) -> None:
    """Computes the running statistics of the model's batch normalisations anew, in one pass over the data.

    `loader` yields batches, or tuples and lists that begin with one. Does nothing for a model without batch
    normalisation.
    """
    from ..nn.modules.batchnorm import _BatchNorm

    momenta = {layer: layer.momentum for layer in model.modules() if isinstance(layer, _BatchNorm)}
    if not momenta:
        return
    was_training = model.training
    model.train()
    for layer in momenta:
        layer.reset_running_stats()
        layer.momentum = None  # the plain mean over all batches
    with no_grad():
        for batch in loader:
            first = batch[0] if isinstance(batch, (list, tuple)) else batch
            model(first if device is None else first.to(device))
    for layer, momentum in momenta.items():
        layer.momentum = momentum
    model.train(was_training)


class SWALR(LRScheduler):
    """Moves the learning rate to `swa_lr` in `anneal_epochs` steps along a cosine or a line, and stays there.

    Raises ValueError for another strategy or a negative number of epochs.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        swa_lr: float | list[float],
        anneal_epochs: int = 10,
        anneal_strategy: str = "cos",
        last_epoch: int = -1,
    ) -> None:
        for group, lr in zip(optimizer.param_groups, per_group("swa_lr", swa_lr, optimizer), strict=True):
            group["swa_lr"] = lr
        self._anneal_strategy = check_anneal_strategy(anneal_strategy)
        if not isinstance(anneal_epochs, int) or anneal_epochs < 0:
            raise ValueError(f"anneal_epochs must be equal or greater than 0, got {anneal_epochs}")
        self.anneal_epochs = anneal_epochs
        super().__init__(optimizer, last_epoch)

    def _part(self, step: int) -> float:
        """How much of `swa_lr` is in the learning rate after so many steps."""
        passed = max(0.0, min(1.0, step / max(1, self.anneal_epochs)))
        return (1 - cos(pi * passed)) / 2 if self._anneal_strategy == "cos" else passed

    def get_lr(self) -> list[Any]:
        """The learning rates for the present step."""
        self._within_step()
        step = self._step_count - 1
        if self.anneal_epochs == 0:
            step = max(1, step)
        before, now = self._part(step - 1), self._part(step)
        result = []
        for group in self.optimizer.param_groups:
            lr, swa_lr = group["lr"], group["swa_lr"]
            start = swa_lr if before == 1 else (lr - before * swa_lr) / (1 - before)
            result.append(swa_lr * now + start * (1 - now))
        return result
