"""Programs with anomaly detection (see facts.py): what is warned of, what is an error, and in which threads."""

from __future__ import annotations

import threading
import warnings

from facts import Programs, key_phrase, leaf

PROGRAMS = case = Programs("anomaly")


def watched(function):
    """What a call gives or raises, and its warnings: the first line, and the functions of the program that they name."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            found = function()
        except Exception as error:
            found = [type(error).__name__, key_phrase(str(error))]
    return found, [shown(str(one.message)) for one in caught if one.category is UserWarning]


def shown(message):
    """A warning without places: its first sentence, and the names of this file's functions in its traceback."""
    lines = message.strip().split("\n")
    first = lines[0].split(" (Triggered")[0]
    return [first, [line.split(" in ")[-1] for line in lines if "_cases.py" in line]]


def rooted(x):
    return x.sqrt()


def on(torch, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.autograd.detect_anomaly(**options)


def failing(torch, error=ValueError):
    class Mine(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            raise error("planned")

    return Mine.apply


def nan_giving(torch):
    class Mine(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, y):
            return x * y

        @staticmethod
        def backward(ctx, g):
            return g, g * float("nan")

    return Mine.apply


@case
def nan_with_a_trace(torch):
    def run():
        with on(torch):
            rooted(leaf(torch, -1.0)).sum().backward()

    return watched(run)


@case
def nan_without_a_trace(torch):
    def run():
        y = rooted(leaf(torch, -1.0)).sum()
        with on(torch):
            y.backward()

    return watched(run)


@case
def nan_for_one_of_two_inputs(torch):
    def run():
        with on(torch):
            nan_giving(torch)(leaf(torch), leaf(torch)).sum().backward()

    return watched(run)


@case
def nan_that_is_given(torch):
    def run():
        x = leaf(torch)
        with on(torch):
            (x * 2).backward(torch.full((3,), float("nan"), dtype=torch.float64))
        return x.grad

    return watched(run)


@case
def infinity_is_no_nan(torch):
    def run():
        x = leaf(torch, 0.0)
        with on(torch):
            x.log().sum().backward()
        return x.grad

    return watched(run)


@case
def complex_nan(torch):
    def run():
        x = torch.tensor([0j], requires_grad=True)
        with on(torch):
            (x.abs() / x.abs()).sum().backward()

    return watched(run)


@case
def nan_by_grad(torch):
    def run():
        with on(torch):
            x = leaf(torch, -1.0)
            return list(torch.autograd.grad(rooted(x).sum(), x))

    return watched(run)


@case
def nan_that_is_not_checked(torch):
    def run():
        x = leaf(torch, -1.0)
        with on(torch, check_nan=False):
            rooted(x).sum().backward()
        return x.grad.isnan()

    return watched(run)


@case
def other_errors(torch):
    def of_function():
        with on(torch):
            failing(torch)(leaf(torch)).sum().backward()

    def of_function_unchecked():
        with on(torch, check_nan=False):
            failing(torch)(leaf(torch)).sum().backward()

    def of_hook():
        with on(torch):
            y = leaf(torch) * 2
            y.register_hook(lambda g: 1 / 0)
            y.sum().backward()

    def of_version():
        with on(torch):
            x = leaf(torch)
            y = x.exp()
            y.mul_(2)
            y.sum().backward()

    def of_second_pass():
        with on(torch):
            y = leaf(torch).exp().sum()
            y.backward()
            y.backward()

    return [watched(run) for run in (of_function, of_function_unchecked, of_hook, of_version, of_second_pass)]


@case
def second_order(torch):
    def run():
        with on(torch):
            x = leaf(torch, 0.0)
            y = x**1.5
            (g,) = torch.autograd.grad(y, x, create_graph=True)
            torch.autograd.grad((g * 0).sum(), x)

    return watched(run)


@case
def third_order(torch):
    def run():
        with on(torch):
            x = leaf(torch, 0.0)
            y = x**2.5
            (g,) = torch.autograd.grad(y.sum(), x, create_graph=True)
            (h,) = torch.autograd.grad(g.sum(), x, create_graph=True)
            torch.autograd.grad((h * 0).sum(), x)

    return watched(run)


@case
def entering_and_switching(torch):
    def states():
        return [torch.is_anomaly_enabled(), torch.is_anomaly_check_nan_enabled()]

    def run():
        found = [states()]
        with torch.autograd.detect_anomaly():
            found.append(states())
            with torch.autograd.detect_anomaly(check_nan=False):
                found.append(states())
            found.append(states())
            with torch.autograd.set_detect_anomaly(False):
                found.append(states())
            found.append(states())
        found.append(states())
        torch.autograd.set_detect_anomaly(True)
        found.append(states())
        torch.autograd.set_detect_anomaly(True, check_nan=False)
        found.append(states())
        torch.autograd.set_detect_anomaly(False)
        found.append(states())
        with torch.autograd.set_detect_anomaly(True, False):
            found.append(states())
        return [*found, states()]

    return watched(run)


@case
def making_is_not_entering(torch):
    def run():
        torch.autograd.detect_anomaly()
        return torch.is_anomaly_enabled()

    return watched(run)


@case
def the_block_ends_with_an_error(torch):
    try:
        with on(torch):
            raise ValueError
    except ValueError:
        return torch.is_anomaly_enabled()


@case
def all_threads(torch):
    found = []

    def other():
        found.append([torch.is_anomaly_enabled(), watched(lambda: rooted(leaf(torch, -1.0)).sum().backward())])

    with on(torch):
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    other()
    return found


@case
def metadata(torch):
    with on(torch):
        x = leaf(torch)
        y = x * 2
        (g,) = torch.autograd.grad((y * y).sum(), x, create_graph=True)
    return sorted(y.grad_fn.metadata), sorted(g.grad_fn.metadata), g.grad_fn.metadata["parent_"].name(), [
        line.split(" in ")[-1].split("\n")[0] for line in y.grad_fn.metadata["traceback_"] if "_cases.py" in line][-1:]  # fmt: skip


@case
def gradients_as_usual(torch):
    x, w = leaf(torch), leaf(torch)
    with on(torch):
        y = torch.stack([x.exp(), x.sin()]).max(0)[0].sum() + torch.cat([x, w]).prod() + x.clone().mul_(w).sum()
        y.backward()
    return x.grad, w.grad
