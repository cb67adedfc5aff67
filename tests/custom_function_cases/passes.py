"""Backward passes through custom functions: what they return, passes within passes, threads."""

from __future__ import annotations

from facts import leaf

from .programs import case, make


@case
def backward_none_after(torch):
    """backward run with zeros when all after returned None"""
    seen = []
    f = make(torch, lambda ctx, x: x * 2, lambda ctx, g: (seen.append(None if g is None else g.tolist()), g)[1])
    n = make(torch, lambda ctx, x: x * 3, lambda ctx, g: None)
    x = leaf(torch)
    n.apply(f.apply(x)).sum().backward()
    return seen, x.grad


@case
def backward_none_after_unmat(torch):
    seen = []

    def fwd(ctx, x):
        ctx.set_materialize_grads(False)
        return x * 2

    f = make(torch, fwd, lambda ctx, g: (seen.append(g is None), g)[1])
    n = make(torch, lambda ctx, x: x * 3, lambda ctx, g: None)
    x = leaf(torch)
    n.apply(f.apply(x)).sum().backward()
    return seen, x.grad


@case
def backward_none_after_mid(torch):
    seen = []
    f = make(torch, lambda ctx, x: x * 2, lambda ctx, g: (seen.append(None if g is None else g.tolist()), g)[1])
    n = make(torch, lambda ctx, x: x * 3, lambda ctx, g: None)
    x = leaf(torch)
    n.apply((f.apply(x) * 2).exp()).sum().backward()
    return seen, x.grad


@case
def backward_none_grad(torch):
    n = make(torch, lambda ctx, x: x * 3, lambda ctx, g: None)
    x = leaf(torch)
    return torch.autograd.grad(n.apply(x * 2).sum(), x, allow_unused=True)


@case
def backward_none_grad2(torch):
    n = make(torch, lambda ctx, x: x * 3, lambda ctx, g: None)
    x = leaf(torch)
    return torch.autograd.grad(n.apply(x * 2).sum(), x)


@case
def backward_none_branch(torch):
    seen = []
    f = make(
        torch,
        lambda ctx, x: (x * 2, x * 3),
        lambda ctx, g, h: (seen.append([None if a is None else a.tolist() for a in (g, h)]), g + h)[1],
    )
    n = make(torch, lambda ctx, x: x * 3, lambda ctx, g: None)
    x = leaf(torch)
    a, b = f.apply(x)
    (n.apply(a) + b).sum().backward()
    return seen, x.grad


@case
def deep_reentrant(torch):
    def fwd(ctx, x, n):
        ctx.n = n
        ctx.save_for_backward(x)
        return x * 1

    def bwd(ctx, g):
        if ctx.n == 0:
            return g, None
        (x,) = ctx.saved_tensors
        with torch.enable_grad():
            y = x.detach().requires_grad_()
            z = f.apply(y, ctx.n - 1)
            z.sum().backward()
        return y.grad * g, None

    f = make(torch, fwd, bwd)
    x = leaf(torch)
    f.apply(x, 200).sum().backward()
    return x.grad


@case
def reentrant_same_graph(torch):
    inner = []

    def bwd(ctx, g):
        with torch.enable_grad():
            w = torch.ones(3, dtype=torch.float64, requires_grad=True)
            (w * g).sum().backward()
        inner.append(w.grad.tolist())
        return g * w.grad

    x = leaf(torch)
    make(torch, lambda ctx, x: x * 2, bwd).apply(x * x).sum().backward()
    return x.grad, inner


@case
def exception_in_backward(torch):
    class Special(Exception):
        pass

    def bwd(ctx, g):
        raise Special("here")

    x = leaf(torch)
    make(torch, lambda ctx, x: x * 2, bwd).apply(x * x).sum().backward()


@case
def backward_wrong_shape(torch):
    make(torch, lambda ctx, x: x * 2, lambda ctx, g: g[:2]).apply(leaf(torch)).sum().backward()


@case
def backward_wrong_dtype(torch):
    x = leaf(torch)
    make(torch, lambda ctx, x: x * 2, lambda ctx, g: g.float()).apply(x).sum().backward()
    return x.grad, str(x.grad.dtype)


@case
def backward_int_grad(torch):
    x = leaf(torch)
    make(torch, lambda ctx, x: x * 2, lambda ctx, g: g.long()).apply(x).sum().backward()
    return x.grad, str(x.grad.dtype)


@case
def backward_expandable(torch):
    x = leaf(torch)
    make(torch, lambda ctx, x: x * 2, lambda ctx, g: torch.ones(2, 3)).apply(x).sum().backward()
    return x.grad


@case
def backward_expandable2(torch):
    x = leaf(torch)
    make(torch, lambda ctx, x: x * 2, lambda ctx, g: torch.tensor(1.0)).apply(x).sum().backward()
    return x.grad


@case
def backward_too_few(torch):
    x = leaf(torch)
    make(torch, lambda ctx, x, y: x * 2, lambda ctx, g: g).apply(x, x).sum().backward()


@case
def backward_too_many(torch):
    x = leaf(torch)
    make(torch, lambda ctx, x: x * 2, lambda ctx, g: (g, g)).apply(x).sum().backward()


@case
def backward_grad_for_nontensor(torch):
    x = leaf(torch)
    make(torch, lambda ctx, x, n: x * 2, lambda ctx, g: (g, g)).apply(x, 3).sum().backward()


