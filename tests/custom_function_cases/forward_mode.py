"""Tangents through custom functions."""

from __future__ import annotations

from facts import leaf

from .programs import case, make, square


def with_jvp(torch, jvp=None, forward=None, **more):
    def product(ctx, x, y):
        ctx.save_for_backward(x, y)
        ctx.save_for_forward(x, y)
        return x * y

    def derivative(ctx, x_t, y_t):
        x, y = ctx.saved_tensors
        return x_t * y + x * y_t

    def backward(ctx, g):
        x, y = ctx.saved_tensors
        return g * y, g * x

    return make(torch, forward or product, backward, jvp=jvp or derivative, **more)


def pushed(torch, f, x, x_t, *rest):
    fwd = torch.autograd.forward_ad
    with fwd.dual_level():
        dual = fwd.make_dual(x, x_t)
        out = f.apply(dual, *rest)
        several = out if isinstance(out, tuple) else (out,)
        return [None if not isinstance(one, torch.Tensor) else list(fwd.unpack_dual(one)) for one in several]


@case
def jvp_of_a_function(torch):
    x = leaf(torch).detach()
    return pushed(torch, with_jvp(torch), x, x * 0 + 1, x * 2)


@case
def jvp_materializes(torch):
    seen = []

    def jvp(ctx, *t):
        seen.append([None if one is None else one.tolist() for one in t])
        return t[0]

    f = make(torch, lambda ctx, x, y, n: x * y, lambda ctx, g: (g, g, None), jvp=jvp)
    x = leaf(torch).detach()
    pushed(torch, f, x, x * 0 + 1, x * 2, 3)
    return seen


@case
def jvp_unmaterialized(torch):
    seen = []

    def forward(ctx, x, y, n):
        ctx.set_materialize_grads(False)
        return x * y

    def jvp(ctx, *t):
        seen.append([None if one is None else one.tolist() for one in t])
        return t[0]

    f = make(torch, forward, lambda ctx, g: (g, g, None), jvp=jvp)
    x = leaf(torch).detach()
    pushed(torch, f, x, x * 0 + 1, x * 2, 3)
    return seen


@case
def jvp_missing(torch):
    x = leaf(torch).detach()
    return pushed(torch, square(torch), x, x * 0 + 1)


@case
def jvp_missing_but_no_tangent(torch):
    fwd = torch.autograd.forward_ad
    with fwd.dual_level():
        return square(torch).apply(leaf(torch))


@case
def jvp_wrong_count(torch):
    x = leaf(torch).detach()
    return pushed(torch, with_jvp(torch, lambda ctx, a, b: (a, b)), x, x * 0 + 1, x)


@case
def jvp_not_a_tensor(torch):
    x = leaf(torch).detach()
    return pushed(torch, with_jvp(torch, lambda ctx, a, b: 3), x, x * 0 + 1, x)


@case
def jvp_of_wrong_shape(torch):
    x = leaf(torch).detach()
    return pushed(torch, with_jvp(torch, lambda ctx, a, b: a[:1]), x, x * 0 + 1, x)


@case
def jvp_of_other_type(torch):
    x = leaf(torch).detach()
    return pushed(torch, with_jvp(torch, lambda ctx, a, b: a.float()), x, x * 0 + 1, x)


@case
def jvp_several(torch):
    f = make(
        torch, lambda ctx, x: (x * 2, x.long(), 5, x * 3), lambda ctx, *g: g[0], jvp=lambda ctx, t: (t * 2, None, None, t * 3)
    )
    x = leaf(torch).detach()
    return pushed(torch, f, x, x * 0 + 1)


@case
def jvp_with_setup(torch):
    def setup(ctx, inputs, output):
        ctx.save_for_forward(*inputs, output)

    f = make(torch, lambda x: x.exp(), lambda ctx, g: g, setup, jvp=lambda ctx, t: t * ctx.saved_tensors[1])
    x = leaf(torch).detach()
    return pushed(torch, f, x, x * 0 + 1)


@case
def jvp_in_place(torch):
    def forward(ctx, x):
        ctx.mark_dirty(x)
        return x.mul_(2)

    def jvp(ctx, t):
        return t.mul_(2)

    fwd = torch.autograd.forward_ad
    x = leaf(torch).detach()
    with fwd.dual_level():
        dual = fwd.make_dual(x, x * 0 + 1)
        out = make(torch, forward, lambda ctx, g: g * 2, jvp=jvp).apply(dual)
        return out is dual, list(fwd.unpack_dual(out))


@case
def jvp_in_place_not_in_place(torch):
    def forward(ctx, x):
        ctx.mark_dirty(x)
        return x.mul_(2)

    x = leaf(torch).detach()
    return pushed(torch, make(torch, forward, lambda ctx, g: g * 2, jvp=lambda ctx, t: t * 2), x, x * 0 + 1)


@case
def jvp_of_a_view(torch):
    f = make(torch, lambda ctx, x: x.view(3, 1), lambda ctx, g: g.view(3), jvp=lambda ctx, t: t.view(3, 1))
    x = leaf(torch).detach()
    return pushed(torch, f, x, x * 0 + 1)


@case
def jvp_of_a_view_that_is_none(torch):
    f = make(torch, lambda ctx, x: x.view(3, 1), lambda ctx, g: g.view(3), jvp=lambda ctx, t: (t * 2).view(3, 1))
    x = leaf(torch).detach()
    return pushed(torch, f, x, x * 0 + 1)


@case
def jvp_then_backward(torch):
    fwd = torch.autograd.forward_ad
    x = leaf(torch)
    with fwd.dual_level():
        dual = fwd.make_dual(x, torch.ones_like(x))
        out = with_jvp(torch).apply(dual, x.detach() * 2)
        tangent = fwd.unpack_dual(out).tangent
        return torch.autograd.grad(tangent.sum(), x, allow_unused=True), out.requires_grad, tangent.requires_grad
