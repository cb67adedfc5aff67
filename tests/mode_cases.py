"""Programs with the modes of recording (see facts.py): as blocks, decorators of every kind of function, calls; per thread."""

from __future__ import annotations

import asyncio
import threading

from facts import Programs, key_phrase, leaf

PROGRAMS = case = Programs("mode")


def attempt(function, *args, **options):
    """What a call gives, or the type and the first words of its error."""
    try:
        return function(*args, **options)
    except Exception as error:
        return [type(error).__name__, key_phrase(str(error))]


def state(torch):
    return [torch.is_grad_enabled(), torch.is_inference_mode_enabled()]


def modes(torch):
    """Every way to make a mode."""
    return {
        "no_grad": lambda: torch.no_grad(), "enable_grad": lambda: torch.enable_grad(), "inference": lambda: torch.inference_mode(),
        "inference_true": lambda: torch.inference_mode(True), "inference_false": lambda: torch.inference_mode(False),
        "inference_mode": lambda: torch.inference_mode(mode=False), "set_true": lambda: torch.set_grad_enabled(True),
        "set_false": lambda: torch.set_grad_enabled(False), "set_mode": lambda: torch.set_grad_enabled(mode=False),
    }  # fmt: skip


@case
def blocks(torch):
    found = {}
    for name, make in modes(torch).items():
        with make() as entered:
            found[name] = [state(torch), entered is None]
        found[name].append(state(torch))
    return found


@case
def blocks_within_blocks(torch):
    found = {}
    for outer, first in modes(torch).items():
        for inner, second in modes(torch).items():
            with first():
                with second():
                    inside = state(torch)
                between = state(torch)
            found[f"{outer} {inner}"] = [inside, between, state(torch)]
    return found


@case
def decorated_functions(torch):
    found = {}
    for name, make in modes(torch).items():

        @make()
        def inside(a, b=2, *args, **kwargs):
            """Words."""
            return [state(torch), a, b, args, sorted(kwargs)]

        found[name] = [inside(1, 3, 4, c=5), state(torch), inside.__name__, inside.__doc__, inside.__wrapped__(0)[0]]
    return found


@case
def decorating_without_a_call(torch):
    found = []
    for mode in (torch.no_grad, torch.enable_grad, torch.inference_mode):

        @mode
        def inside():
            return state(torch)

        found.append([inside(), state(torch), inside.__name__])
    return found


@case
def decorating_without_a_call_what_needs_an_argument(torch):
    return attempt(torch.set_grad_enabled, lambda: None), state(torch)


@case
def wrong_arguments(torch):
    found = []
    switches = torch.set_grad_enabled, torch.autograd.set_multithreading_enabled, torch.autograd.set_detect_anomaly
    for mode in switches:
        for argument in (1, "no", None, torch.tensor(True)):
            made = attempt(mode, argument)
            found.append(made if isinstance(made, list) else type(made).__name__)
    return found


@case
def decorated_generators(torch):
    found = {}
    for name, make in modes(torch).items():

        ends = found.setdefault(f"{name} ends", [])

        @make()
        def steps(ends=ends):
            try:
                received = yield state(torch)
                yield [received, state(torch)]
                yield state(torch)
            except ValueError as error:
                yield [str(error), state(torch)]
            finally:
                ends.append(state(torch))
            return "end"

        running = steps()
        found[name] = [next(running), state(torch), running.send("sent"), state(torch)]
        found[name] += [running.throw(ValueError("thrown")), state(torch)]
        try:
            next(running)
        except StopIteration as stop:
            found[name].append(stop.value)
        closed = steps()
        next(closed)
        closed.close()
        unstarted = steps()
        unstarted.close()
        found[name].append(state(torch))
    return found


@case
def a_generator_that_delegates(torch):
    @torch.no_grad()
    def outer():
        result = yield from inner()
        yield [result, state(torch)]

    @torch.enable_grad()
    def inner():
        yield state(torch)
        return "inner"

    return [[one, state(torch)] for one in outer()]


