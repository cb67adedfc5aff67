"""Both kinds: arguments, results, errors, and what may be asked of them."""

from __future__ import annotations

from facts import leaf

from .programs import case, part


@case
def basic(torch):
    x = leaf(torch)
    y = torch.utils.checkpoint.checkpoint(part, x, use_reentrant=False)
    n = y.grad_fn.name()
    y.sum().backward()
    return x.grad, n


@case
def basic_re(torch):
    x = leaf(torch)
    y = torch.utils.checkpoint.checkpoint(part, x, use_reentrant=True)
    n = y.grad_fn.name()
    y.sum().backward()
    return x.grad, n


@case
def default(torch):
    x = leaf(torch)
    y = torch.utils.checkpoint.checkpoint(part, x)
    n = y.grad_fn.name()
    y.sum().backward()
    return x.grad, n


@case
def seq_default(torch):
    x = leaf(torch)
    y = torch.utils.checkpoint.checkpoint_sequential([part, part, part, part], 2, x)
    n = y.grad_fn.name()
    y.sum().backward()
    return x.grad, n


@case
def seq_module(torch):
    torch.manual_seed(0)
    m = torch.nn.Sequential(*[torch.nn.Linear(3, 3) for _ in range(5)]).double()
    x = leaf(torch)
    y = torch.utils.checkpoint.checkpoint_sequential(m, 2, x, use_reentrant=False)
    y.sum().backward()
    return x.grad


@case
def seq_kw(torch):
    x = leaf(torch)
    torch.utils.checkpoint.checkpoint_sequential([part, part], 2, x, use_reentrant=False, foo=1)


@case
def seq_one(torch):
    x = leaf(torch)
    y = torch.utils.checkpoint.checkpoint_sequential([part, part], 1, x, use_reentrant=True)
    n = y.grad_fn.name()
    y.sum().backward()
    return x.grad, n


@case
def seq_zero(torch):
    x = leaf(torch)
    torch.utils.checkpoint.checkpoint_sequential([part, part], 0, x, use_reentrant=True)


@case
def no_input_grad_re(torch):
    w = leaf(torch)
    y = torch.utils.checkpoint.checkpoint(lambda x: x * w, torch.ones(3, dtype=torch.float64), use_reentrant=True)
    return y.requires_grad


@case
def no_input_grad_non(torch):
    w = leaf(torch)
    y = torch.utils.checkpoint.checkpoint(lambda x: x * w, torch.ones(3, dtype=torch.float64), use_reentrant=False)
    y.sum().backward()
    return w.grad


@case
def kwargs_non(torch):
    x = leaf(torch)
    y = torch.utils.checkpoint.checkpoint(lambda x, k=1: x * x * k, x, k=3, use_reentrant=False)
    y.sum().backward()
    return x.grad


@case
def kwargs_re(torch):
    x = leaf(torch)
    torch.utils.checkpoint.checkpoint(lambda x, k=1: x * x * k, x, k=3, use_reentrant=True)


@case
def kwargs_grad_non(torch):
    x = leaf(torch)
    k = leaf(torch)
    y = torch.utils.checkpoint.checkpoint(lambda x, k=1: x * x * k, x, k=k, use_reentrant=False)
    y.sum().backward()
    return x.grad, k.grad


@case
def bad_determinism(torch):
    torch.utils.checkpoint.checkpoint(part, leaf(torch), use_reentrant=False, determinism_check="foo")


@case
def grad_re(torch):
    x = leaf(torch)
    y = torch.utils.checkpoint.checkpoint(part, x, use_reentrant=True)
    torch.autograd.grad(y.sum(), x)


@case
def inputs_re(torch):
    x = leaf(torch)
    y = torch.utils.checkpoint.checkpoint(part, x, use_reentrant=True)
    y.sum().backward(inputs=[x])


@case
def grad_non(torch):
    x = leaf(torch)
    y = torch.utils.checkpoint.checkpoint(part, x, use_reentrant=False)
    return torch.autograd.grad(y.sum(), x)


