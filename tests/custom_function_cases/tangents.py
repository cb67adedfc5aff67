"""What a custom function's jvp may return, and what becomes of it."""

from __future__ import annotations

from .programs import case, make


def t3(torch, *values):
    return torch.tensor(values or (1.0, 2.0, 3.0), dtype=torch.float64)


def push(torch, f, *args):
    """The values and tangents of the outputs, with a tangent of ones for each argument."""
    fw = torch.autograd.forward_ad
    with fw.dual_level():
        duals = [fw.make_dual(a, torch.ones_like(a)) if isinstance(a, torch.Tensor) and a.is_floating_point() else a for a in args]
        out = f(*duals)
        outs = out if isinstance(out, tuple) else (out,)
        return [list(fw.unpack_dual(o)) if isinstance(o, torch.Tensor) else o for o in outs]


@case
def jvp_returns_a_list(torch):
    return push(torch, make(torch, lambda ctx, x: x * 2, lambda ctx, g: g, jvp=lambda ctx, t: [t]).apply, t3(torch))


@case
def jvp_too_many(torch):
    return push(torch, make(torch, lambda ctx, x: x * 2, lambda ctx, g: g, jvp=lambda ctx, t: (t, t)).apply, t3(torch))


@case
def jvp_too_few(torch):
    return push(torch, make(torch, lambda ctx, x: (x * 2, x * 3), lambda ctx, g, h: g, jvp=lambda ctx, t: t).apply, t3(torch))


@case
def jvp_number(torch):
    return push(torch, make(torch, lambda ctx, x: x * 2, lambda ctx, g: g, jvp=lambda ctx, t: 2.0).apply, t3(torch))


@case
def jvp_other_shape(torch):
    return push(torch, make(torch, lambda ctx, x: x * 2, lambda ctx, g: g, jvp=lambda ctx, t: t[:2]).apply, t3(torch))


@case
def jvp_broadcastable(torch):
    return push(torch, make(torch, lambda ctx, x: x * 2, lambda ctx, g: g, jvp=lambda ctx, t: t.sum()).apply, t3(torch))


@case
def jvp_other_type(torch):
    return push(torch, make(torch, lambda ctx, x: x * 2, lambda ctx, g: g, jvp=lambda ctx, t: t.float()).apply, t3(torch))


@case
def jvp_hands_on(torch):
    fw = torch.autograd.forward_ad
    f = make(torch, lambda ctx, x: x * 1, lambda ctx, g: g, jvp=lambda ctx, t: t)
    with fw.dual_level():
        t = t3(torch)
        d = fw.make_dual(t3(torch), t)
        o = f.apply(d)
        return fw.unpack_dual(o).tangent is t, fw.unpack_dual(o)


@case
def jvp_view_not_view(torch):
    return push(
        torch, make(torch, lambda ctx, x: x.view(3, 1), lambda ctx, g: g, jvp=lambda ctx, t: t.clone().view(3, 1)).apply, t3(torch)
    )


@case
def jvp_view_ok(torch):
    fw = torch.autograd.forward_ad
    f = make(torch, lambda ctx, x: x[1:], lambda ctx, g: g, jvp=lambda ctx, t: t[1:])
    with fw.dual_level():
        d = fw.make_dual(t3(torch), t3(torch)) * 1
        o = f.apply(d)
        a = [x.clone() for x in fw.unpack_dual(o)]
        o.mul_(3)
        return a, fw.unpack_dual(o), fw.unpack_dual(d)


@case
def jvp_nonview_as_view(torch):
    return push(torch, make(torch, lambda ctx, x: x * 2, lambda ctx, g: g, jvp=lambda ctx, t: t.view(3)).apply, t3(torch))


@case
def jvp_input_as_is(torch):
    fw = torch.autograd.forward_ad
    f = make(torch, lambda ctx, x: x, lambda ctx, g: g, jvp=lambda ctx, t: t)
    with fw.dual_level():
        d = fw.make_dual(t3(torch), t3(torch))
        o = f.apply(d)
        return o is d, fw.unpack_dual(o)


@case
def jvp_input_as_is_viewed(torch):
    return push(torch, make(torch, lambda ctx, x: x, lambda ctx, g: g, jvp=lambda ctx, t: t.view_as(t)).apply, t3(torch))


@case
def jvp_input_as_is_other(torch):
    return push(torch, make(torch, lambda ctx, x: x, lambda ctx, g: g, jvp=lambda ctx, t: t * 2).apply, t3(torch))


