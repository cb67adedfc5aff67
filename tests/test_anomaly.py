"""Anomaly detection: where an error in backward comes from, and NaN in gradients."""

from __future__ import annotations

import warnings

import pytest
from anomaly_cases import PROGRAMS

import rushlight as torch
from rushlight.autograd import Function, detect_anomaly, grad, set_detect_anomaly

test_as_in_pytorch = PROGRAMS.test(torch)

pytestmark = pytest.mark.filterwarnings("ignore:Anomaly Detection has been enabled")


def scalar(value: float) -> torch.Tensor:
    return torch.tensor(value, dtype=torch.float64, requires_grad=True)


def root_of(x):
    return torch.sqrt(x)


def messages(function, error=RuntimeError, match="") -> list[str]:
    """The warnings of a call that raises."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with pytest.raises(error, match=match or None):
            function()
    return [str(one.message) for one in caught if one.category is UserWarning and "Anomaly Detection" not in str(one.message)]


def test_nan_is_an_error_with_the_forward_trace() -> None:
    def run():
        with detect_anomaly():
            root_of(scalar(-1.0)).backward()

    (message,) = messages(run, match="Function 'SqrtBackward0' returned nan values in its 0th output.")
    assert message.startswith("Error detected in SqrtBackward0. Traceback of forward call that caused the error:\n")
    assert "in run" in message and "return torch.sqrt(x)" in message and "site-packages/rushlight" not in message


def test_which_output_is_nan() -> None:
    def run():
        a, b = torch.ones(2, requires_grad=True), torch.tensor([0.0, 1.0], requires_grad=True)
        with detect_anomaly():
            (a * 0 / b).sum().backward()

    messages(run, match="Function 'DivBackward0' returned nan values in its 1th output.")


def test_without_a_forward_trace() -> None:
    def run():
        y = root_of(scalar(-1.0))
        with detect_anomaly():
            y.backward()

    (message,) = messages(run)
    assert message.startswith(
        "Error detected in SqrtBackward0. No forward pass information available. Enable detect anomaly during forward "
        "pass for more "
        "information."
    )


def test_nan_need_not_be_checked() -> None:
    x = scalar(-1.0)
    with detect_anomaly(check_nan=False):
        root_of(x).backward()
    assert torch.isnan(x.grad)


def test_nothing_is_checked_outside() -> None:
    x = scalar(-1.0)
    root_of(x).backward()
    assert torch.isnan(x.grad)


class Broken(Function):
    @staticmethod
    def forward(ctx, x):
        return x * 2

    @staticmethod
    def backward(ctx, g):
        raise ValueError("mine")


def test_other_errors_are_explained_too() -> None:
    def of_function():
        with detect_anomaly():
            Broken.apply(scalar(1.0)).backward()

    def of_hook():
        with detect_anomaly():
            y = scalar(1.0) * 2
            y.register_hook(lambda g: 1 / 0)
            y.backward()

    def of_version():
        with detect_anomaly():
            y = scalar(1.0).exp()
            with torch.no_grad():
                y.mul_(2)
            y.backward()

    def of_second_pass():
        with detect_anomaly():
            y = scalar(1.0).exp()
            y.backward()
            y.backward()

    assert messages(of_function, ValueError, "mine")[0].startswith("Error detected in BrokenBackward.")
    assert messages(of_hook, ZeroDivisionError)[0].startswith("Error detected in MulBackward0.")
    assert messages(of_version, match="modified by an inplace operation")[0].startswith("Error detected in ExpBackward0.")
    assert messages(of_second_pass, match="second time")[0].startswith("Error detected in ExpBackward0.")


def test_error_in_a_recorded_pass_names_what_induced_it() -> None:
    def run():
        with detect_anomaly():
            x = scalar(0.0)
            y = x**1.5  # the forward line
            (g,) = grad(y, x, create_graph=True)
            grad(g * 0, x)

    found = messages(run, match="returned nan values")
    assert found[0].startswith("Error detected in PowBackward0.")
    assert "Previous calculation was induced by PowBackward0. Traceback of forward call that induced the previous" in found[1]
    assert "y = x**1.5" in found[1]


def test_trace_is_in_the_metadata() -> None:
    with detect_anomaly():
        y = scalar(1.0) * 2
    assert list(y.grad_fn.metadata) == ["traceback_"]
    assert "y = scalar(1.0) * 2" in y.grad_fn.metadata["traceback_"][-1]
    assert (y * 2).grad_fn.metadata == {}


def state() -> tuple[bool, bool]:
    return torch.is_anomaly_enabled(), torch.is_anomaly_check_nan_enabled()


def test_switching() -> None:
    assert state() == (False, True)
    set_detect_anomaly(True)
    assert state() == (True, True)
    set_detect_anomaly(True, check_nan=False)
    assert state() == (True, False)
    set_detect_anomaly(False)
    assert state() == (False, True)
    with set_detect_anomaly(True, False):
        assert state() == (True, False)
        with detect_anomaly():
            assert state() == (True, True)
        assert state() == (True, False)
    assert state() == (False, True)


def test_entering_warns() -> None:
    with pytest.warns(UserWarning, match="Anomaly Detection has been enabled. This mode"), detect_anomaly():
        pass


def test_passes_give_the_usual_gradients() -> None:
    x = torch.tensor([0.5, 1.5], requires_grad=True)
    with detect_anomaly():
        y = torch.stack([x.exp(), x.sin()]).max(0)[0].sum() + torch.cat([x, x * 2]).prod()
        (found,) = grad(y, x)
    y = torch.stack([x.exp(), x.sin()]).max(0)[0].sum() + torch.cat([x, x * 2]).prod()
    assert torch.equal(found, grad(y, x)[0])
