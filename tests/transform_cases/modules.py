"""Modules as functions, and the rest of torch.func."""

from __future__ import annotations

from facts import leaf

from .nesting import known, perceptron
from .programs import batch, case, refused, vector


@case
def functional_call_swaps(torch):
    model = torch.nn.Linear(3, 2).double()
    given = {"weight": torch.ones(2, 3, dtype=torch.float64), "bias": torch.zeros(2, dtype=torch.float64)}
    before = model.weight
    out = torch.func.functional_call(model, given, batch(torch))
    return out, model.weight is before


@case
def functional_call_keywords(torch):
    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.w = torch.nn.Parameter(torch.ones(3, dtype=torch.float64))

        def forward(self, x, *, k=1):
            return x * self.w * k

    model = Model()
    w = {"w": vector(torch)}
    call = torch.func.functional_call
    return call(model, w, vector(torch), {"k": 3}), call(model, w, kwargs={"x": vector(torch)}), call(model, w, (vector(torch),))


@case
def functional_call_some(torch):
    model = known(torch, torch.nn.Linear(3, 2).double())
    return torch.func.functional_call(model, {"bias": torch.zeros(2, dtype=torch.float64)}, batch(torch))


@case
def functional_call_strict(torch):
    model = torch.nn.Linear(3, 2)
    call = torch.func.functional_call
    return [
        refused(lambda: call(model, {"bias": torch.zeros(2)}, torch.ones(3), strict=True), "Missing key(s): 'weight'."),
        refused(lambda: call(model, {"other": torch.zeros(2)}, torch.ones(3), strict=True), "Unexpected key(s): 'other'."),
        refused(lambda: call(model, {"weight": 3}, torch.ones(3)), "3 is not an instance of torch.Tensor"),
        refused(lambda: call(model, ({"bias": torch.zeros(2)}, {"bias": torch.zeros(2)}), torch.ones(3)), "appeared in multiple"),
        refused(lambda: call(model, 3, torch.ones(3)), "Expected parameter_and_buffer_dicts to be a dict, or a list/tuple of dict"),
        refused(lambda: call(model, [3], torch.ones(3)), "Expected all elements of parameter_and_buffer_dicts to be dictionarie"),
    ]


@case
def functional_call_unknown_name(torch):
    return refused(lambda: torch.func.functional_call(torch.nn.Linear(3, 2), {"other": torch.zeros(2)}, torch.ones(3)))


@case
def functional_call_tied(torch):
    class Tied(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.a = torch.nn.Linear(2, 2, bias=False)
            self.b = self.a

        def forward(self, x):
            return self.b(self.a(x))

    model, x = Tied(), torch.ones(2)
    call = torch.func.functional_call
    two = torch.eye(2) * 2
    return [
        call(model, {"a.weight": two}, x), call(model, {"a.weight": two}, x, tie_weights=False),
        refused(lambda: call(model, {"a.weight": two, "b.weight": two + 1}, x)),
        refused(lambda: call(model, {"a.weight": two, "b.weight": two + 1}, x, tie_weights=False)),
    ]  # fmt: skip


@case
def functional_call_buffers(torch):
    norm = torch.nn.BatchNorm1d(3).double()
    buffers = {"running_mean": torch.zeros(3, dtype=torch.float64), "running_var": torch.ones(3, dtype=torch.float64),
               "num_batches_tracked": torch.tensor(0)}  # fmt: skip
    out = torch.func.functional_call(norm, buffers, batch(torch))
    return out.detach(), buffers, norm.running_mean


@case
def functional_call_gradients(torch):
    model = known(torch, torch.nn.Linear(3, 2).double())
    weight = leaf(torch, *range(6)).reshape(2, 3)
    return torch.autograd.grad(torch.func.functional_call(model, {"weight": weight}, batch(torch)).square().sum(), weight)


@case
def stack_state(torch):
    models = [perceptron(torch, 2, 2) for _ in range(2)]
    parameters, buffers = torch.func.stack_module_state(models)
    return parameters, buffers, [type(one).__name__ for one in parameters.values()]


@case
def stack_state_of_nothing(torch):
    return torch.func.stack_module_state([])


@case
def stack_state_of_modes(torch):
    return torch.func.stack_module_state([torch.nn.Linear(2, 2), torch.nn.Linear(2, 2).eval()])


@case
def stack_state_of_kinds(torch):
    return torch.func.stack_module_state([torch.nn.Linear(2, 2), torch.nn.ReLU()])


@case
def stack_state_of_mixed_requirements(torch):
    a, b = torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)
    b.weight.requires_grad_(False)
    return torch.func.stack_module_state([a, b])


