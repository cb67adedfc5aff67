"""How often parts run, and what they see: nesting, early stop, random numbers, hooks."""

from __future__ import annotations

from facts import leaf

from .programs import case, part


@case
def context_re(torch):
    torch.utils.checkpoint.checkpoint(part, leaf(torch), use_reentrant=True, context_fn=lambda: (None, None))


@case
def debug_re(torch):
    torch.utils.checkpoint.checkpoint(part, leaf(torch), use_reentrant=True, debug=True)


@case
def retain_non(torch):
    x = leaf(torch)
    c = [0]

    def f(x):
        c[0] += 1
        return part(x)

    y = torch.utils.checkpoint.checkpoint(f, x, use_reentrant=False)
    y.sum().backward(retain_graph=True)
    y.sum().backward()
    return x.grad, c


@case
def twice_err_non(torch):
    x = leaf(torch)
    y = torch.utils.checkpoint.checkpoint(part, x, use_reentrant=False)
    y.sum().backward()
    y.sum().backward()


@case
def twice_err_re(torch):
    x = leaf(torch)
    y = torch.utils.checkpoint.checkpoint(part, x, use_reentrant=True)
    y.sum().backward()
    y.sum().backward()


@case
def retain_re(torch):
    x = leaf(torch)
    y = torch.utils.checkpoint.checkpoint(part, x, use_reentrant=True)
    y.sum().backward(retain_graph=True)
    y.sum().backward()
    return x.grad


@case
def count_nested(torch):
    x = leaf(torch)
    log = []

    def inner(x):
        log.append("i")
        return part(x)

    def outer(x):
        log.append("o")
        return torch.utils.checkpoint.checkpoint(inner, x * 2, use_reentrant=False) * x

    y = torch.utils.checkpoint.checkpoint(outer, x, use_reentrant=False)
    y.sum().backward()
    return x.grad, log


@case
def count_nested_noearly(torch):
    x = leaf(torch)
    log = []

    def inner(x):
        log.append("i")
        return part(x)

    def outer(x):
        log.append("o")
        return torch.utils.checkpoint.checkpoint(inner, x * 2, use_reentrant=False) * x

    with torch.utils.checkpoint.set_checkpoint_early_stop(False):
        y = torch.utils.checkpoint.checkpoint(outer, x, use_reentrant=False)
    y.sum().backward()
    return x.grad, log


@case
def nested_three(torch):
    x = leaf(torch)
    log = []
    C = torch.utils.checkpoint.checkpoint

    def a(x):
        log.append("a")
        return part(x)

    def b(x):
        log.append("b")
        return C(a, x, use_reentrant=False).exp()

    def c(x):
        log.append("c")
        return C(b, x, use_reentrant=False).sin()

    C(c, x, use_reentrant=False).sum().backward()
    return x.grad, log


@case
def nested_re(torch):
    x = leaf(torch)
    log = []
    C = torch.utils.checkpoint.checkpoint

    def a(x):
        log.append("a")
        return part(x)

    def b(x):
        log.append("b")
        return C(a, x, use_reentrant=True).exp()

    C(b, x, use_reentrant=True).sum().backward()
    return x.grad, log


@case
def nested_mixed(torch):
    x = leaf(torch)
    log = []
    C = torch.utils.checkpoint.checkpoint

    def a(x):
        log.append("a")
        return part(x)

    def b(x):
        log.append("b")
        return C(a, x, use_reentrant=True).exp()

    C(b, x, use_reentrant=False).sum().backward()
    return x.grad, log


@case
def nested_mixed2(torch):
    x = leaf(torch)
    log = []
    C = torch.utils.checkpoint.checkpoint

    def a(x):
        log.append("a")
        return part(x)

    def b(x):
        log.append("b")
        return C(a, x, use_reentrant=False).exp()

    C(b, x, use_reentrant=True).sum().backward()
    return x.grad, log


@case
def early_stop_arg(torch):
    x = leaf(torch)
    log = []

    def f(x):
        y = x.exp()
        y = y.sin()
        log.append("end")
        return y + 1

    torch.utils.checkpoint.checkpoint(f, x, use_reentrant=False).sum().backward()
    torch.utils.checkpoint.checkpoint(f, x, use_reentrant=False, early_stop=False).sum().backward()
    return log


@case
def rng(torch):
    out = []
    for re in (True, False):
        for pres in (True, False):
            torch.manual_seed(3)
            x = torch.ones(20, dtype=torch.float64, requires_grad=True)
            y = torch.utils.checkpoint.checkpoint(
                lambda x: torch.nn.functional.dropout(x, 0.5), x, use_reentrant=re, preserve_rng_state=pres
            )
            torch.rand(1)
            y.sum().backward()
            out.append(((x.grad != 0) == (y != 0)).all().item())
            out.append(torch.rand(1).item())
    return out


