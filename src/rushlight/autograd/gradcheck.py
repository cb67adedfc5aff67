"""Gradients checked against finite differences.

A derivative is compared with the central difference (f(x + eps d) - f(x - eps d)) / (2 eps): along every coordinate d
and for every element of the result, or in fast mode along one random direction and for one random weighting.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from ..arrays.memory import overlaps_itself
from ..tensor import Tensor, wrap
from ..warning import warn
from .gradients import grad

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class GradcheckError(RuntimeError):
    """A derivative that finite differences do not confirm."""


def gradcheck(
    func: Callable,
    inputs: Tensor | Sequence,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_batched_forward_grad: bool = False,
    check_forward_ad: bool = False,
    check_backward_ad: bool = True,
    fast_mode: bool = False,
    masked: bool | None = None,
) -> bool:
    """Compares the gradients of `func(*inputs)` with finite differences; True when they agree.

    They agree within `atol + rtol * |numerical|`. Inputs that require grad should be of double precision. For a complex
    input the gradient of a real result u is du/dRe + i du/dIm; a complex result is taken as its real and its imaginary
    part. `masked` matters for sparse tensors only.

    Raises GradcheckError where they disagree (returns False unless `raise_exception`), and ValueError when no input
    requires grad.
    """
    if not check_forward_ad and not check_backward_ad:
        raise AssertionError("Expected at least one of check_forward_ad or check_backward_ad to be True")
    if check_batched_grad and not check_backward_ad:
        raise AssertionError("Setting check_batched_grad=True requires check_backward_ad to be True")
    if check_batched_forward_grad and not check_forward_ad:
        raise AssertionError("Setting check_batched_forward_grad=True requires check_forward_ad to be True")
    inputs = as_tuple(inputs)
    check_inputs(inputs)
    check = Check(func, inputs, eps, atol, rtol)
    try:
        if check_backward_ad:
            check.compare(check.backward_jacobians, fast_mode, nondet_tol)
            check.check_zero_cotangents(check_grad_dtypes)
            if check_undefined_grad:
                check.check_undefined_cotangents()
            if check_batched_grad:
                check.check_batched_cotangents()
        if check_forward_ad:
            check.compare(check.forward_jacobians, fast_mode, nondet_tol)
            if check_batched_forward_grad:
                check.check_batched_tangents()
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def gradgradcheck(
    func: Callable,
    inputs: Tensor | Sequence,
    grad_outputs: Tensor | Sequence | None = None,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    gen_non_contig_grad_outputs: bool = False,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_fwd_over_rev: bool = False,
    check_rev_over_rev: bool = True,
    fast_mode: bool = False,
    masked: bool = False,
) -> bool:
    """Compares second derivatives with finite differences of the first: `gradcheck` of the gradients of `func`.

    `grad_outputs` are the cotangents at which to check (and with respect to which the gradients are differentiated too,
    where they require grad); by default random ones. The rest is as for `gradcheck`.
    """
    if not check_fwd_over_rev and not check_rev_over_rev:
        raise AssertionError("Expected at least one of check_fwd_over_rev or check_rev_over_rev to be True")
    for name, wanted in (("check_undefined_grad", check_undefined_grad), ("check_batched_grad", check_batched_grad)):
        if wanted and not check_rev_over_rev:
            raise AssertionError(f"Setting {name}=True requires check_rev_over_rev to be True")
    inputs = as_tuple(inputs)
    check_inputs(inputs)
    outputs = differentiable(func(*inputs))
    if grad_outputs is None:
        grad_outputs = [random_like(output, gen_non_contig_grad_outputs).requires_grad_() for output in outputs]
    count = len(inputs)

    def gradients(*args: Any) -> tuple:
        given, cotangents = args[:count], args[count:]
        results = differentiable(func(*given))
        wanted = [one for one in given if requires_grad(one)]
        if not results:
            return ()
        found = grad(results, wanted, cotangents, create_graph=True, allow_unused=True)
        return tuple(one for one in found if one is not None)

    return gradcheck(
        gradients,
        inputs + as_tuple(grad_outputs),
        eps=eps,
        atol=atol,
        rtol=rtol,
        raise_exception=raise_exception,
        nondet_tol=nondet_tol,
        check_undefined_grad=check_undefined_grad,
        check_grad_dtypes=check_grad_dtypes,
        check_batched_grad=check_batched_grad,
        check_forward_ad=check_fwd_over_rev,
        check_backward_ad=check_rev_over_rev,
        fast_mode=fast_mode,
        masked=masked,
    )


# --- the comparison ---------------------------------------------------------------------------------------------------


class Check:
    """One function at one point: its finite differences, its derivatives, and what both must fulfil."""

    def __init__(self, func: Callable, inputs: tuple, eps: float, atol: float, rtol: float) -> None:
        self.func, self.inputs, self.eps, self.atol, self.rtol = func, inputs, eps, atol, rtol
        self.numbers = [number for number, one in enumerate(inputs) if requires_grad(one)]
        self.wanted = [inputs[number] for number in self.numbers]
        results = as_tuple(func(*inputs))
        self.places = [place for place, one in enumerate(results) if one.requires_grad]
        self.outputs = [results[place] for place in self.places]
        if not self.outputs:
            self.places = [place for place, one in enumerate(results) if one._array.dtype.kind in "fc"]

    def compare(self, jacobians: Callable, fast: bool, nondet_tol: float) -> None:
        """Raises unless differences and derivatives agree, and derivatives agree with those of a second run."""
        for title, (numerical, analytical, again, tolerance) in jacobians(fast).items():
            if not np.all(np.abs(analytical - numerical) <= tolerance):
                if fast:
                    raise GradcheckError(fast_message(title, numerical, analytical, *jacobians(False)[title]))
                raise GradcheckError(slow_message(title, numerical, analytical))
            if not np.all(np.abs(analytical - again) <= nondet_tol):
                raise GradcheckError(f"{NOT_REENTRANT}The tolerance for nondeterminism was {nondet_tol}.")

    def measure(self, fast: bool) -> tuple[list, list, list]:
        """Directions in the inputs' spaces, weightings of the outputs, and the differences along the directions.

        Both are the coordinate axes, or in fast mode a random one of each.
        """
        axes = unit_vectors if fast else np.eye
        directions = [axes(one.numel()) for one in self.wanted]
        weights = [axes(one.numel()) for one in self.outputs]
        numerical = [self.differences(one, rows) for one, rows in zip(self.wanted, directions, strict=True)]
        slopes = (slope for along in numerical for part in along for slope in part)
        if not self.outputs and any(np.any(np.abs(slope) > self.atol) for slope in slopes):
            raise GradcheckError("Numerical gradient for function expected to be zero")
        return directions, weights, numerical

    def backward_jacobians(self, fast: bool) -> dict[str, tuple]:
        """Per part of an output and input: differences, derivatives, derivatives again, and the tolerance.

        Rows go along directions, columns along weightings.
        """
        directions, weights, numerical = self.measure(fast)
        found = {}
        for k, output in enumerate(self.outputs):
            for part, unit, take in PARTS if output.is_complex() else REAL:
                first, second = (self.derivatives(output, weights[k] * unit, directions) for _ in range(2))
                for i, one in enumerate(self.wanted):
                    real, imaginary = (take(along[k]) for along in numerical[i])
                    expected = (real + 1j * imaginary if one.is_complex() else real) @ weights[k].T
                    tolerance = self.tolerance(directions[i], weights[k], expected)
                    title = f"{part}Jacobian mismatch for output {k} with respect to input {self.numbers[i]},"
                    found[title] = expected.astype(one._array.dtype), first[i], second[i], tolerance
        return found

    def forward_jacobians(self, fast: bool) -> dict[str, tuple]:
        """The same with derivatives by forward mode; of a complex input the real and the imaginary direction apart."""
        directions, weights, numerical = self.measure(fast)
        found = {}
        for i, one in enumerate(self.wanted):
            parts = INPUT_PARTS if one.is_complex() else REAL_INPUT
            for (part, unit), slopes in zip(parts, numerical[i], strict=False):
                pushed = self.pushed(one, directions[i] * unit)
                for k in range(len(self.outputs)):
                    expected, result = slopes[k] @ weights[k].T, pushed[k] @ weights[k].T
                    tolerance = self.tolerance(directions[i], weights[k], expected)
                    title = f"{part}Jacobian computed with forward mode mismatch for output {k} with respect to input "
                    found[f"{title}{self.numbers[i]},"] = expected, result, result, tolerance
        return found

    def pushed(self, one: Tensor, directions: Any) -> list:
        """Per output, the tangents (rows) that come of tangents of an input."""
        from .forward_ad import dual_level, make_dual, unpack_dual

        found = [np.zeros((len(directions), output.numel()), output._array.dtype) for output in self.outputs]
        for row, direction in enumerate(directions):
            with dual_level():
                dual = make_dual(one, wrap(direction.reshape(one._array.shape).astype(one._array.dtype)))
                results = as_tuple(self.func(*(dual if given is one else given for given in self.inputs)))
                tangents = [unpack_dual(results[place]).tangent for place in self.places[: len(self.outputs)]]
            for matrix, tangent in zip(found, tangents, strict=True):
                if tangent is not None:
                    matrix[row] = tangent._array.reshape(-1)
        return found

    def tolerance(self, directions: Any, weights: Any, expected: Any) -> Any:
        """How far each entry may be off; `atol` is meant for coordinate axes."""
        scale = np.abs(directions).sum(1)[:, None] * np.abs(weights).sum(1)
        return self.atol * scale + self.rtol * np.abs(expected)

    def differences(self, one: Tensor, directions: Any) -> tuple[list, list]:
        """Per output, the finite differences along the directions, and along i times them for a complex input."""
        along = self._differences(one, directions)
        return along, self._differences(one, directions * 1j) if one.is_complex() else along

    def _differences(self, one: Tensor, directions: Any) -> list:
        array = one._array
        start = array.copy()
        rows = []
        try:
            for direction in directions:
                step = (direction * self.eps).reshape(array.shape).astype(array.dtype)
                np.add(start, step, out=array)
                above = self.values()
                np.subtract(start, step, out=array)
                below = self.values()
                rows.append([(high - low) / (2 * self.eps) for high, low in zip(above, below, strict=True)])
        finally:
            array[...] = start
        return [np.array([row[k] for row in rows]) for k in range(len(self.places))] if rows else self.nothing()

    def values(self) -> list:
        """The outputs at the inputs' present values, flat."""
        results = as_tuple(self.func(*self.inputs))
        return [results[place]._array.reshape(-1).copy() for place in self.places]

    def nothing(self) -> list:
        """The differences with respect to an input without elements."""
        return [np.zeros((0, len(value))) for value in self.values()]

    def derivatives(self, output: Tensor, weights: Any, directions: list) -> list:
        """Per input, the derivatives along the directions (rows) of each weighting of an output (columns)."""
        array = output._array
        gradients = [np.zeros((len(weights), one._array.size), one._array.dtype) for one in self.wanted]
        for row, weight in enumerate(weights):
            cotangent = wrap(weight.reshape(array.shape).astype(array.dtype))
            found = grad(output, self.wanted, cotangent, retain_graph=True, allow_unused=True)
            for matrix, one in zip(gradients, found, strict=True):
                if one is not None:
                    matrix[row] = one._array.reshape(-1)
        pairs = zip(directions, gradients, strict=True)
        return [(rows @ matrix.T).astype(matrix.dtype, copy=False) for rows, matrix in pairs]

    # --- further conditions -------------------------------------------------------------------------------------------

    def check_zero_cotangents(self, check_types: bool) -> None:
        """Raises unless zero cotangents give gradients of zero, in the inputs' types."""
        if not self.outputs:
            return
        zeros = [wrap(np.zeros_like(one._array)) for one in self.outputs]
        found = grad(self.outputs, self.wanted, zeros, retain_graph=True, allow_unused=True)
        for one, result in zip(self.wanted, found, strict=True):
            if result is None:
                continue
            if np.any(result._array):
                raise GradcheckError("backward not multiplied by grad_output")
            if check_types and result.dtype is not one.dtype:
                raise GradcheckError(f"Gradient has dtype mismatch: {result.dtype} for an input of {one.dtype}")

    def check_undefined_cotangents(self) -> None:
        """Raises unless outputs that take no part add nothing: each is left out in turn, the others get zeros."""
        for left_out in range(len(self.outputs) if len(self.outputs) > 1 else 0):
            rest = [one for number, one in enumerate(self.outputs) if number != left_out]
            zeros = [wrap(np.zeros_like(one._array)) for one in rest]
            for result in grad(rest, self.wanted, zeros, retain_graph=True, allow_unused=True):
                if result is not None and np.any(result._array):
                    warn(UNDEFINED)
                    raise GradcheckError(
                        "Expected all input grads to be undefined or zero when all output grads are undefined or zero."
                    )

    def check_batched_cotangents(self) -> None:
        """Raises unless a batch of cotangents gives what they give one by one."""
        for k, output in enumerate(self.outputs):
            rows = [random_like(output, seed=seed) for seed in range(2)]
            batch = wrap(np.stack([row._array for row in rows]))
            try:
                together = grad(output, self.wanted, batch, retain_graph=True, allow_unused=True, is_grads_batched=True)
            except RuntimeError as error:
                raise GradcheckError(f"While computing batched gradients, got: {error}\n\n{BATCHED}") from error
            singly = [grad(output, self.wanted, row, retain_graph=True, allow_unused=True) for row in rows]
            for i, result in enumerate(together):
                if result is not None:
                    where = f"For output {k} and input {self.numbers[i]}: a batch of cotangents gives other gradients"
                    self.compare_batch(result, [one[i] for one in singly], f"{where} than one by one.\n{BATCHED}")

    def check_batched_tangents(self) -> None:
        """Raises unless a batch of tangents gives what they give one by one."""
        from ..func.vmap import vmap
        from .forward_ad import dual_level, make_dual, unpack_dual

        for one, number in zip(self.wanted, self.numbers, strict=True):

            def pushed(direction: Tensor, one: Tensor = one) -> tuple:
                with dual_level():
                    dual = make_dual(one.detach(), direction)
                    results = as_tuple(self.func(*(dual if given is one else given for given in self.inputs)))
                    duals = [unpack_dual(results[place]) for place in self.places[: len(self.outputs)]]
                    return tuple(dual.primal * 0 if dual.tangent is None else dual.tangent for dual in duals)

            rows = [random_like(one, seed=seed) for seed in range(2)]
            try:
                together = vmap(pushed)(wrap(np.stack([row._array for row in rows])))
            except RuntimeError as error:
                raise GradcheckError(f"While computing batched gradients, got: {error}\n\n{BATCHED_FORWARD}") from error
            singly = [pushed(row) for row in rows]
            for k, result in enumerate(together):
                where = f"For output {k} and input {number}: a batch of tangents gives other derivatives"
                self.compare_batch(result, [row[k] for row in singly], f"{where} than one by one.\n{BATCHED_FORWARD}")

    def compare_batch(self, together: Tensor, singly: list, message: str) -> None:
        """Raises GradcheckError unless a batch of results is what comes one by one."""
        if not np.allclose(together._array, np.stack([one._array for one in singly]), self.rtol, self.atol):
            raise GradcheckError(message)