@case
def double_non(torch):
    x = leaf(torch)
    y = torch.utils.checkpoint.checkpoint(part, x, use_reentrant=False)
    (g,) = torch.autograd.grad(y.sum(), x, create_graph=True)
    return g, torch.autograd.grad(g.sum(), x)


@case
def err_is(torch):
    E = torch.utils.checkpoint.CheckpointError
    return E.__mro__[1].__name__


@case
def in_nograd(torch):
    x = leaf(torch)
    with torch.no_grad():
        y = torch.utils.checkpoint.checkpoint(part, x, use_reentrant=False)
    with torch.no_grad():
        z = torch.utils.checkpoint.checkpoint(part, x, use_reentrant=True)
    return y, z


@case
def outputs_tuple(torch):
    x = leaf(torch)

    def f(x):
        return x * x, x * 3, 5, None

    a = torch.utils.checkpoint.checkpoint(f, x, use_reentrant=False)
    b = torch.utils.checkpoint.checkpoint(f, x, use_reentrant=True)
    (a[0].sum() + b[1].sum()).backward()
    return x.grad, type(a).__name__, type(b).__name__, b[2], b[3]


@case
def outputs_dict(torch):
    x = leaf(torch)

    def f(x):
        return {"a": x * x}

    a = torch.utils.checkpoint.checkpoint(f, x, use_reentrant=False)
    a["a"].sum().backward()
    return x.grad


@case
def outputs_dict_re(torch):
    x = leaf(torch)

    def f(x):
        return {"a": x * x}

    a = torch.utils.checkpoint.checkpoint(f, x, use_reentrant=True)
    return a["a"].requires_grad


@case
def args_nontensor(torch):
    x = leaf(torch)

    def f(x, scales, n, s):
        return x * scales[0] * n

    out = []
    for re in (True, False):
        x.grad = None
        torch.utils.checkpoint.checkpoint(f, x, [leaf(torch)], 3, "a", use_reentrant=re).sum().backward()
        out.append(x.grad)
    return out


@case
def none_needs_re(torch):
    x = leaf(torch)
    y = torch.utils.checkpoint.checkpoint(lambda x: x.detach() * 2, x, use_reentrant=True)
    y.sum().backward()


@case
def none_needs_non(torch):
    x = leaf(torch)
    y = torch.utils.checkpoint.checkpoint(lambda x: x.detach() * 2, x, use_reentrant=False)
    return y.requires_grad


@case
def helper_names(torch):
    C = torch.utils.checkpoint
    return (
        C.get_device_states(),
        C.set_device_states([], []),
        C.detach_variable((leaf(torch), 3)),
        C.check_backward_validity([leaf(torch)]),
    )


@case
def helper_warn(torch):
    return torch.utils.checkpoint.check_backward_validity([torch.ones(2)])


@case
def detach_bad(torch):
    return torch.utils.checkpoint.detach_variable(leaf(torch))


@case
def noop(torch):
    a, b = torch.utils.checkpoint.noop_context_fn()
    with a, b:
        return "ok"


@case
def policies(torch):
    P = torch.utils.checkpoint.CheckpointPolicy
    return [(p.name, p.value) for p in P], P.__mro__[1].__name__


@case
def sac_ctx(torch):
    S = torch.utils.checkpoint.SelectiveCheckpointContext
    s = S(is_recompute=True)
    return s.is_recompute, getattr(s, "op_output", "none")


@case
def dup_args(torch):
    x = leaf(torch)
    y = torch.utils.checkpoint.checkpoint(lambda a, b: a * b, x, x, use_reentrant=True)
    y.sum().backward()
    return x.grad


@case
def view_out(torch):
    x = leaf(torch)
    a = x * 1
    y = torch.utils.checkpoint.checkpoint(lambda a: a.view(3), a, use_reentrant=True)
    y.sum().backward()
    return x.grad


@case
def identity_re(torch):
    x = leaf(torch)
    y = torch.utils.checkpoint.checkpoint(lambda a: a, x, use_reentrant=True)
    y.sum().backward()
    return x.grad, y is x
