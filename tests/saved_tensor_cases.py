"""Programs with saved tensors and their hooks (see facts.py)."""

from __future__ import annotations

from facts import Programs, leaf

PROGRAMS = case = Programs("saved_tensor")


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
def saved_identity(torch):
    x = leaf(torch)
    y = x * x
    z = x * 1
    e = z.exp()
    return (
        y.grad_fn._saved_self is x,
        z.exp().grad_fn._saved_result.requires_grad,
        e.grad_fn._saved_result is e,
        (z * z).grad_fn._saved_self is z,
    )


@case
def saved_identity_eq(torch):
    x = leaf(torch)
    z = x * 1
    w = (z * z).grad_fn._saved_self
    return w.grad_fn is z.grad_fn, w._version


@case
def saved_after_free(torch):
    x = leaf(torch)
    y = x * x
    y.sum().backward()
    return y.grad_fn._saved_self


@case
def raw_after_free(torch):
    x = leaf(torch)
    y = x * x
    y.sum().backward()
    y.grad_fn._raw_saved_self.register_hooks(lambda t: t, lambda t: t)


@case
def raw_twice(torch):
    x = leaf(torch)
    y = x * x
    s = y.grad_fn._raw_saved_self
    s.register_hooks(lambda t: t, lambda t: t)
    s.register_hooks(lambda t: t, lambda t: t)


@case
def raw_none(torch):
    x = leaf(torch)
    y = x * torch.ones(3, dtype=torch.float64)
    y.grad_fn._raw_saved_self.register_hooks(lambda t: t, lambda t: t)


@case
def saved_none(torch):
    x = leaf(torch)
    y = x * torch.ones(3, dtype=torch.float64)
    return y.grad_fn._saved_self, y.grad_fn._saved_other


@case
def saved_scalar(torch):
    x = leaf(torch)
    y = x * 3
    return [n for n in dir(y.grad_fn) if "saved" in n], y.grad_fn._saved_other, y.grad_fn._saved_self


@case
def saved_bad(torch):
    x = leaf(torch)
    return (x * 3).grad_fn._saved_foo


@case
def savedtensor_ctor(torch):
    type((leaf(torch) * leaf(torch)).grad_fn._raw_saved_self)()


@case
def raw_pack_error(torch):
    x = leaf(torch)
    y = x * x
    y.grad_fn._raw_saved_self.register_hooks(lambda t: 1 / 0, lambda t: t)


@case
def raw_inplace_pack(torch):
    x = leaf(torch)
    a = x * 1
    y = a * a
    y.grad_fn._raw_saved_self.register_hooks(lambda t: t.mul_(2), lambda t: t)


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
def mutation_nested(torch):
    G = torch.autograd.graph
    with G.allow_mutation_on_saved_tensors(), G.allow_mutation_on_saved_tensors():
        pass


@case
def mutation_view(torch):
    G = torch.autograd.graph
    with G.allow_mutation_on_saved_tensors():
        x = leaf(torch)
        a = x * 1
        y = a * a
        a[:1].mul_(100)
        b = a.view(3, 1)
        z = b * b
        a.zero_()
        (y.sum() + z.sum()).backward()
    return x.grad


@case
def mutation_leaf_nograd(torch):
    G = torch.autograd.graph
    with G.allow_mutation_on_saved_tensors():
        x = leaf(torch)
        y = x * x
        with torch.no_grad():
            x.mul_(100)
        y.sum().backward()
    return x.grad


@case
def mutation_out(torch):
    G = torch.autograd.graph
    with G.allow_mutation_on_saved_tensors():
        w = torch.ones(3, dtype=torch.float64)
        x = leaf(torch)
        y = x * w
        torch.add(w, 5, out=w)
        y.sum().backward()
    return x.grad, w


@case
def mutation_setitem(torch):
    G = torch.autograd.graph
    with G.allow_mutation_on_saved_tensors():
        x = leaf(torch)
        a = x.clone()
        y = a.sin()
        a[0] = 5.0
        y.sum().backward()
    return x.grad


@case
def mutation_twice(torch):
    G = torch.autograd.graph
    with G.allow_mutation_on_saved_tensors():
        x = leaf(torch)
        a = x.clone()
        y = a.sin()
        a.mul_(2)
        z = a.sin()
        a.mul_(2)
        (y + z + a).sum().backward()
    return x.grad


@case
def mutation_result_saved(torch):
    G = torch.autograd.graph
    with G.allow_mutation_on_saved_tensors():
        x = leaf(torch)
        a = x.exp()
        a.mul_(3)
        a.sum().backward()
    return x.grad


@case
def mutation_retain(torch):
    G = torch.autograd.graph
    with G.allow_mutation_on_saved_tensors():
        x = leaf(torch)
        a = x * 1
        y = a * a
        y.sum().backward(retain_graph=True)
        a.add_(10)
        y.sum().backward()
    return x.grad


@case
def mutation_optim(torch):
    G = torch.autograd.graph
    with G.allow_mutation_on_saved_tensors():
        w = leaf(torch)
        x = leaf(torch)
        opt = torch.optim.SGD([w], lr=1.0)
        first = (w * x).sum()
        second = (w * w * x).sum()
        first.backward()
        opt.step()
        second.backward()
    return x.grad, w.grad
