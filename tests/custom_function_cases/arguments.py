"""Arguments and outputs of custom functions, in both styles."""

from __future__ import annotations

from facts import leaf

from .programs import case, double, make, square


@case
def ctx_in_forward(torch):
    x = leaf(torch)
    y = square(torch).apply(x)
    y.sum().backward()
    return y, x.grad, y.grad_fn.name(), type(y.grad_fn).__mro__[1].__name__ == "Node"


@case
def separate_setup(torch):
    def setup(ctx, inputs, output):
        x, n = inputs
        ctx.save_for_backward(x, output)
        ctx.n = n

    def backward(ctx, g):
        x, y = ctx.saved_tensors
        return g * ctx.n * y / x, None

    f = make(torch, lambda x, n: x ** n, backward, setup)
    x = leaf(torch)
    y = f.apply(x, 3)
    y.sum().backward()
    return y, x.grad


@case
def several_outputs(torch):
    def forward(ctx, x, y):
        ctx.save_for_backward(x, y)
        return x * y, x + y, 7, "name", None

    def backward(ctx, *g):
        x, y = ctx.saved_tensors
        return g[0] * y + g[1], g[0] * x + g[1], None if [one is None for one in g[2:]] == [True, True, True] else "bad"

    def backward2(ctx, *g):
        return backward(ctx, *g)[:2]

    x, y = leaf(torch), leaf(torch, 4.0, 5.0, 6.0)
    outs = make(torch, forward, backward2).apply(x, y)
    outs[0].sum().backward()
    return list(outs), x.grad, y.grad, type(outs).__name__, outs[1].output_nr


@case
def grads_of_unused_outputs(torch):
    seen = []

    def backward(ctx, *g):
        seen.append([None if one is None else (one.tolist(), str(one.dtype)) for one in g])
        return g[0] * 2

    f = make(torch, lambda ctx, x: (x * 2, x.to(torch.float32)[:2], x.long(), x > 1, 3), backward)
    x = leaf(torch)
    out = f.apply(x)
    out[0].sum().backward()
    return seen, out, x.grad


@case
def unmaterialized(torch):
    seen = []

    def forward(ctx, x):
        ctx.set_materialize_grads(False)
        return x * 2, x * 3, x.long()

    def backward(ctx, *g):
        seen.append([one is None for one in g])
        return g[1] * 3

    x = leaf(torch)
    make(torch, forward, backward).apply(x)[1].sum().backward()
    return seen, x.grad


@case
def list_output(torch):
    out = make(torch, lambda ctx, x: [x * 2, x * 3], lambda ctx, a, b: a).apply(leaf(torch))
    return type(out).__name__, out


@case
def one_tuple(torch):
    out = make(torch, lambda ctx, x: (x * 2,), lambda ctx, a: a).apply(leaf(torch))
    return type(out).__name__, out


@case
def number_output(torch):
    return make(torch, lambda ctx, x: 3, lambda ctx, a: a).apply(leaf(torch))


@case
def none_output(torch):
    return make(torch, lambda ctx, x: None, lambda ctx, a: a).apply(leaf(torch))


@case
def dict_output(torch):
    return make(torch, lambda ctx, x: {"a": x * 2}, lambda ctx, a: a).apply(leaf(torch))


@case
def nested_tuple_output(torch):
    return make(torch, lambda ctx, x: (x * 2, (x * 3, x)), lambda ctx, *a: a[0]).apply(leaf(torch))


@case
def integer_output_only(torch):
    return make(torch, lambda ctx, x: x.long(), lambda ctx, a: a).apply(leaf(torch))


@case
def tensors_in_lists_are_not_inputs(torch):
    seen = []

    def forward(ctx, items, x, scale):
        seen.append(ctx.needs_input_grad)
        return x * scale * len(items)

    x = leaf(torch)
    y = make(torch, forward, lambda ctx, g: (None, g, None)).apply([x, x], x, 2)
    y.sum().backward()
    return seen, x.grad