@case
def jvp_dirty(torch):
    fw = torch.autograd.forward_ad

    def fwd(ctx, x):
        ctx.mark_dirty(x)
        x.mul_(2)
        return x

    f = make(torch, fwd, lambda ctx, g: g * 2, jvp=lambda ctx, t: t.mul_(2))
    with fw.dual_level():
        t = t3(torch)
        x = t3(torch)
        d = fw.make_dual(x, t)
        o = f.apply(d)
        return o is d, fw.unpack_dual(o), t, x


@case
def jvp_dirty_not_inplace(torch):
    fw = torch.autograd.forward_ad

    def fwd(ctx, x):
        ctx.mark_dirty(x)
        x.mul_(2)
        return x

    f = make(torch, fwd, lambda ctx, g: g * 2, jvp=lambda ctx, t: t * 2)
    with fw.dual_level():
        d = fw.make_dual(t3(torch), t3(torch))
        return fw.unpack_dual(f.apply(d))


@case
def jvp_dirty_view(torch):
    fw = torch.autograd.forward_ad

    def fwd(ctx, x):
        ctx.mark_dirty(x)
        x.mul_(2)
        return x

    f = make(torch, fwd, lambda ctx, g: g * 2, jvp=lambda ctx, t: t.mul_(2))
    with fw.dual_level():
        d = fw.make_dual(t3(torch), t3(torch)) * 1
        v = d[1:]
        f.apply(v)
        return fw.unpack_dual(d), fw.unpack_dual(v)


@case
def jvp_dirty_plain(torch):
    """dirty input without tangent gets one from the other"""
    fw = torch.autograd.forward_ad

    def fwd(ctx, x, y):
        ctx.mark_dirty(x)
        x.add_(y)
        return x

    f = make(torch, fwd, lambda ctx, g: (g, g), jvp=lambda ctx, t, u: t.add_(u))
    with fw.dual_level():
        x = t3(torch)
        o = f.apply(x, fw.make_dual(t3(torch), t3(torch)))
        return o is x, fw.unpack_dual(x)


@case
def jvp_nondiff(torch):
    def fwd(ctx, x):
        y = x * 3
        ctx.mark_non_differentiable(y)
        return x * 2, y

    return push(torch, make(torch, fwd, lambda ctx, g, h: g, jvp=lambda ctx, t: (t * 2, None)).apply, t3(torch))


@case
def jvp_nondiff_tensor(torch):
    def fwd(ctx, x):
        y = x * 3
        ctx.mark_non_differentiable(y)
        return x * 2, y

    return push(torch, make(torch, fwd, lambda ctx, g, h: g, jvp=lambda ctx, t: (t * 2, t * 3)).apply, t3(torch))


@case
def jvp_nontensor_output(torch):
    return push(
        torch, make(torch, lambda ctx, x: (x * 2, 5), lambda ctx, g, h: g, jvp=lambda ctx, t: (t * 2, None)).apply, t3(torch)
    )


@case
def jvp_nontensor_output_t(torch):
    return push(torch, make(torch, lambda ctx, x: (x * 2, 5), lambda ctx, g, h: g, jvp=lambda ctx, t: (t * 2, t)).apply, t3(torch))


@case
def jvp_int_output_t(torch):
    return push(
        torch, make(torch, lambda ctx, x: (x * 2, x.long()), lambda ctx, g, h: g, jvp=lambda ctx, t: (t * 2, t)).apply, t3(torch)
    )


@case
def jvp_materialize_shapes(torch):
    seen = []

    def jvp(ctx, *ts):
        seen.append([None if t is None else [list(t.shape), str(t.dtype), t.tolist()] for t in ts])
        return ts[0]

    f = make(torch, lambda ctx, x, y, i, n: x * 1, lambda ctx, g: (g, None, None, None), jvp=jvp)
    fw = torch.autograd.forward_ad
    with fw.dual_level():
        f.apply(fw.make_dual(t3(torch), t3(torch)), torch.ones(2, 2), torch.tensor([1]), 7)
    return seen


@case
def jvp_both_saved(torch):
    seen = []

    def fwd(ctx, x):
        ctx.save_for_backward(x, x * 2)
        ctx.save_for_forward(x)
        return x * x

    def jvp(ctx, t):
        seen.append(len(ctx.saved_tensors))
        return 2 * ctx.saved_tensors[0] * t

    def bwd(ctx, g):
        seen.append(len(ctx.saved_tensors))
        return 2 * ctx.saved_tensors[0] * g

    x = t3(torch).requires_grad_()
    fw = torch.autograd.forward_ad
    with fw.dual_level():
        o = make(torch, fwd, bwd, jvp=jvp).apply(fw.make_dual(x, t3(torch)))
        u = fw.unpack_dual(o)
    o.sum().backward()
    return seen, u.tangent, x.grad


