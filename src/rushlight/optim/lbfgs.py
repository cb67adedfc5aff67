"""L-BFGS, with a strong-Wolfe line search."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..arrays.basic import as_array
from ..autograd.modes import enable_grad, no_grad
from ..tensor import Tensor, wrap
from ._line_search import strong_wolfe
from .optimizer import Optimizer, check_options, note_changes

if TYPE_CHECKING:
    from collections.abc import Callable

    from .optimizer import ParamsT


class LBFGS(Optimizer):
    """Limited-memory BFGS (Nocedal and Wright, 2006, chapter 7): quasi-Newton steps from the last `history_size` of
    them.

    A step runs up to `max_iter` iterations and `max_eval` evaluations (None: 1.25 times as many), until the largest
    gradient is under `tolerance_grad` or the change under `tolerance_change`. `line_search_fn` is None (steps of `lr`)
    or "strong_wolfe". There is one group of parameters. Raises ValueError for several.
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        check_options(lr=lr)
        defaults = {
            "lr": lr, "max_iter": max_iter, "max_eval": max_iter * 5 // 4 if max_eval is None else max_eval,
            "tolerance_grad": tolerance_grad, "tolerance_change": tolerance_change, "history_size": history_size,
            "line_search_fn": line_search_fn,
        }  # fmt: skip
        super().__init__(params, defaults)
        if len(self.param_groups) != 1:
            raise ValueError("LBFGS doesn't support per-parameter options (parameter groups)")
        self._params = self.param_groups[0]["params"]

    def __setstate__(self, saved: dict[str, Any]) -> None:
        super().__setstate__(saved)
        self._params = self.param_groups[0]["params"]

    # --- the parameters as one vector (complex numbers as pairs of real ones) ----------------------------------------

    def _gradient(self) -> Any:
        return np.concatenate([vector(p._array * 0 if p._grad is None else p._grad._array) for p in self._params])

    def _move(self, length: float, direction: Any) -> None:
        note_changes(self._params)
        start = 0
        for param in self._params:
            array = param._array
            end = start + array.size * (2 if array.dtype.kind == "c" else 1)
            part = direction[start:end]
            array += length * (part.view(array.dtype) if array.dtype.kind == "c" else part).reshape(array.shape)
            start = end

    def _place(self, values: list[Any]) -> None:
        note_changes(self._params)
        for param, value in zip(self._params, values, strict=True):
            np.copyto(param._array, value)

    # --- a step ------------------------------------------------------------------------------------------------------

    @no_grad()
    def step(self, closure: Callable[[], Any]) -> Any:  # type: ignore[override]
        """Minimises further, evaluating `closure` (which clears the gradients, computes the loss and its gradients) as
        often as needed.

        Returns the first loss.
        """

        def evaluate() -> Any:
            with enable_grad():
                return closure()

        group = self.param_groups[0]
        state = self.state[self._params[0]]
        state.setdefault("func_evals", 0)
        state.setdefault("n_iter", 0)
        first_loss = evaluate()
        loss, evaluations = float(first_loss), 1
        state["func_evals"] += 1
        gradient = self._gradient()
        if np.max(np.abs(gradient)) <= group["tolerance_grad"]:
            return first_loss
        memory = _Memory(state, group["history_size"])
        lr, iterations = float(group["lr"]), 0
        while iterations < group["max_iter"]:
            iterations += 1
            state["n_iter"] += 1
            direction = memory.direction(gradient, state["n_iter"] == 1)
            previous_loss = loss
            length = min(1.0, 1.0 / float(np.sum(np.abs(gradient)))) * lr if state["n_iter"] == 1 else lr
            slope = float(gradient @ direction)
            if slope > -group["tolerance_change"]:
                break
            used = 0
            if group["line_search_fn"] is not None:
                if group["line_search_fn"] != "strong_wolfe":
                    raise RuntimeError("only 'strong_wolfe' is supported")
                start = [param._array.copy() for param in self._params]

                def at(length: float, along: Any = direction, start: list = start) -> tuple[float, Any]:
                    self._move(length, along)
                    found = float(evaluate()), self._gradient()
                    self._place(start)
                    return found

                loss, gradient, length, used = strong_wolfe(at, length, direction, loss, gradient, slope)
                self._move(length, direction)
            else:
                self._move(length, direction)
                if iterations != group["max_iter"]:
                    loss, gradient, used = float(evaluate()), self._gradient(), 1
            memory.length = length
            evaluations += used
            state["func_evals"] += used
            if (
                evaluations >= group["max_eval"]
                or np.max(np.abs(gradient)) <= group["tolerance_grad"]
                or np.max(np.abs(direction * length)) <= group["tolerance_change"]
                or abs(loss - previous_loss) < group["tolerance_change"]
            ):
                break
        memory.save(previous_loss)
        return first_loss


