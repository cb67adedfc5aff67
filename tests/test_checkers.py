"""The checkers are checked: each must find a planted fault, and pass what is right."""

from __future__ import annotations

import importlib
import warnings
from typing import Any

import numpy as np
import pytest
from check_cases import PROGRAMS
from checkers import TIGHT, check_gradients, check_inplace, check_out
from op_cases import Case, cases

import rushlight as torch
from rushlight.autograd import gradcheck, gradgradcheck
from rushlight.autograd.gradcheck import GradcheckError
from rushlight.ops.kinds import Array, general, registry

test_as_in_pytorch = PROGRAMS.test(torch)


def real(*values: float) -> Any:
    return torch.tensor(values or (0.7, -1.2, 2.0), dtype=torch.float64, requires_grad=True)


def complex_input() -> Any:
    return torch.tensor([0.5 + 1.0j, -1.0 + 0.3j], dtype=torch.complex128, requires_grad=True)


def function_with(forward: Any, derivative: Any) -> Any:
    """A function whose derivative is `derivative(x)`, right or wrong."""

    class Planted(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return forward(x)

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            (x,) = ctx.saved_tensors
            return g * derivative(x)

    return Planted.apply


square = function_with(lambda x: x * x, lambda x: 2 * x)
wrong_square = function_with(lambda x: x * x, lambda x: 2.001 * x)
very_wrong_square = function_with(lambda x: x * x, lambda x: 2.1 * x)
conjugated_square = function_with(lambda z: z * z, lambda z: (2 * z).conj())
wrong_second = function_with(lambda x: x**3, lambda x: 3 * wrong_square(x))


@pytest.mark.parametrize("fast_mode", [False, True])
class TestGradcheck:
    def test_right_derivatives_pass(self, fast_mode: bool) -> None:
        assert gradcheck(square, real(), fast_mode=fast_mode, **TIGHT)
        assert gradgradcheck(lambda x: x**3, real(), fast_mode=fast_mode, **TIGHT)
        assert gradcheck(conjugated_square, complex_input(), fast_mode=fast_mode, **TIGHT)

    def test_derivative_of_2_001_instead_of_2_fails(self, fast_mode: bool) -> None:
        with pytest.raises(GradcheckError, match="Jacobian mismatch for output 0 with respect to input 0"):
            gradcheck(wrong_square, real(), fast_mode=fast_mode, **TIGHT)

    def test_wrong_second_derivative_fails(self, fast_mode: bool) -> None:
        forgetful = function_with(lambda x: x**3, lambda x: 3 * x * x.detach())
        for right_at_first in (wrong_second, forgetful):
            assert gradcheck(right_at_first, real(), fast_mode=fast_mode, **TIGHT)
            with pytest.raises(GradcheckError, match="Jacobian mismatch"):
                gradgradcheck(right_at_first, real(), fast_mode=fast_mode, **TIGHT)

    def test_missing_conjugate_fails(self, fast_mode: bool) -> None:
        with pytest.raises(GradcheckError, match="considering the imaginary part of complex outputs only, Jacobian"):
            gradcheck(square, complex_input(), fast_mode=fast_mode, **TIGHT)

    def test_wrong_derivative_of_one_of_several_fails(self, fast_mode: bool) -> None:
        with pytest.raises(GradcheckError, match="Jacobian mismatch for output 1 with respect to input 2,"):
            gradcheck(lambda x, n, y: (x * y, very_wrong_square(y)), (real(), 3, real()), fast_mode=fast_mode)


@pytest.mark.parametrize("fast_mode", [False, True])
def test_forward_mode_is_checked(fast_mode: bool) -> None:
    options = {"check_forward_ad": True, "fast_mode": fast_mode, **TIGHT}
    assert gradcheck(lambda x, y: (x * y, x.sin()), (real(), real()), **options)
    assert gradcheck(lambda z: z * z.conj(), complex_input(), **options)
    assert gradgradcheck(lambda x: x**3, real(), check_fwd_over_rev=True, fast_mode=fast_mode, **TIGHT)
    options["check_backward_ad"] = False

    @general(lambda g, x: g * x * 2.001)
    def planted(input: Array) -> Any:
        return input * input

    del registry["planted"]
    with pytest.raises(GradcheckError, match="Jacobian computed with forward mode mismatch for output 0"):
        gradcheck(planted, real(), **options)
    with pytest.raises(GradcheckError, match="part of complex inputs only, Jacobian computed with forward"):
        gradcheck(planted, complex_input(), **options)


def test_message_shows_both_jacobians() -> None:
    with pytest.raises(GradcheckError) as raised:
        gradcheck(very_wrong_square, real(1.0, 2.0))
    assert str(raised.value) == (
        "Jacobian mismatch for output 0 with respect to input 0,\n"
        "numerical:tensor([[2.0000, 0.0000],\n        [0.0000, 4.0000]], dtype=torch.float64)\n"
        "analytical:tensor([[2.1000, 0.0000],\n        [0.0000, 4.2000]], dtype=torch.float64)\n"
    )


def test_without_exception_the_answer_is_false() -> None:
    assert gradcheck(very_wrong_square, real(), raise_exception=False) is False


def test_default_tolerances_are_pytorchs() -> None:
    assert gradcheck(wrong_square, real())
    assert not gradcheck(very_wrong_square, real(), raise_exception=False)
    assert gradcheck(very_wrong_square, real(), rtol=0.1)


def test_error_is_a_runtime_error() -> None:
    assert issubclass(GradcheckError, RuntimeError)


def test_gradient_that_does_not_scale_with_the_cotangent_fails() -> None:
    class Constant(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x * 2

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return 2 * g + 1e-7

    with pytest.raises(GradcheckError, match="backward not multiplied by grad_output"):
        gradcheck(Constant.apply, real())


def test_gradient_that_changes_from_run_to_run_fails() -> None:
    noise = iter(range(1, 10_000))
    random = function_with(lambda x: x * 2, lambda x: 2 + next(noise) * 1e-9)
    with pytest.raises(GradcheckError, match="Backward is not reentrant"):
        gradcheck(random, real())
    assert gradcheck(random, real(), nondet_tol=1e-4)


def test_dependence_that_gradients_do_not_see_fails() -> None:
    with pytest.raises(GradcheckError, match="Numerical gradient for function expected to be zero"):
        gradcheck(lambda x: x.detach() * 1, real())
    assert gradcheck(lambda x: (x.detach() > 0), real())


def test_inputs_that_cannot_be_checked() -> None:
    with pytest.raises(ValueError, match="expects at least one input tensor to require gradient"):
        gradcheck(square, real().detach())
    with pytest.raises(RuntimeError, match="has a dimension with stride 0"):
        gradcheck(square, real(1.0).detach().expand(3).requires_grad_())
    with pytest.warns(UserWarning, match="Input #0 requires gradient and is not a double precision"):
        gradcheck(lambda x: x * 2, torch.ones(2, requires_grad=True), eps=1e-2, atol=1e-2)


def test_inputs_are_left_as_they_were() -> None:
    x = real()
    before = x.tolist()
    gradcheck(square, x)
    gradcheck(very_wrong_square, x, raise_exception=False)
    assert x.tolist() == before
    assert x.grad is None and x._version == 0


@pytest.mark.parametrize("shape", [(), (0,), (2, 0), (1, 1)])
def test_shapes(shape: tuple) -> None:
    x = torch.ones(shape, dtype=torch.float64, requires_grad=True)
    assert gradcheck(square, x)
    assert gradgradcheck(lambda x: x**3, x)


def test_further_conditions() -> None:
    assert gradcheck(lambda x: x.unbind(), real(), check_grad_dtypes=True, check_batched_grad=True)
    assert gradcheck(lambda x, y: (x * y, x.sum()), (real(), real()), check_batched_grad=True)
    with pytest.raises(AssertionError, match="at least one of check_forward_ad or check_backward_ad"):
        gradcheck(square, real(), check_backward_ad=False)


def test_real_function_of_a_complex_input_and_the_other_way_round() -> None:
    assert gradcheck(lambda z: (z.abs(), z.real, z.imag), complex_input())
    assert gradgradcheck(lambda z: z.abs(), complex_input())
    assert gradcheck(lambda x: torch.complex(x, x * x), real())


def test_given_cotangents_of_second_order() -> None:
    assert gradgradcheck(lambda x: x**3, real(), torch.ones(3, dtype=torch.float64))
    assert gradgradcheck(lambda x: x**3, real(), gen_non_contig_grad_outputs=True)


def test_module_and_function_share_a_name() -> None:
    module = importlib.import_module("rushlight.autograd.gradcheck")
    assert module.GradcheckError is GradcheckError
    assert module(square, real())
    assert torch.autograd.gradcheck(square, real())


# --- the checkers of the systematic tests ---------------------------------------------------------------------------


def case(name: str) -> Case:
    return cases(registry[name])[0]


def test_check_gradients_finds_a_wrong_rule() -> None:
    check_gradients(case("square"), "float64")
    with pytest.raises(GradcheckError):
        check_gradients(case("square"), "float64", function=wrong_square)
    with pytest.raises(GradcheckError):
        forgetful = function_with(lambda x: x * x, lambda x: 2 * x.detach())
        check_gradients(case("square"), "float64", second=True, function=forgetful)


def test_check_inplace_finds_other_values_and_other_gradients() -> None:
    check_inplace(case("exp"))

    def other_values(x: Any) -> Any:
        x.exp_().data.mul_(1.0001)
        return x

    def no_gradient(x: Any) -> Any:
        with torch.no_grad():
            return x.exp_()

    def not_in_place(x: Any) -> Any:
        return x.exp()

    for form in (other_values, no_gradient, not_in_place):
        with pytest.raises(AssertionError):
            check_inplace(case("exp"), form)


def test_check_out_finds_what_is_not_written() -> None:
    check_out(case("exp"))

    def ignores_out(x: Any, out: Any) -> Any:
        return x.exp()

    def writes_something_else(x: Any, out: Any) -> Any:
        return torch.sin(x, out=out)

    for function in (ignores_out, writes_something_else):
        with pytest.raises(AssertionError):
            check_out(case("exp"), function)


def test_seeded_inputs_are_the_same_every_time() -> None:
    from op_cases import arrays

    first, again = arrays(case("mul")), arrays(case("mul"))
    for one, other in zip(first[0], again[0], strict=True):
        np.testing.assert_array_equal(one, other)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not np.array_equal(first[0][0], arrays(case("add"))[0][0])
