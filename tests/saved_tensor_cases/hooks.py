"""Blocks with hooks that pack and unpack."""

from __future__ import annotations

import threading
import weakref

from facts import leaf

from .programs import case


@case
def hooks_basic(torch):
    log = []
    x = leaf(torch)
    with torch.autograd.graph.saved_tensors_hooks(
        lambda t: (log.append(("p", tuple(t.shape), t.requires_grad)), t * 2)[1], lambda t: (log.append("u"), t)[1]
    ):
        y = x * x
    y.sum().backward()
    return log, x.grad


@case
def hooks_modes(torch):
    log = []
    x = leaf(torch)
    with torch.autograd.graph.saved_tensors_hooks(
        lambda t: (log.append(torch.is_grad_enabled()), t)[1], lambda t: (log.append(torch.is_grad_enabled()), t)[1]
    ):
        y = x * x
    y.sum().backward(create_graph=True)
    return log


@case
def unpack_wrong_type(torch):
    x = leaf(torch)
    with torch.autograd.graph.saved_tensors_hooks(lambda t: t, lambda t: 3):
        y = x * x
    y.sum().backward()


@case
def unpack_none(torch):
    x = leaf(torch)
    with torch.autograd.graph.saved_tensors_hooks(lambda t: None, lambda t: None):
        y = x * x
    y.sum().backward()


@case
def pack_error(torch):
    x = leaf(torch)

    def p(t):
        raise ValueError("in pack")

    with torch.autograd.graph.saved_tensors_hooks(p, lambda t: None):
        x * x


@case
def unpack_error(torch):
    x = leaf(torch)

    def p(t):
        raise ValueError("in unpack")

    with torch.autograd.graph.saved_tensors_hooks(lambda t: t, p):
        y = x * x
    y.sum().backward()


@case
def pack_inplace(torch):
    x = leaf(torch)
    with torch.autograd.graph.saved_tensors_hooks(lambda t: t.mul_(2), lambda t: t):
        (x * 1) * (x * 1)


@case
def pack_inplace_out(torch):
    x = leaf(torch)
    with torch.autograd.graph.saved_tensors_hooks(lambda t: t.mul_(2), lambda t: t):
        x.exp()


@case
def nested(torch):
    log = []
    G = torch.autograd.graph
    x = leaf(torch)

    def h(n):
        return G.saved_tensors_hooks(lambda t: (log.append("p" + n), t)[1], lambda t: (log.append("u" + n), t)[1])

    with h("1"):
        a = x * x
        with h("2"):
            b = x * x
        c = x * x
    (a + b + c).sum().backward()
    return log


@case
def exit_on_error(torch):
    log = []
    G = torch.autograd.graph
    x = leaf(torch)
    try:
        with G.saved_tensors_hooks(lambda t: (log.append("p"), t)[1], lambda t: t):
            raise ValueError
    except ValueError:
        pass
    x * x
    return log


@case
def disable(torch):
    G = torch.autograd.graph
    with G.disable_saved_tensors_hooks("no hooks"), G.saved_tensors_hooks(lambda t: t, lambda t: t):
        pass


@case
def disable_inside(torch):
    G = torch.autograd.graph
    with G.saved_tensors_hooks(lambda t: t, lambda t: t), G.disable_saved_tensors_hooks("no hooks"):
        pass


@case
def disable_nested(torch):
    G = torch.autograd.graph
    log = []
    with G.disable_saved_tensors_hooks("a"):
        try:
            with G.disable_saved_tensors_hooks("b"), G.saved_tensors_hooks(lambda t: t, lambda t: t):
                pass
        except RuntimeError as e:
            log.append(str(e))
        try:
            with G.saved_tensors_hooks(lambda t: t, lambda t: t):
                pass
        except RuntimeError as e:
            log.append(str(e))
    with G.saved_tensors_hooks(lambda t: t, lambda t: t):
        log.append("ok")
    return log


@case
def disable_deco(torch):
    G = torch.autograd.graph

    @G.disable_saved_tensors_hooks("msg")
    def f():
        with G.saved_tensors_hooks(lambda t: t, lambda t: t):
            return 1

    return f()