@case
def functionalized(torch):
    def f(x):
        y = x.clone()
        y.add_(1)
        y.t_().mul_(2)
        return y

    h = torch.func
    x = vector(torch)
    return h.functionalize(f)(x), h.functionalize(f, remove="mutations_and_views")(x), h.vmap(h.functionalize(f))(batch(torch))


@case
def functionalized_changes_its_input(torch):
    x = vector(torch)
    out = torch.func.functionalize(lambda x: x.add_(1))(x)
    return out, x


@case
def functionalized_wrong(torch):
    return torch.func.functionalize(lambda x: x, remove="all")(vector(torch))


@case
def functionalized_and_differentiated(torch):
    def f(x):
        y = x.clone()
        y.mul_(x)
        return y.sum()

    return torch.func.grad(torch.func.functionalize(f))(vector(torch)), torch.func.functionalize(torch.func.grad(f))(vector(torch))


@case
def unwrapped(torch):
    seen = []

    def f(x):
        whole = torch.func.debug_unwrap(x)
        seen.append([tuple(x.shape), tuple(whole.shape), whole])
        return x

    torch.vmap(f)(batch(torch))
    torch.vmap(torch.vmap(f))(batch(torch))
    return seen


@case
def unwrapped_of_grad(torch):
    seen = []
    torch.func.grad(lambda x: seen.append(torch.func.debug_unwrap(x)) or x.sum())(vector(torch))
    return [one.tolist() for one in seen]


@case
def unwrapped_plain(torch):
    x = vector(torch)
    return torch.func.debug_unwrap(x) is x


def rearranged(torch, x, *patterns):
    """What patterns (with lengths, where they are tuples) make of a tensor, or how they are refused."""
    found = []
    for one in patterns:
        pattern, lengths = one if isinstance(one, tuple) else (one, {})
        try:
            out = torch.func.rearrange(x, pattern, **lengths)
            found.append([tuple(out.shape), out.flatten()[:5].tolist()])
        except Exception as error:
            found.append([type(error).__name__, str(error).split("\n")[0]])
    return found


@case
def rearrange(torch):
    x = torch.arange(24.0).reshape(2, 3, 4)
    return rearranged(
        torch, x, "a b c -> a (b c)", "a b c -> c b a", ("a b (c d) -> a d (b c)", {"c": 2}), ("a b (c d) -> a d (b c)", {"d": 2}),
        "a ... -> ... a", "... -> (...)", "a b c -> a b c 1", "a (b 1) c -> a b c", "a ... b -> (a ...) b", "a b c -> a () b c",
        "a b c -> a b c (1 1)", ("a b (c d e) -> a b c d e", {"c": 2, "d": 2}), "a b  c->c b a",
    )  # fmt: skip


@case
def rearrange_refused(torch):
    x = torch.arange(24.0).reshape(2, 3, 4)
    return rearranged(
        torch, x, "a b c -> a b", "a b -> b a", "a b c -> a b c d", ("a b (c d) -> a b c d", {"c": 3}), "a a b -> a b", "a b c",
        "a b c -> a b c -> a", "a b c -> (a (b c))", "a b c -> ... a b c", ("a b c -> a b c", {"d": 3}), "a b! c -> a b c",
        "a b _c -> a b _c", "() -> ()", ("a b (c d) -> a b c d", {"c": "x"}), "a (...) -> ...", "a b 2 -> a b",
        "a ... ... -> a ...",
    )  # fmt: skip


@case
def rearrange_several(torch):
    x = torch.arange(6.0).reshape(2, 3)
    return torch.func.rearrange([x, x + 1], "n a b -> a (n b)")


@case
def names_of_the_module(torch):
    return sorted(torch.func.__all__)
