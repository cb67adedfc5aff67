"""Loss scaling: gradients that would vanish in a small type are computed of a multiple of the loss."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..tensor import Tensor
from ..warning import warn

if TYPE_CHECKING:
    from ..optim import Optimizer


class GradScaler:
    """Multiplies losses by a scale, divides gradients by it before a step, and leaves out steps with gradients that overflowed.

    After such a step the scale is multiplied by `backoff_factor`, after `growth_interval` good ones by `growth_factor`. If not
    `enabled`, or for a device that there is not, it does nothing but step.
    """

    def __init__(
        self, device: str = "cuda", init_scale: float = 2.0**16, growth_factor: float = 2.0, backoff_factor: float = 0.5,
        growth_interval: int = 2000, enabled: bool = True,
    ) -> None:  # fmt: skip
        self._device = device
        if enabled and device == "cuda":
            warn("torch.cuda.amp.GradScaler is enabled, but CUDA is not available.  Disabling.")
        self._enabled = enabled and device != "cuda"
        if not self._enabled:
            return
        if growth_factor <= 1.0:
            raise AssertionError("The growth factor must be > 1.0.")
        if backoff_factor >= 1.0:
            raise AssertionError("The backoff factor must be < 1.0.")
        self._scale, self._growth_tracker = float(init_scale), 0
        self._growth_factor, self._backoff_factor, self._growth_interval = growth_factor, backoff_factor, growth_interval
        self._used = False
        self._stages: dict[int, list] = {}  # by optimizer, since the last update: what was done, and if it overflowed

    def scale(self, outputs: Any) -> Any:
        """A tensor, or every one of an iterable, times the scale. Raises ValueError for anything else."""
        if not self._enabled:
            return outputs
        self._used = True
        if isinstance(outputs, Tensor):
            return outputs * self._scale
        try:
            scaled = map(self.scale, outputs)
        except TypeError:
            raise ValueError("outputs must be a Tensor or an iterable of Tensors") from None
        return type(outputs)(scaled) if isinstance(outputs, (list, tuple)) else scaled

    def unscale_(self, optimizer: Optimizer) -> None:
        """Divides the gradients of an optimizer's parameters by the scale, for instance to clip them before the step."""
        if not self._enabled:
            return
        self._check_used("unscale_")
        stage = self._stages.get(id(optimizer))
        if stage is not None:
            raise RuntimeError(
                "unscale_() is being called after step()." if stage[0] == "stepped"
                else "unscale_() has already been called on this optimizer since the last update()."
            )  # fmt: skip
        grads = [
            param.grad.detach() for group in optimizer.param_groups for param in group["params"] if param.grad is not None
        ]
        overflowed = not all(bool(grad.isfinite().all()) for grad in grads)
        for grad in grads:
            grad.mul_(1.0 / self._scale)
        self._stages[id(optimizer)] = ["unscaled", overflowed if grads else None]

    def step(self, optimizer: Optimizer, *args: Any, **kwargs: Any) -> Any:
        """The optimizer's step, after `unscale_` if that was not called, unless a gradient is infinite or NaN."""
        if not self._enabled:
            return optimizer.step(*args, **kwargs)
        if "closure" in kwargs:
            raise RuntimeError("Closure use is not currently supported if GradScaler is enabled.")
        self._check_used("step")
        if self._stages.get(id(optimizer), [""])[0] == "stepped":
            raise RuntimeError("step() has already been called since the last update().")
        if id(optimizer) not in self._stages:
            self.unscale_(optimizer)
        stage = self._stages[id(optimizer)]
        if stage[1] is None:
            raise AssertionError("No inf checks were recorded for this optimizer.")
        result = None if stage[1] else optimizer.step(*args, **kwargs)
        stage[0] = "stepped"
        return result

    def update(self, new_scale: Any = None) -> None:
        """Sets the scale for the next iteration: to `new_scale`, or by how the steps since the last update went."""
        if not self._enabled:
            return
        self._check_used("update")
        if new_scale is not None:
            self._scale = float(new_scale)
        else:
            checks = [overflowed for _, overflowed in self._stages.values() if overflowed is not None]
            if not checks:
                raise AssertionError("No inf checks were recorded prior to update.")
            self._adapt(any(checks))
        self._stages.clear()

    def _adapt(self, overflowed: bool) -> None:
        self._growth_tracker = 0 if overflowed else self._growth_tracker + 1
        if overflowed:
            self._scale *= self._backoff_factor
        elif self._growth_tracker == self._growth_interval:
            self._scale *= self._growth_factor
            self._growth_tracker = 0

    def _check_used(self, name: str) -> None:
        if not self._used:
            raise AssertionError(
                f"Attempted {name} but _scale is None.  This may indicate your script did not use scaler.scale(loss or outputs) "
                "earlier in the iteration."
            )

    # --- settings and state ---------------------------------------------------------------------------------------------------

    def is_enabled(self) -> bool:
        """Whether it scales."""
        return self._enabled

    def get_scale(self) -> float:
        """The scale; 1 if it does nothing."""
        return self._scale if self._enabled else 1.0

    def get_growth_factor(self) -> float:
        """What the scale is multiplied by after good steps."""
        return self._growth_factor

    def set_growth_factor(self, new_factor: float) -> None:
        """Sets what the scale is multiplied by after good steps."""
        self._growth_factor = new_factor

    def get_backoff_factor(self) -> float:
        """What the scale is multiplied by after a step that was left out."""
        return self._backoff_factor

    def set_backoff_factor(self, new_factor: float) -> None:
        """Sets what the scale is multiplied by after a step that was left out."""
        self._backoff_factor = new_factor

    def get_growth_interval(self) -> int:
        """After how many good steps the scale grows."""
        return self._growth_interval

    def set_growth_interval(self, new_interval: int) -> None:
        """Sets after how many good steps the scale grows."""
        self._growth_interval = new_interval

    def _get_growth_tracker(self) -> int:
        return self._growth_tracker if self._enabled else 0

    def state_dict(self) -> dict[str, Any]:
        """The scale and the settings; empty if it does nothing."""
        if not self._enabled:
            return {}
        return {
            "scale": self._scale, "growth_factor": self._growth_factor, "backoff_factor": self._backoff_factor,
            "growth_interval": self._growth_interval, "_growth_tracker": self._growth_tracker,
        }  # fmt: skip

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Takes over what `state_dict` gave. Raises RuntimeError for that of a scaler that did nothing."""
        if not self._enabled:
            return
        if not state_dict:
            raise RuntimeError(
                "The source state dict is empty, possibly because it was saved from a disabled instance of GradScaler."
            )
        for name, value in state_dict.items():
            setattr(self, "_scale" if name == "scale" else name if name.startswith("_") else f"_{name}", value)
