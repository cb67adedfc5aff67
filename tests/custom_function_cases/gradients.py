"""What backward returns, derivatives of higher order, passes within passes."""

from __future__ import annotations

from facts import leaf

from .programs import case, make, square

# --- wrong returns of backward ----------------------------------------------------------------------------------------------------


@case
def too_few_gradients(torch):
    x = leaf(torch)
    make(torch, lambda ctx, x, y: x * y, lambda ctx, g: g).apply(x, x).sum().backward()


@case
def too_many_gradients(torch):
    x = leaf(torch)
    make(torch, lambda ctx, x: x * 2, lambda ctx, g: (g, g)).apply(x).sum().backward()


@case
def gradient_is_a_number(torch):
    make(torch, lambda ctx, x: x * 2, lambda ctx, g: 3).apply(leaf(torch)).sum().backward()


@case
def gradient_is_a_string(torch):
    x = leaf(torch)
    make(torch, lambda ctx, x, y: x * y, lambda ctx, g: (g, "no")).apply(x, x).sum().backward()


@case
def gradient_for_a_number(torch):
    x = leaf(torch)
    make(torch, lambda ctx, x, n: x * n, lambda ctx, g: (g, g)).apply(x, 2).sum().backward()


@case
def gradient_for_a_constant_tensor(torch):
    x = leaf(torch)
    make(torch, lambda ctx, x, n: x * n, lambda ctx, g: (g, g)).apply(x, x.detach()).sum().backward()
    return x.grad


@case
def gradient_for_a_constant_tensor_is_text(torch):
    x = leaf(torch)
    make(torch, lambda ctx, x, n: x * n, lambda ctx, g: (g, "no")).apply(x, x.detach()).sum().backward()
    return x.grad


@case
def gradient_of_wrong_shape(torch):
    make(torch, lambda ctx, x: x * 2, lambda ctx, g: torch.ones(5)).apply(leaf(torch)).sum().backward()


@case
def gradient_of_expandable_shape(torch):
    x = leaf(torch)
    make(torch, lambda ctx, x: x * 2, lambda ctx, g: g.sum()).apply(x).sum().backward()
    return x.grad


@case
def gradient_of_summable_shape(torch):
    x = leaf(torch)
    make(torch, lambda ctx, x: x * 2, lambda ctx, g: torch.ones(4, 3, dtype=torch.float64)).apply(x).sum().backward()
    return x.grad


@case
def gradient_of_other_type(torch):
    x = leaf(torch)
    make(torch, lambda ctx, x: x * 2, lambda ctx, g: g.float()).apply(x).sum().backward()
    return str(x.grad.dtype)


@case
def gradients_in_a_list(torch):
    x = leaf(torch)
    make(torch, lambda ctx, x, y: x * y, lambda ctx, g: [g, g]).apply(x, x).sum().backward()
    return x.grad


@case
def error_in_backward(torch):
    def backward(ctx, g):
        raise KeyError("mine")

    make(torch, lambda ctx, x: x * 2, backward).apply(leaf(torch)).sum().backward()


@case
def error_in_forward(torch):
    def forward(ctx, x):
        raise KeyError("mine")

    make(torch, forward, lambda ctx, g: g).apply(leaf(torch))


@case
def returns_its_own_cotangent(torch):
    x, y = leaf(torch), leaf(torch)
    make(torch, lambda ctx, x, y: x + y, lambda ctx, g: (g, g)).apply(x, y).sum().backward()
    x.grad.mul_(2)
    return x.grad, y.grad


@case
def changes_its_cotangent(torch):
    x = leaf(torch)
    a = x * 1
    b = make(torch, lambda ctx, x: x * 2, lambda ctx, g: g.clone().mul_(2)).apply(a)
    (a + b).sum().backward()
    return x.grad


# --- once_differentiable, higher orders, nesting ----------------------------------------------------------------------------------


def once(torch):
    from importlib import import_module

    mark = import_module(f"{torch.__name__}.autograd.function").once_differentiable

    def forward(ctx, x, y):
        ctx.save_for_backward(x, y)
        return x * y

    @mark
    def backward(ctx, g):
        x, y = ctx.saved_tensors
        return g * y, g * x

    return make(torch, forward, backward)


@case
def once_first_order(torch):
    x = leaf(torch)
    once(torch).apply(x, x * 2).sum().backward()
    return x.grad


@case
def once_second_order(torch):
    x = leaf(torch)
    (g,) = torch.autograd.grad(once(torch).apply(x, x.detach()).sum(), x, create_graph=True)
    return g.requires_grad


@case
def once_second_order_asked(torch):
    x = leaf(torch)
    y = once(torch).apply(x * x, x.detach())
    (g,) = torch.autograd.grad((y * y).sum(), x, create_graph=True)
    g.sum().backward()


@case
def once_grad_fn(torch):
    x = leaf(torch)
    y = once(torch).apply(x * x, x.detach())
    seen = []
    x.register_hook(lambda g: seen.append(g.requires_grad))
    torch.autograd.grad((y * y).sum(), x, create_graph=True)
    return seen


@case
def double_backward_through_backward(torch):
    x = leaf(torch)
    y = square(torch).apply(square(torch).apply(x))
    orders = [y.sum()]
    for _ in range(3):
        orders.append(torch.autograd.grad(orders[-1], x, create_graph=True)[0].sum())
    return [one.item() for one in orders]