@case
def a_generator_that_raises(torch):
    @torch.no_grad()
    def steps():
        yield 1
        raise ValueError("planned")

    running = steps()
    return next(running), attempt(next, running), state(torch), attempt(lambda: list(running))


@case
def decorated_coroutines(torch):
    found = {}
    for name, make in modes(torch).items():

        @make()
        async def inside():
            first = state(torch)
            await asyncio.sleep(0)
            return [first, state(torch)]

        async def run(function=inside):
            return [await function(), state(torch)]

        found[name] = [asyncio.run(run()), asyncio.iscoroutinefunction(inside)]
    return found


@case
def decorated_async_generators(torch):
    @torch.no_grad()
    async def steps():
        for number in range(2):
            yield [number, state(torch)]

    async def run():
        return [one async for one in steps()]

    return asyncio.run(run())


@case
def decorated_classes(torch):
    found = []
    for make in (torch.no_grad(), torch.no_grad, torch.inference_mode()):

        @make
        class Made:
            def __init__(self, x):
                self.y = x * 2
                self.state = state(torch)

            def later(self):
                return state(torch)

        made = Made(leaf(torch))
        found.append([made.y.requires_grad, made.state, made.later(), state(torch)])
    return found


@case
def decorated_methods(torch):
    class Holder:
        @torch.no_grad()
        def method(self, x):
            return (x * 2).requires_grad

        @classmethod
        @torch.no_grad()
        def of_class(cls, x):
            return (x * 2).requires_grad

        @staticmethod
        @torch.no_grad()
        def of_none(x):
            return (x * 2).requires_grad

        @property
        @torch.no_grad()
        def attribute(self):
            return state(torch)

    x = leaf(torch)
    return Holder().method(x), Holder.of_class(x), Holder.of_none(x), Holder().attribute


@case
def decorated_lambdas_and_callables(torch):
    class Callable:
        def __call__(self, x):
            return (x * 2).requires_grad

    import functools

    x = leaf(torch)
    return [torch.no_grad()(lambda x: (x * 2).requires_grad)(x), torch.no_grad()(functools.partial(Callable(), x))(),
            torch.no_grad()(Callable())(x), torch.no_grad()(torch.nn.Linear(2, 2))(torch.ones(2)).requires_grad]  # fmt: skip


@case
def recursion(torch):
    @torch.no_grad()
    def inner(n):
        return [state(torch), inner(n - 1) if n else None, state(torch)]

    return inner(2), state(torch)


@case
def one_object_for_several_blocks(torch):
    mode = torch.no_grad()
    with mode, torch.enable_grad():
        first = state(torch)
    with mode:
        second = state(torch)
    return first, second, state(torch)


@case
def calling_set_grad_enabled(torch):
    torch.set_grad_enabled(False)
    found = [state(torch)]
    with torch.set_grad_enabled(True):
        found.append(state(torch))
    found.append(state(torch))
    torch.set_grad_enabled(True)
    with torch.no_grad():
        torch.set_grad_enabled(True)
        found.append(state(torch))
    found.append(state(torch))
    guard = torch.set_grad_enabled(False)
    found.append(state(torch))
    with guard:
        found.append(state(torch))
    return [*found, state(torch)]


@case
def errors_end_blocks(torch):
    def run(make):
        with make():
            raise ValueError("planned")

    return [[attempt(run, make), state(torch)] for make in modes(torch).values()]


@case
def results_of_modes(torch):
    x = leaf(torch)
    found = {}
    for name, make in modes(torch).items():
        with make():
            y, z = x * 2, x[1:]
        found[name] = [y.requires_grad, y.is_leaf, y.is_inference(), z.is_leaf, z.is_inference(), z._is_view(),
                       y.grad_fn is None, z.grad_fn is None]  # fmt: skip
    return found