@case
def jvp_grad_mode(torch):
    seen = []

    def jvp(ctx, t):
        seen.append((torch.is_grad_enabled(), t.requires_grad))
        return t * 2

    x = t3(torch).requires_grad_()
    push(torch, make(torch, lambda ctx, x: x * 2, lambda ctx, g: g * 2, jvp=jvp).apply, x)
    with torch.no_grad():
        push(torch, make(torch, lambda ctx, x: x * 2, lambda ctx, g: g * 2, jvp=jvp).apply, x)
    return seen


@case
def forward_sees_duals(torch):
    seen = []
    fw = torch.autograd.forward_ad

    def fwd(ctx, x):
        seen.append([fw.unpack_dual(x).tangent is None, fw.unpack_dual(x * 2).tangent is None])
        return x * 2

    push(torch, make(torch, fwd, lambda ctx, g: g * 2, jvp=lambda ctx, t: t * 2).apply, t3(torch))
    return seen


@case
def fwd_over_rev_custom(torch):
    def fwd(ctx, x):
        ctx.save_for_backward(x)
        ctx.save_for_forward(x)
        return x**3

    f = make(torch, fwd, lambda ctx, g: 3 * ctx.saved_tensors[0] ** 2 * g, jvp=lambda ctx, t: 3 * ctx.saved_tensors[0] ** 2 * t)
    fw = torch.autograd.forward_ad
    x = t3(torch).requires_grad_()
    with fw.dual_level():
        d = fw.make_dual(x, t3(torch))
        (g,) = torch.autograd.grad(f.apply(d).sum(), d, create_graph=True)
        a = fw.unpack_dual(g)
    with fw.dual_level():
        d = fw.make_dual(x, t3(torch))
        u = fw.unpack_dual(f.apply(d))
        b = torch.autograd.grad(u.tangent.sum(), x, allow_unused=True)
    return a.primal.tolist(), a.tangent.tolist(), b


@case
def gradcheck_of_all_modes(torch):
    def fwd(ctx, x):
        ctx.save_for_backward(x)
        ctx.save_for_forward(x)
        return x**3

    f = make(torch, fwd, lambda ctx, g: 3 * ctx.saved_tensors[0] ** 2 * g, jvp=lambda ctx, t: 3 * ctx.saved_tensors[0] ** 2 * t)
    x = t3(torch).requires_grad_()
    return torch.autograd.gradcheck(
        f.apply, x, check_forward_ad=True, check_batched_grad=True, check_batched_forward_grad=False
    ), torch.autograd.gradgradcheck(f.apply, x, check_fwd_over_rev=True, check_rev_over_rev=True)


@case
def once_diff(torch):
    from_ = torch.autograd.function.once_differentiable

    def fwd(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    f = make(torch, fwd, from_(lambda ctx, g: 2 * g * ctx.saved_tensors[0]))
    x = t3(torch).requires_grad_()
    (g,) = torch.autograd.grad(f.apply(x).sum(), x, create_graph=True)
    return g.requires_grad, type(g.grad_fn).__name__, g.grad_fn.name()


@case
def once_diff_two(torch):
    from_ = torch.autograd.function.once_differentiable
    f = make(torch, lambda ctx, x, y: x * y, from_(lambda ctx, g: (g, None)))
    x = t3(torch).requires_grad_()
    y = t3(torch).requires_grad_()
    g = torch.autograd.grad(f.apply(x, y).sum(), (x, y), create_graph=True, allow_unused=True)
    return [None if a is None else [a.tolist(), a.requires_grad] for a in g]


@case
def once_diff_functorch(torch):
    from_ = torch.autograd.function.once_differentiable
    f = make(
        torch, lambda x: x * x, from_(lambda ctx, g: 2 * g * ctx.saved_tensors[0]), lambda ctx, i, o: ctx.save_for_backward(*i)
    )
    return torch.func.grad(lambda x: f.apply(x).sum())(t3(torch))


@case
def once_diff_functorch2(torch):
    from_ = torch.autograd.function.once_differentiable
    f = make(
        torch, lambda x: x * x, from_(lambda ctx, g: 2 * g * ctx.saved_tensors[0]), lambda ctx, i, o: ctx.save_for_backward(*i)
    )
    return torch.func.grad(lambda x: torch.func.grad(lambda x: f.apply(x).sum())(x).sum())(t3(torch))
