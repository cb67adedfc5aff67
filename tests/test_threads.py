"""Many threads at once, over shared and separate graphs; modes are each thread's own; a forked child can differentiate."""

from __future__ import annotations

import os
import random
import signal
import sys
import threading
import time

import numpy as np
import pytest

import rushlight as torch
from rushlight.autograd.modes import state
from rushlight.utils.checkpoint import checkpoint

THREADS = 8
SECONDS = 2.0


def run_in_threads(work, count=THREADS):
    """Runs `work(number)` in threads that start together, and raises the first error."""
    errors: list[BaseException] = []
    barrier = threading.Barrier(count)

    def guarded(number: int) -> None:
        barrier.wait()
        try:
            work(number)
        except BaseException as error:  # noqa: BLE001 - handed to the test
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


@pytest.fixture(autouse=True)
def fast_switching():
    """Threads take turns more often than usual."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


def chain(x, weight, steps):
    for _ in range(steps):
        x = torch.tanh(x @ weight) + x * 0.5
    return x


def test_separate_graphs():
    torch.manual_seed(0)
    inputs = [torch.randn(3, 4, dtype=torch.float64) for _ in range(THREADS)]
    weights = [torch.randn(4, 4, dtype=torch.float64, requires_grad=True) for _ in range(THREADS)]
    expected = [torch.autograd.grad(chain(x, w, 5).sum(), w)[0].numpy() for x, w in zip(inputs, weights, strict=True)]
    end = time.monotonic() + SECONDS

    def work(number):
        draw = random.Random(number)
        while time.monotonic() < end:
            w = weights[number]
            kind = draw.randrange(6)
            if kind == 0:
                with torch.no_grad():
                    assert not chain(inputs[number], w, 2).requires_grad
            elif kind == 1:
                with torch.inference_mode():
                    assert chain(inputs[number], w, 2).is_inference()
            elif kind == 2:
                (first,) = torch.autograd.grad(chain(inputs[number], w, 2).sum(), w, create_graph=True)
                (second,) = torch.autograd.grad(first.pow(2).sum(), w)
                assert np.isfinite(second.numpy()).all()
            elif kind == 3:
                y = chain(inputs[number], w, 1)
                y.mul_(2)
                y[0] = 0.0
                y.sum().backward()
                w.grad = None
            else:
                w.grad = None
                chain(inputs[number], w, 5).sum().backward()
                np.testing.assert_array_equal(w.grad.numpy(), expected[number])

    active, silent = state.active, state.silent
    run_in_threads(work)
    assert (state.active, state.silent) == (active, silent)


def test_a_shared_graph():
    torch.manual_seed(1)
    x = torch.randn(3, 4, dtype=torch.float64)
    weight = torch.randn(4, 4, dtype=torch.float64, requires_grad=True)
    middle = chain(x, weight, 3)
    losses = [(middle * (number + 1)).sum() for number in range(THREADS)]
    (unit,) = torch.autograd.grad(losses[0], weight, retain_graph=True)
    end = time.monotonic() + SECONDS

    def work(number):
        while time.monotonic() < end:
            (found,) = torch.autograd.grad(losses[number], weight, retain_graph=True)
            np.testing.assert_allclose(found.numpy(), unit.numpy() * (number + 1), rtol=1e-12)

    run_in_threads(work)


def test_shared_leaves_receive_every_gradient_once_each_pass_has_its_lock():
    weight = torch.zeros(3, requires_grad=True)
    lock = threading.Lock()

    def work(number):
        for _ in range(50):
            loss = (weight * (number + 1)).sum()
            with lock:  # adding to one .grad from several threads is the program's affair, as in PyTorch
                loss.backward()

    run_in_threads(work)
    assert weight.grad.tolist() == [50.0 * sum(range(1, THREADS + 1))] * 3


def test_modes_are_each_thread_s_own():
    inside, outside = threading.Event(), threading.Event()
    seen = {}

    def other():
        inside.wait()
        x = torch.ones(1, requires_grad=True)
        seen["grad"] = torch.is_grad_enabled(), (x * 2).requires_grad
        seen["inference"] = torch.is_inference_mode_enabled(), torch.ones(1).is_inference()
        with torch.no_grad():
            seen["inner"] = torch.is_grad_enabled()
            outside.set()

    thread = threading.Thread(target=other)
    thread.start()
    with torch.no_grad(), torch.inference_mode():
        inside.set()
        outside.wait()
        assert not torch.is_grad_enabled()
    thread.join()
    assert seen == {"grad": (True, True), "inference": (False, False), "inner": False}
    assert torch.is_grad_enabled()


def test_a_graph_built_in_one_thread_is_run_in_another():
    x = torch.ones(2, requires_grad=True)
    made = []
    builder = threading.Thread(target=lambda: made.append((x * 3).sum()))
    builder.start()
    builder.join()
    with torch.no_grad():  # of this thread, which does not concern the graph
        made[0].backward()
    assert x.grad.tolist() == [3.0, 3.0]


class Mixture:
    """Passes of every kind over what the threads share; each result is compared with that of one thread."""

    def __init__(self) -> None:
        torch.manual_seed(0)
        self.x = torch.randn(3, 4, dtype=torch.float64)
        self.weight = torch.randn(4, 4, dtype=torch.float64, requires_grad=True)
        self.middle = chain(self.x, self.weight, 3)  # a graph that all differentiate
        self.total = torch.zeros(4, 4, dtype=torch.float64, requires_grad=True)  # a leaf to whose .grad all add
        self.lock = threading.Lock()
        self.added = 0
        self.kinds = [self.shared_graph, self.own_graph, self.second_order, self.hooks, self.checkpointed, self.forward_mode,
                      self.batched, self.in_place, self.quiet, self.transforms, self.saved_hooks]  # fmt: skip
        self.expected = [kind().detach().numpy().copy() for kind in self.kinds]

    def loss(self, weight):
        return (chain(self.x, weight, 2) ** 2).sum()

    def shared_graph(self):
        return torch.autograd.grad(self.middle.sum(), self.weight, retain_graph=True)[0]

    def own_graph(self):
        return torch.autograd.grad(self.loss(self.weight), self.weight)[0]

    def second_order(self):
        (first,) = torch.autograd.grad(self.loss(self.weight), self.weight, create_graph=True)
        return torch.autograd.grad(first.pow(2).sum(), self.weight)[0]

    def hooks(self):
        seen = []
        y = chain(self.x, self.weight, 1)
        y.register_hook(lambda g: seen.append(g) or g * 2)
        (found,) = torch.autograd.grad(y.sum(), self.weight)
        assert len(seen) == 1
        return found

    def checkpointed(self):
        y = checkpoint(chain, self.x, self.weight, 2, use_reentrant=False)
        return torch.autograd.grad(y.sum(), self.weight)[0]

    def forward_mode(self):
        with torch.autograd.forward_ad.dual_level():
            dual = torch.autograd.forward_ad.make_dual(self.weight, torch.ones_like(self.weight))
            return torch.autograd.forward_ad.unpack_dual(chain(self.x, dual, 2)).tangent

    def batched(self):
        return torch.func.vmap(lambda row: torch.func.grad(lambda w: chain(row, w, 2).sum())(self.weight))(self.x)

    def in_place(self):
        y = chain(self.x, self.weight, 1)
        y.mul_(2)
        y[0] = 0.0
        return torch.autograd.grad(y.sum(), self.weight)[0]

    def quiet(self):
        with torch.no_grad():
            y = chain(self.x, self.weight, 2)
        with torch.inference_mode():
            z = chain(self.x, self.weight, 2)
            assert z.is_inference() and not y.requires_grad
            return y + z

    def transforms(self):
        return torch.func.jacrev(lambda w: chain(self.x, w, 1).sum(0))(self.weight)

    def saved_hooks(self):
        with torch.autograd.graph.saved_tensors_hooks(lambda t: t * 2, lambda t: t / 2):
            y = chain(self.x, self.weight, 2)
        return torch.autograd.grad(y.sum(), self.weight)[0]

    def run(self, number, rounds, until=0.0):
        draw = random.Random(number)
        done = 0
        while done < rounds or time.monotonic() < until:
            kind = draw.randrange(len(self.kinds))
            np.testing.assert_allclose(self.kinds[kind]().detach().numpy(), self.expected[kind], rtol=1e-12, atol=1e-12)
            loss = (self.total * (number + 1)).sum()
            with self.lock:
                loss.backward()
                self.added += number + 1
            done += 1


def test_passes_of_every_kind_at_once():
    mixture = Mixture()
    active, silent = state.active, state.silent
    run_in_threads(lambda number: mixture.run(number, 100))
    assert (state.active, state.silent) == (active, silent)
    assert (mixture.total.grad == mixture.added).all()
    assert mixture.weight.grad is None


def test_backward_within_backward_in_many_threads():
    class Outer(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x.detach() ** 2

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            with torch.enable_grad():
                again = x.detach().requires_grad_()
                (again**2).sum().backward()
            return again.grad * g

    def work(number):
        for _ in range(100):
            x = torch.full((2,), float(number), requires_grad=True)
            Outer.apply(x).sum().backward()
            assert x.grad.tolist() == [2.0 * number] * 2

    run_in_threads(work)


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_can_differentiate():
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    loss = (x**3).sum()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            loss.backward()
            y = torch.randn(20, 20, requires_grad=True)
            (y @ y).sum().backward()
            status = 0 if x.grad.tolist() == [3.0, 12.0] and y.grad is not None else 2
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert x.grad is None
    loss.backward()
    assert x.grad.tolist() == [3.0, 12.0]


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_forking_while_other_threads_are_at_work():
    done = threading.Event()

    def work():
        while not done.is_set():
            with torch.no_grad(), torch.autograd.forward_ad.dual_level():
                torch.randn(50)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    codes = []
    for _ in range(10):
        child = os.fork()
        if child == 0:
            signal.alarm(20)  # ends a child that waits for a lock
            status = 1
            try:
                x = torch.randn(3, requires_grad=True)
                with torch.no_grad(), torch.autograd.forward_ad.dual_level():
                    torch.randn(50)
                (x * 2).sum().backward()
                status = 0 if x.grad.tolist() == [2.0, 2.0, 2.0] else 2
            finally:
                os._exit(status)
        codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    done.set()
    for thread in threads:
        thread.join()
    assert codes == [0] * 10