@case
def backward_uses_another_function(torch):
    inner = square(torch)

    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x * x / 3

    x = leaf(torch)
    f = make(torch, forward, lambda ctx, g: g * inner.apply(ctx.saved_tensors[0]))
    (g,) = torch.autograd.grad(f.apply(x).sum(), x, create_graph=True)
    (h,) = torch.autograd.grad(g.sum(), x)
    return g, h


@case
def backward_inside_backward(torch):
    def forward(ctx, x):
        with torch.enable_grad():
            ctx.x = x.detach().requires_grad_()
            ctx.y = (ctx.x ** 3).sum()
        return ctx.y.detach()

    def backward(ctx, g):
        with torch.enable_grad():
            ctx.y.backward()
        return ctx.x.grad * g

    x = leaf(torch)
    make(torch, forward, backward).apply(x * 2).backward()
    return x.grad


@case
def deep_reentrance(torch):
    f = None

    def forward(ctx, x, depth):
        ctx.depth = depth
        with torch.enable_grad():
            ctx.x = x.detach().requires_grad_()
            ctx.y = ctx.x * 1.5 if depth == 0 else f.apply(ctx.x * 1.5, depth - 1)
        return ctx.y.detach()

    def backward(ctx, g):
        ctx.y.backward(g)
        return ctx.x.grad, None

    f = make(torch, forward, backward)
    x = leaf(torch)
    f.apply(x, 20).sum().backward()
    return x.grad


@case
def reentrant_on_the_same_leaf(torch):
    w = leaf(torch)

    def backward(ctx, g):
        with torch.enable_grad():
            (w * 10).sum().backward()
        return g

    make(torch, lambda ctx, x: x * 1, backward).apply(w).sum().backward()
    return w.grad


@case
def nested_apply_in_forward(torch):
    inner = square(torch)
    x = leaf(torch)
    y = make(torch, lambda ctx, x: inner.apply(x) + 1, lambda ctx, g: g * 7).apply(x)
    y.sum().backward()
    return y, x.grad


@case
def gradcheck_of_a_function(torch):
    f = square(torch).apply
    return torch.autograd.gradcheck(f, leaf(torch)), torch.autograd.gradgradcheck(f, leaf(torch))


@case
def hooks_on_the_node(torch):
    log = []
    x = leaf(torch)
    y = make(torch, lambda ctx, x: (x * 2, x * 3), lambda ctx, g, h: g * 2 + h * 3).apply(x)
    y[0].grad_fn.register_prehook(lambda g: log.append(["pre", [one.tolist() for one in g]]))
    y[0].grad_fn.register_hook(lambda i, o: log.append(["post", [one.tolist() for one in i], [one.tolist() for one in o]]))
    y[1].register_hook(lambda g: g * 10)
    (y[0] + y[1]).sum().backward()
    return log, x.grad


@case
def names_and_module(torch):
    y = square(torch).apply(leaf(torch))
    known = str(y.grad_fn).startswith("<torch.autograd.function.MineBackward object at")
    return repr(y).split("grad_fn=")[1], type(y.grad_fn).__name__, known


@case
def in_place_function(torch):
    class Scale(torch.autograd.function.InplaceFunction):
        @staticmethod
        def forward(ctx, x):
            ctx.mark_dirty(x)
            return x.mul_(2)

        @staticmethod
        def backward(ctx, g):
            return g * 2

    x = leaf(torch)
    Scale.apply(x * 1).sum().backward()
    return x.grad, Scale(True).inplace


@case
def inherited_functions(torch):
    base = square(torch)
    other = type("Child", (base,), {})
    y = other.apply(leaf(torch))
    return y.grad_fn.name(), base.apply(leaf(torch)).grad_fn.name()


@case
def class_methods_in_forward(torch):
    class Counted(torch.autograd.Function):
        factor = 4

        @classmethod
        def scaled(cls, x):
            return x * cls.factor

        @classmethod
        def forward(cls, ctx, x):
            return cls.scaled(x)

        @classmethod
        def backward(cls, ctx, g):
            return g * cls.factor

    x = leaf(torch)
    Counted.apply(x).sum().backward()
    return x.grad


@case
def complex_function(torch):
    z = torch.tensor([1 + 2j, 3 - 1j], dtype=torch.complex128, requires_grad=True)

    def forward(ctx, z):
        ctx.save_for_backward(z)
        return z * z

    f = make(torch, forward, lambda ctx, g: g * 2 * ctx.saved_tensors[0].conj())
    f.apply(z).abs().sum().backward()
    return [[one.real, one.imag] for one in z.grad.tolist()], torch.autograd.gradcheck(f.apply, z)


@case
def retain_grad_on_output(torch):
    x = leaf(torch)
    a, b = make(torch, lambda ctx, x: (x * 2, x * 3), lambda ctx, g, h: g * 2 + h * 3).apply(x)
    a.retain_grad()
    (a * 5 + b).sum().backward()
    return a.grad, x.grad


@case
def grad_with_respect_to_output(torch):
    x = leaf(torch)
    a, b = make(torch, lambda ctx, x: (x * 2, x * 3), lambda ctx, g, h: g * 2 + h * 3).apply(x)
    return torch.autograd.grad((a * b).sum(), [a, b, x])


@case
def views_as_inputs(torch):
    x = leaf(torch)
    z = x * 1
    v = z[1:]
    z.mul_(3)
    y = square(torch).apply(v)
    y.sum().backward()
    return y, x.grad


@case
def anomaly_names_the_function(torch):
    with torch.autograd.detect_anomaly():
        make(torch, lambda ctx, x: x * 2, lambda ctx, g: g * float("nan")).apply(leaf(torch)).sum().backward()