# --- pieces -----------------------------------------------------------------------------------------------------------

# Parts of a result, each with the cotangent that selects it and how to take it from a difference.
REAL = (("", 1, lambda values: values),)
PARTS = (
    ("While considering the imaginary part of complex outputs only, ", 1j, np.imag),
    ("While considering the real part of complex outputs only, ", 1, np.real),
)

# The directions in an input's space.
REAL_INPUT = (("", 1),)
INPUT_PARTS = (("While considering the real part of complex inputs only, ", 1),
               ("While considering the imaginary part of complex inputs only, ", 1j))  # fmt: skip

BATCHED = (
    "gradcheck or gradgradcheck failed while testing batched gradient computation. The backward pass is not to ask for values of "
    "tensors, and is to treat the examples of a batch alike; check_batched_grad=False leaves this out."
)
BATCHED_FORWARD = (
    "gradcheck failed while testing batched gradient computation with forward-mode AD. A jvp is not to ask for values of tensors, "
    "and is to treat the examples of a batch alike; check_batched_forward_grad=False leaves this out."
)
UNDEFINED = (
    "Backwards compatibility: New undefined gradient support checking feature is enabled by default, but it may break existing "
    "callers of this function. If this is true for you, you can call this function with \"check_undefined_grad=False\" to disable "
    "the feature"
)
NOT_REENTRANT = (
    "Backward is not reentrant, i.e., running backward with same input and grad_output multiple times gives different "
    "values, although analytical gradient matches numerical gradient."
)