@case
def more(torch):
    x = leaf(torch)
    c = [0]

    def f(x):
        c[0] += 1
        return x.sin().cos() if c[0] == 2 else x.sin()

    y = torch.utils.checkpoint.checkpoint(f, x, use_reentrant=False)
    y.sum().backward()
    return x.grad


@case
def meta_none(torch):
    x = leaf(torch)
    c = [0]

    def f(x):
        c[0] += 1
        return x.sin() if c[0] == 1 else (x + 1).sin()

    y = torch.utils.checkpoint.checkpoint(f, x, use_reentrant=False, determinism_check="none")
    y.sum().backward()
    return x.grad


@case
def inner_nograd_re(torch):
    x = leaf(torch)
    log = []

    def f(x):
        log.append(torch.is_grad_enabled())
        return x * x

    torch.utils.checkpoint.checkpoint(f, x, use_reentrant=True).sum().backward()
    torch.utils.checkpoint.checkpoint(f, x, use_reentrant=False).sum().backward()
    return log


@case
def context_fn(torch):

    log = []

    class C:
        def __init__(s, n):
            s.n = n

        def __enter__(s):
            log.append("in " + s.n)

        def __exit__(s, *a):
            log.append("out " + s.n)

    x = leaf(torch)

    def f(x):
        log.append("f")
        return part(x)

    torch.utils.checkpoint.checkpoint(f, x, use_reentrant=False, context_fn=lambda: (C("a"), C("b"))).sum().backward()
    return log


@case
def unpack_twice(torch):
    x = leaf(torch)

    class F(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * 2

        @staticmethod
        def backward(ctx, g):
            assert len(ctx.saved_tensors) == 1
            return g * ctx.saved_tensors[0]

    y = torch.utils.checkpoint.checkpoint(lambda x: F.apply(x.exp()), x, use_reentrant=False)
    y.sum().backward()


@case
def saved_access_outside(torch):
    x = leaf(torch)
    y = torch.utils.checkpoint.checkpoint(lambda x: x.exp().sin(), x, use_reentrant=False)
    a = y.grad_fn._saved_self
    b = y.grad_fn._saved_self
    y.sum().backward()
    return a, b, x.grad


@case
def with_savedhooks(torch):
    x = leaf(torch)
    log = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: (log.append("p"), t)[1], lambda t: (log.append("u"), t)[1]):
        y = torch.utils.checkpoint.checkpoint(lambda x: x.exp().sin(), x, use_reentrant=False)
    y.sum().backward()
    return log, x.grad


@case
def inner_savedhooks(torch):
    x = leaf(torch)
    log = []

    def f(x):
        with torch.autograd.graph.saved_tensors_hooks(lambda t: (log.append("p"), t)[1], lambda t: (log.append("u"), t)[1]):
            return x.exp().sin()

    y = torch.utils.checkpoint.checkpoint(f, x, use_reentrant=False)
    y.sum().backward()
    return log, x.grad


@case
def two_backward_parts(torch):
    x = leaf(torch)
    c = [0]

    def f(x):
        c[0] += 1
        return x.exp().sin(), x.cos().tan()

    a, b = torch.utils.checkpoint.checkpoint(f, x, use_reentrant=False)
    a.sum().backward()
    b.sum().backward()
    return x.grad, c


@case
def partial(torch):
    x = leaf(torch)
    c = [0]

    def f(x):
        c[0] += 1
        return x.exp().sin(), x.cos().tan()

    a, b = torch.utils.checkpoint.checkpoint(f, x, use_reentrant=False)
    b.sum().backward()
    return x.grad, c


@case
def backward_inside(torch):
    x = leaf(torch)

    def f(x):
        y = x * x
        with torch.enable_grad():
            (g,) = torch.autograd.grad(y.sum(), x, create_graph=True)
        return g * x

    torch.utils.checkpoint.checkpoint(f, x, use_reentrant=False).sum().backward()
    return x.grad


@case
def early_stop_settings(torch):
    with torch.utils.checkpoint.set_checkpoint_early_stop(False):
        pass
    return "ok"


@case
def preserve_kw_both(torch):
    x = leaf(torch)
    return torch.utils.checkpoint.checkpoint(part, x, use_reentrant=False, preserve_rng_state=True)


@case
def module_ck(torch):
    torch.manual_seed(0)
    m = torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.Dropout(0.5), torch.nn.Linear(3, 3)).double()
    out = []
    for re in (True, False, None):
        torch.manual_seed(1)
        m.zero_grad()
        x = leaf(torch)
        y = m(x) if re is None else torch.utils.checkpoint.checkpoint(m, x, use_reentrant=re)
        y.sum().backward()
        out.append((x.grad, m[0].weight.grad.clone()))
    return out
