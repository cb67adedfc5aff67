"""no_grad and its kin, as context managers and as decorators, also in threads; graphs in threads."""

from __future__ import annotations

import threading

import pytest
from mode_cases import PROGRAMS

import rushlight as torch
from rushlight.autograd import grad

test_as_in_pytorch = PROGRAMS.test(torch)


def leaf(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64, requires_grad=True)


def scalar(value: float) -> torch.Tensor:
    return torch.tensor(value, dtype=torch.float64, requires_grad=True)


# --- modes --------------------------------------------------------------------------------------------------------


def test_no_grad_and_enable_grad() -> None:
    x = leaf(1.0)
    with torch.no_grad():
        assert not torch.is_grad_enabled()
        assert not (x * 2).requires_grad
        with torch.enable_grad():
            assert (x * 2).requires_grad
        assert not (x * 2).requires_grad
    assert torch.is_grad_enabled()


@pytest.mark.parametrize("decorate", [torch.no_grad, torch.no_grad()])
def test_no_grad_as_decorator(decorate) -> None:
    @decorate
    def double(x: torch.Tensor) -> torch.Tensor:
        """Twice."""
        return x * 2

    assert not double(leaf(1.0)).requires_grad
    assert (double.__name__, double.__doc__) == ("double", "Twice.")
    assert torch.is_grad_enabled()


def test_no_grad_on_a_generator_holds_only_inside() -> None:
    @torch.no_grad()
    def steps():
        received = yield torch.is_grad_enabled()
        yield received, torch.is_grad_enabled()
        return "end"

    running = steps()
    assert next(running) is False
    assert torch.is_grad_enabled()
    assert running.send("sent") == ("sent", False)
    with pytest.raises(StopIteration, match="end"):
        next(running)
    assert torch.is_grad_enabled()


def test_no_grad_on_a_recursive_function() -> None:
    @torch.no_grad()
    def count(n: int) -> list[bool]:
        return [torch.is_grad_enabled(), *(count(n - 1) if n else [])]

    assert count(3) == [False] * 4
    assert torch.is_grad_enabled()


def test_mode_is_restored_after_an_error() -> None:
    with pytest.raises(ValueError, match="planned"), torch.no_grad():
        raise ValueError("planned")
    assert torch.is_grad_enabled()


def test_set_grad_enabled() -> None:
    with torch.set_grad_enabled(False):
        assert not torch.is_grad_enabled()
    assert torch.is_grad_enabled()
    torch.set_grad_enabled(False)
    assert not torch.is_grad_enabled()
    torch.set_grad_enabled(True)

    @torch.set_grad_enabled(False)
    def inside() -> bool:
        return torch.is_grad_enabled()

    assert torch.is_grad_enabled()
    assert not inside()


def test_inference_mode() -> None:
    x = leaf(1.0)
    with torch.inference_mode():
        assert torch.is_inference_mode_enabled()
        y = x * 2
        y.add_(1)
    assert not y.requires_grad and y.is_inference()
    with pytest.raises(RuntimeError, match="Inplace update to inference tensor outside InferenceMode"):
        y.add_(1)
    assert (x * y.clone()).requires_grad


def test_leaf_may_change_in_place_under_no_grad() -> None:
    x = leaf(1.0)
    with torch.no_grad():
        x.add_(1)
        x -= 0.5
    assert x.is_leaf and x.requires_grad and x.item() == 1.5


# --- threads ------------------------------------------------------------------------------------------------------


def in_threads(function, count: int = 8) -> list:
    results: list = [None] * count
    errors: list = []

    def run(number: int) -> None:
        try:
            results[number] = function(number)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    return results


def test_each_thread_its_own_graph() -> None:
    def work(number: int) -> float:
        x = scalar(float(number))
        for _ in range(50):
            y = x
            for _ in range(20):
                y = y * 1.0 + x
            x.grad = None
            y.backward()
        return x.grad.item()

    assert in_threads(work) == [21.0] * 8


def test_threads_may_share_a_graph() -> None:
    x = leaf(1.0, 2.0)
    shared = (x * x).exp()
    outputs = [(shared * number).sum() for number in range(8)]
    found = in_threads(lambda number: grad(outputs[number], x, retain_graph=True)[0].tolist())
    single = grad(outputs[1], x, retain_graph=True)[0].tolist()
    assert found == [[number * value for value in single] for number in range(8)]


def test_modes_belong_to_their_thread() -> None:
    entered, seen = threading.Event(), threading.Event()
    found = []

    def without_recording() -> None:
        with torch.no_grad():
            entered.set()
            seen.wait(10)
            found.append((leaf(1.0) * 2).requires_grad)

    thread = threading.Thread(target=without_recording)
    thread.start()
    entered.wait(10)
    assert torch.is_grad_enabled()
    assert (leaf(1.0) * 2).requires_grad
    seen.set()
    thread.join()
    assert found == [False]
    with torch.no_grad():
        assert in_threads(lambda _: torch.is_grad_enabled(), 1) == [True]