def as_tuple(given: Any) -> tuple:
    """One tensor or a sequence of things as a tuple."""
    return tuple(given) if isinstance(given, (tuple, list)) else (given,)


def requires_grad(value: Any) -> bool:
    """Whether a value is a tensor that gradients flow to."""
    return isinstance(value, Tensor) and value.requires_grad


def differentiable(result: Any) -> list:
    """The outputs of a function that have a gradient."""
    return [one for one in as_tuple(result) if one.requires_grad]


def unit_vectors(size: int) -> Any:
    """One random direction, as a matrix with one row."""
    generator = np.random.default_rng(size)
    vector = generator.uniform(0.5, 1.5, size) * generator.choice([-1.0, 1.0], size)
    return (vector / max(np.sqrt(vector @ vector), 1.0))[None, :] if size else np.zeros((0, 0))


def slow_message(title: str, numerical: Any, analytical: Any) -> str:
    """The message of a mismatch: both Jacobians, rows as the input's elements."""
    return f"{title}\nnumerical:{wrap(numerical)}\nanalytical:{wrap(analytical)}\n"


def fast_message(title: str, numerical: Any, analytical: Any, expected: Any, found: Any, *_: Any) -> str:
    """The message of a mismatch in fast mode: the two numbers, and the whole Jacobians."""
    return (
        f"{title}\nnumerical:{numerical.item()}\nanalytical:{analytical.item()}\n\n"
        "The above quantities relating the numerical and analytical jacobians are computed in fast mode. Below, we "
        "recompute numerical and analytical jacobians in slow mode:\n\n"
        f"Numerical:\n {wrap(expected)}\nAnalytical:\n{wrap(found)}\n\n"
        f"The max per-element difference (slow mode) is: {np.abs(expected - found).max()}.\n"
    )