@case
def backward_grad_for_nongrad(torch):
    x = leaf(torch)
    make(torch, lambda ctx, x, n: x * 2, lambda ctx, g: (g, g)).apply(x, x.detach()).sum().backward()
    return x.grad


@case
def backward_grad_for_int_tensor(torch):
    x = leaf(torch)
    make(torch, lambda ctx, x, n: x * 2, lambda ctx, g: (g, g)).apply(x, torch.tensor([1])).sum().backward()
    return x.grad


@case
def threads_apply(torch):
    import threading

    f = make(torch, lambda ctx, x: (ctx.save_for_backward(x), x * x)[1], lambda ctx, g: 2 * ctx.saved_tensors[0] * g)
    xs = [leaf(torch, float(i), 1.0) for i in range(8)]

    def work(x):
        y = x
        for _ in range(5):
            y = f.apply(y) * 0.5
        y.sum().backward()

    ts = [threading.Thread(target=work, args=(x,)) for x in xs]
    [t.start() for t in ts]
    [t.join() for t in ts]
    return [x.grad for x in xs]


@case
def deep_500(torch):
    class DeepReentrant(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            with torch.enable_grad():
                ctx.x = x.detach().requires_grad_()
                ctx.x = ctx.x - 1
            return ctx.x.detach()

        @staticmethod
        def backward(ctx, x):
            if ctx.x < 0:
                return x
            with torch.enable_grad():
                DeepReentrant.apply(ctx.x).sum().backward()
            return x

    v = torch.tensor(500.0, requires_grad=True)
    DeepReentrant.apply(v).sum().backward()
    return v.grad


@case
def reentrant_error_deep(torch):
    class D(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, n):
            ctx.n = n
            return x * 1

        @staticmethod
        def backward(ctx, g):
            if ctx.n == 0:
                raise ValueError("bottom")
            with torch.enable_grad():
                D.apply(torch.ones(1, requires_grad=True), ctx.n - 1).sum().backward()
            return g, None

    D.apply(torch.ones(1, requires_grad=True), 70).sum().backward()


@case
def reentrant_modes_deep(torch):
    seen = []

    class D(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, n):
            ctx.n = n
            return x * 1

        @staticmethod
        def backward(ctx, g):
            if ctx.n == 0:
                seen.append((torch.is_grad_enabled(), torch.is_inference_mode_enabled(), torch.is_anomaly_enabled()))
                return g, None
            with torch.enable_grad():
                D.apply(torch.ones(1, requires_grad=True), ctx.n - 1).sum().backward()
            return g, None

    D.apply(torch.ones(1, requires_grad=True), 70).sum().backward()
    return seen, torch.is_grad_enabled()


@case
def reentrant_priority(torch):
    order = []

    class MyFunction(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x

        @staticmethod
        def backward(ctx, x):
            order.append("MyFunction")
            return x

    class Reentrant(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            with torch.enable_grad():
                ctx.x = x.detach().requires_grad_()
                ctx.x = ctx.x - 1
            return ctx.x.detach()

        @staticmethod
        def backward(ctx, x):
            order.append("Reentrant")
            if ctx.x < 0:
                return x
            with torch.enable_grad():
                Reentrant.apply(ctx.x).backward()
            return x

    a = MyFunction.apply(torch.tensor(6.0, requires_grad=True))
    b = Reentrant.apply(torch.tensor(9.0, requires_grad=True))
    v = a * b
    v.backward()
    return len(order), order


@case
def backward_in_forward(torch):
    class D(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            with torch.enable_grad():
                y = x.detach().requires_grad_()
                (y**3).sum().backward()
            ctx.save_for_backward(y.grad)
            return y.detach() ** 3

        @staticmethod
        def backward(ctx, g):
            return g * ctx.saved_tensors[0]

    x = leaf(torch)
    D.apply(x).sum().backward()
    return x.grad


@case
def save_intermediate_requires_grad(torch):
    class D(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            with torch.enable_grad():
                y = x.detach().requires_grad_()
                z = y**3
            ctx.y, ctx.z = y, z
            return z.detach()

        @staticmethod
        def backward(ctx, g):
            return torch.autograd.grad(ctx.z, ctx.y, g, retain_graph=True)[0]

    x = leaf(torch)
    D.apply(x).sum().backward()
    return x.grad


@case
def grad_with_history(torch):
    x = leaf(torch)
    w = leaf(torch)
    f = make(torch, lambda ctx, x: x * 2, lambda ctx, g: g * w)
    f.apply(x).sum().backward()
    return x.grad, x.grad.requires_grad, w.grad


@case
def grad_is_param(torch):
    x = leaf(torch)
    w = leaf(torch)
    f = make(torch, lambda ctx, x: x * 2, lambda ctx, g: w)
    f.apply(x).sum().backward()
    return x.grad, x.grad is w, x.grad.requires_grad


@case
def grad_is_g(torch):
    x = leaf(torch)
    keep = []
    f = make(torch, lambda ctx, x, y: x * 2, lambda ctx, g: (keep.append(g), g, g)[1:])
    y = leaf(torch)
    f.apply(x, y).sum().backward()
    x.grad.add_(1)
    return x.grad, y.grad, keep[0].tolist()