@case
def makers_ask_for_gradients_everywhere(torch):
    found = {}
    for name, make in modes(torch).items():
        with make():
            x = torch.ones(2, requires_grad=True)
            y = torch.tensor([1.0]).requires_grad_()
            p = torch.nn.Parameter(torch.ones(1))
        found[name] = [x.requires_grad, y.requires_grad, p.requires_grad, x.is_leaf, x.is_inference()]
        found[name] += [] if x.is_inference() else [(x * 2).requires_grad]
    return found


@case
def threads_have_their_own(torch):
    found = []

    def other():
        found.append(state(torch))
        torch.set_grad_enabled(False)
        found.append(state(torch))

    with torch.no_grad(), torch.inference_mode():
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    return found, state(torch)


@case
def multithreading(torch):
    a = torch.autograd
    found = [a.is_multithreading_enabled()]
    with a.set_multithreading_enabled(False):
        found.append(a.is_multithreading_enabled())
    found.append(a.is_multithreading_enabled())
    a.set_multithreading_enabled(False)
    found.append(a.is_multithreading_enabled())
    a.set_multithreading_enabled(True)
    return [*found, a.is_multithreading_enabled()]


@case
def view_replay(torch):
    a = torch.autograd
    force = a.grad_mode._force_original_view_tracking
    found = [a.is_view_replay_enabled()]
    with force(True):
        found.append(a.is_view_replay_enabled())
        with force(False):
            found.append(a.is_view_replay_enabled())
        x = leaf(torch)
        y = x * 2
        v = y[1:]
        y.mul_(3)
        v.sum().backward()
        found.append(x.grad.tolist())
    force(True)
    found.append(a.is_view_replay_enabled())
    force(False)
    return [*found, a.is_view_replay_enabled()]


@case
def version_counters_that_are_kept(torch):
    keep = torch.autograd._unsafe_preserve_version_counter
    x = leaf(torch)
    y = x * 2
    z = y * y
    y.detach().add_(0)
    broken = attempt(z.sum().backward)
    y = x * 2
    z = y * y
    with keep(y):
        y.detach().mul_(2)
    kept = y._version
    z.sum().backward()
    return broken, kept, x.grad


@case
def names(torch):
    g = torch.autograd.grad_mode
    return [g.no_grad is torch.no_grad, g.inference_mode is torch.inference_mode, g.enable_grad is torch.enable_grad,
            g.set_grad_enabled is torch.set_grad_enabled, torch.autograd.no_grad is torch.no_grad, sorted(g.__all__),
            torch.autograd.set_multithreading_enabled is g.set_multithreading_enabled]  # fmt: skip


@case
def layout_of_gradients(torch):
    def stride(x, function):
        x = x.detach().requires_grad_()
        function(x).sum().backward()
        return x.grad.stride()

    tensors = (torch.ones(2, 3).t(), torch.ones(2, 3, 4).permute(2, 0, 1), torch.ones(3, 4)[:, ::2], torch.ones(4, 3)[::2],
               torch.ones(3).expand(2, 3), torch.ones(2, 3))  # fmt: skip
    functions = (lambda x: x * 2, lambda x: x.contiguous() * 2, lambda x: x, lambda x: x * x, lambda x: x.reshape(-1),
                 lambda x: x.transpose(0, 1) * 2)  # fmt: skip
    with torch.autograd.enforce_grad_layout_policy(True):
        return [[stride(x, function) for function in functions] for x in tensors]


@case
def accumulation_keeps_the_layout(torch):
    x = torch.ones(2, 3).requires_grad_()
    x.grad = torch.ones(3, 2).t()
    (x * 2).sum().backward()
    return x.grad.stride(), x.grad


@case
def layout_policy(torch):
    policy = torch.autograd.enforce_grad_layout_policy

    @policy(False)
    def inside():
        return 3

    with policy(False), policy():
        return inside()