@case
def needs_input_grad(torch):
    seen = []

    def forward(ctx, *args):
        seen.append(ctx.needs_input_grad)
        return args[0] * 1

    def backward(ctx, g):
        seen.append(ctx.needs_input_grad)
        return g, None, None, None, None

    x = leaf(torch)
    f = make(torch, forward, backward)
    f.apply(x, 2, x.detach(), x * 2, None).sum().backward()
    with torch.no_grad():
        f.apply(x, 2, x.detach(), x * 2, None)
    return seen


@case
def no_arguments(torch):
    return make(torch, lambda ctx: torch.ones(2), lambda ctx, g: ()).apply()


@case
def keyword_arguments(torch):
    f = make(torch, lambda ctx, x, scale=1: x * scale, lambda ctx, g: (g, None))
    return f.apply(leaf(torch), scale=2)


@case
def keyword_arguments_with_setup(torch):
    def setup(ctx, inputs, output):
        ctx.count = len(inputs)

    f = make(torch, lambda x, scale=1: x * scale, lambda ctx, g: (g * ctx.count, None), setup)
    return f.apply(leaf(torch), scale=2)


@case
def defaults_with_setup(torch):
    seen = []

    def setup(ctx, inputs, output):
        seen.append(len(inputs))

    f = make(torch, lambda x, scale=3: x * scale, lambda ctx, g: (g * 3, None), setup)
    x = leaf(torch)
    f.apply(x).sum().backward()
    return seen, x.grad


@case
def unused_trailing_nones(torch):
    x = leaf(torch)
    make(torch, lambda ctx, x: x * 2, lambda ctx, g: (g, None, None)).apply(x).sum().backward()
    return x.grad


@case
def next_functions_of_arguments(torch):
    x = leaf(torch)
    y = make(torch, lambda ctx, a, b, c, d: a * c, lambda ctx, g: (g, None, g, None)).apply(x * 2, 3, x, x.detach())
    return [(None if node is None else node.name(), number) for node, number in y.grad_fn.next_functions]


@case
def no_grad_inside_forward(torch):
    seen = []

    def forward(ctx, x):
        seen.append(torch.is_grad_enabled())
        seen.append((x * 2).requires_grad)
        with torch.enable_grad():
            z = x * 2
        seen.append(z.requires_grad)
        return z

    x = leaf(torch)
    y = make(torch, forward, lambda ctx, g: g).apply(x)
    return seen, y


@case
def grad_mode_in_backward(torch):
    seen = []

    def backward(ctx, g):
        seen.append((torch.is_grad_enabled(), g.requires_grad))
        return g

    x = leaf(torch)
    y = make(torch, lambda ctx, x: x * 2, backward).apply(x)
    y.sum().backward(retain_graph=True)
    torch.autograd.grad(y.sum(), x, create_graph=True)
    with torch.no_grad():
        torch.autograd.grad(y.sum(), x, create_graph=True)
    return seen


@case
def no_gradients_asked(torch):
    f = square(torch)
    y = f.apply(torch.ones(2))
    with torch.no_grad():
        z = f.apply(leaf(torch))
    return y, z


@case
def instance_cannot_be_called(torch):
    return double(torch)()(leaf(torch))


@case
def forward_missing(torch):
    return type("Mine", (torch.autograd.Function,), {}).apply(leaf(torch))


@case
def backward_missing(torch):
    f = type("Mine", (torch.autograd.Function,), {"forward": staticmethod(lambda ctx, x: x * 2)})
    f.apply(leaf(torch)).sum().backward()


@case
def vjp_in_place_of_backward(torch):
    members = {"forward": staticmethod(lambda ctx, x: x * 2), "vjp": staticmethod(lambda ctx, g: g * 5)}
    f = type("Mine", (torch.autograd.Function,), members)
    x = leaf(torch)
    f.apply(x).sum().backward()
    return x.grad


@case
def both_vjp_and_backward(torch):
    f = make(torch, lambda ctx, x: x * 2, lambda ctx, g: g, vjp=lambda ctx, g: g)
    x = leaf(torch)
    f.apply(x).sum().backward()
    return x.grad