@case
def save_on_cpu(torch):
    x = leaf(torch)
    with torch.autograd.graph.save_on_cpu():
        y = x * x
    y.sum().backward()
    return x.grad, isinstance(torch.autograd.graph.save_on_cpu(), torch.autograd.graph.saved_tensors_hooks)


@case
def save_on_cpu_bad(torch):
    torch.autograd.graph.save_on_cpu(device_type="foo")


@case
def hooks_version_check(torch):
    x = leaf(torch)
    a = x * 1
    with torch.autograd.graph.saved_tensors_hooks(lambda t: t, lambda t: t):
        y = a * a
    a.add_(1)
    y.sum().backward()
    return x.grad


@case
def hooks_double_backward(torch):
    x = leaf(torch)
    with torch.autograd.graph.saved_tensors_hooks(lambda t: t.detach().numpy().copy(), lambda t: torch.from_numpy(t)):
        y = x * x * x
    (g,) = torch.autograd.grad(y.sum(), x, create_graph=True)
    return torch.autograd.grad(g.sum(), x), g


@case
def hooks_function(torch):
    log = []

    class F(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            y = x * 2
            ctx.save_for_backward(x, y, None)
            return y

        @staticmethod
        def backward(ctx, g):
            a, b, c = ctx.saved_tensors
            return g * 2 * a / a

    x = leaf(torch)
    with torch.autograd.graph.saved_tensors_hooks(
        lambda t: (log.append(("p", t.tolist())), t)[1], lambda t: (log.append("u"), t)[1]
    ):
        y = F.apply(x)
    y.sum().backward()
    return log


@case
def saved_hooks_and_inplace(torch):
    x = leaf(torch)
    with torch.autograd.graph.saved_tensors_hooks(lambda t: t.clone(), lambda t: t):
        y = x * 1
        z = y.exp()
        w = z * z
    z.mul_(5)
    w.sum().backward()
    return x.grad


@case
def saved_hooks_leaf_identity(torch):
    x = leaf(torch)
    ids = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: (ids.append(t is x), t)[1], lambda t: t):
        x * x
    return ids


@case
def saved_hooks_int(torch):
    x = leaf(torch)
    ids = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: (ids.append(str(t.dtype)), t)[1], lambda t: t):
        y = x.gather(0, torch.tensor([0, 1]))
        z = x.index_select(0, torch.tensor([1]))
    (y.sum() + z.sum()).backward()
    return x.grad


@case
def saved_hooks_numpy(torch):
    x = leaf(torch)
    with torch.autograd.graph.saved_tensors_hooks(lambda t: t.detach().numpy(), lambda a: torch.from_numpy(a)):
        y = (x.sin() * x.exp()).sum()
    y.backward()
    return x.grad


@case
def saved_hooks_wrong_dtype(torch):
    x = leaf(torch)
    with torch.autograd.graph.saved_tensors_hooks(lambda t: t, lambda a: a.float()):
        y = (x * x).sum()
    y.backward()
    return x.grad


@case
def saved_hooks_scale(torch):
    x = leaf(torch)
    with torch.autograd.graph.saved_tensors_hooks(lambda t: t, lambda a: a * 10):
        y = (x * x).sum()
    y.backward()
    return x.grad


@case
def saved_freed_objects(torch):
    class Box:
        pass

    x = leaf(torch)
    refs = []

    def pack(t):
        o = Box()
        o.t = t
        refs.append(weakref.ref(o))
        return o

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda o: o.t):
        y = x.exp() * 2
    alive = [r() is not None for r in refs]
    y.sum().backward()
    return alive, [r() is not None for r in refs]


@case
def pack_not_called_nograd(torch):
    n = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: (n.append(1), t)[1], lambda a: a):
        torch.ones(3) * torch.ones(3)
        with torch.no_grad():
            leaf(torch) * leaf(torch)
    return n


@case
def thread_hooks(torch):
    n = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: (n.append(1), t)[1], lambda a: a):
        t = threading.Thread(target=lambda: leaf(torch).exp())
        t.start()
        t.join()
    return n