def random_like(model: Tensor, noncontiguous: bool = False, seed: int = 0) -> Tensor:
    """A tensor of the same shape and type with elements between -1 and 1."""
    generator = np.random.default_rng(seed)
    array = model._array
    shape = (*array.shape, 2) if noncontiguous and array.size > 1 else array.shape
    values = generator.uniform(-1, 1, shape)
    if array.dtype.kind == "c":
        values = values + 1j * generator.uniform(-1, 1, shape)
    values = np.asarray(values, array.dtype)
    return wrap(values[..., 0] if len(shape) > array.ndim else values)


def check_inputs(inputs: tuple) -> None:
    """Raises ValueError when no input requires grad, RuntimeError for one whose elements share memory.

    Warns of low precision.
    """
    if not any(requires_grad(one) for one in inputs):
        raise ValueError(
            "gradcheck expects at least one input tensor to require gradient, but none of them have requires_grad=True."
        )
    for number, one in enumerate(inputs):
        if not requires_grad(one):
            continue
        if one._array.dtype not in (np.float64, np.complex128):
            warn(
                f"Input #{number} requires gradient and is not a double precision floating point or complex. This "
                "check will likely fail if all the inputs are not of double precision floating point or complex. "
            )
        if overlaps_itself(one._array):
            raise RuntimeError(
                f"The {number}th input has a dimension with stride 0. gradcheck only supports inputs that are "
                "non-overlapping to be able to compute the numerical gradients correctly. You should call .contiguous "
                "on the input before passing it to gradcheck."
            )


class _CallableModule(ModuleType):
    """Importing this module puts it in the function's place in `autograd`; called, it is the function."""

    def __call__(self, *args: Any, **kwargs: Any) -> bool:
        return gradcheck(*args, **kwargs)


sys.modules[__name__].__class__ = _CallableModule