class _Memory:
    """The differences of the last iterations, kept between steps in the state, and the direction that they give."""

    def __init__(self, state: dict[str, Any], size: int) -> None:
        self.state, self.size = state, size

        def arrays(name: str) -> list[Any]:
            return [tensor._array for tensor in state.get(name) or ()]

        self.changes, self.steps, self.weights = (
            arrays("old_dirs"),
            arrays("old_stps"),
            [float(r) for r in state.get("ro") or ()],
        )
        self.last: Any = state["d"]._array if "d" in state else None
        self.previous: Any = state["prev_flat_grad"]._array if state.get("prev_flat_grad") is not None else None
        self.scale = float(state["H_diag"]) if "H_diag" in state else 1.0
        self.length: Any = state.get("t")
        self.products: list[Any] = []

    def direction(self, gradient: Any, first: bool) -> Any:
        """Minus the inverse Hessian's estimate times the gradient, by the two-loop recursion."""
        if first:
            self.changes, self.steps, self.weights, self.scale = [], [], [], 1.0
            result = -gradient
        else:
            change, step = gradient - self.previous, self.last * float(self.length)
            curvature = float(change @ step)
            if curvature > 1e-10:  # otherwise the estimate would lose its definiteness
                for kept in (self.changes, self.steps, self.weights):
                    if len(kept) == self.size:
                        del kept[0]
                self.changes.append(change)
                self.steps.append(step)
                self.weights.append(1.0 / curvature)
                self.scale = curvature / float(change @ change)
            result, products = -gradient, []
            for change, step, weight in zip(self.changes[::-1], self.steps[::-1], self.weights[::-1], strict=True):
                products.append(float(step @ result) * weight)
                result -= products[-1] * change
            result *= self.scale
            self.products = products[::-1]
            for change, step, weight, product in zip(
                self.changes, self.steps, self.weights, self.products, strict=True
            ):
                result += step * (product - float(change @ result) * weight)
        self.last, self.previous = result, gradient.copy()
        return result

    def save(self, previous_loss: float) -> None:
        """Puts everything into the state, as tensors."""

        def scalar(value: float) -> Tensor:
            return wrap(as_array(np.array(value, self.last.dtype)))

        recorded = [scalar(product) for product in self.products]
        self.state.update(
            d=wrap(self.last),
            t=self.length,
            old_dirs=[wrap(change) for change in self.changes],
            old_stps=[wrap(step) for step in self.steps],
            ro=[scalar(weight) for weight in self.weights],
            H_diag=scalar(self.scale) if self.changes else 1,
            prev_flat_grad=wrap(self.previous),
            prev_loss=previous_loss,
        )
        if recorded:
            self.state["al"] = recorded + [None] * (self.size - len(recorded))


def vector(array: Any) -> Any:
    """An array's elements in a row, complex numbers as pairs of real ones."""
    flat = array.reshape(-1)
    return flat.view(flat.real.dtype) if flat.dtype.kind == "c" else flat
