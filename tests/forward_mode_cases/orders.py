"""Several orders, of both modes, and torch.func.jvp."""

from __future__ import annotations

from .programs import F, case, t3, un


@case
def reverse_over_forward(torch):
    x = t3(torch).requires_grad_()
    with F(torch).dual_level():
        d = F(torch).make_dual(x, t3(torch))
        u = F(torch).unpack_dual(d**3)
        return torch.autograd.grad(u.tangent.sum(), x), torch.autograd.grad(u.primal.sum(), x)


@case
def forward_over_reverse(torch):
    x = t3(torch).requires_grad_()
    with F(torch).dual_level():
        d = F(torch).make_dual(x, t3(torch))
        (g,) = torch.autograd.grad((d**3).sum(), x)
        return un(torch, g)


@case
def forward_over_reverse_d(torch):
    x = t3(torch).requires_grad_()
    with F(torch).dual_level():
        d = F(torch).make_dual(x, t3(torch))
        (g,) = torch.autograd.grad((d**3).sum(), d)
        return un(torch, g)


@case
def forward_over_forward_in_place(torch):
    def g(x):
        y = x.clone()
        y.mul_(x)
        y[0] = x[1] * x[2]
        z = torch.zeros(3, dtype=torch.float64).copy_(y)
        z.add_(y * y)
        v = z[1:]
        v.mul_(x[1:])
        return z

    x = t3(torch)
    return torch.func.jacfwd(torch.func.jacfwd(g))(x)


@case
def reverse_over_forward_in_place(torch):
    def g(x):
        y = x.clone()
        y.mul_(x)
        y[0] = x[1] * x[2]
        z = x.new_zeros(3).copy_(y)
        z.add_(y * y)
        v = z[1:]
        v.mul_(x[1:])
        return z

    x = t3(torch)
    return (
        torch.func.jacrev(torch.func.jacfwd(g))(x),
        torch.func.jacfwd(torch.func.jacrev(g))(x),
        torch.func.jacrev(torch.func.jacrev(g))(x),
    )


@case
def third_derivatives(torch):
    def g(x):
        y = x.clone()
        y.mul_(x)
        v = y[1:]
        v.mul_(x[1:])
        y[0] = v.sum()
        return y.sum()

    f = torch.func
    return (
        f.jacfwd(f.jacfwd(f.jacfwd(g)))(t3(torch)),
        f.jacfwd(f.jacrev(f.jacfwd(g)))(t3(torch)),
        f.jacrev(f.jacfwd(f.jacrev(g)))(t3(torch)),
    )


@case
def perturbations_are_not_confused(torch):
    def j(f):
        return lambda x: torch.func.jvp(f, (x,), (torch.ones_like(x),))[1]

    x = torch.tensor(1.5, dtype=torch.float64)
    return (
        j(lambda x: x * j(lambda y: x + y)(x * 1))(x),
        j(lambda x: x * j(lambda y: x * y)(torch.tensor(1.0, dtype=torch.float64)))(x),
        torch.func.grad(lambda x: x * torch.func.grad(lambda y: x * y)(x))(x),
        torch.func.grad(lambda x: x * j(lambda y: x * y * y)(x))(x),
        j(lambda x: x * torch.func.grad(lambda y: x * y * y)(x))(x),
    )


@case
def reverse_over_a_dual_changed_in_place(torch):
    x = t3(torch).requires_grad_()
    t = t3(torch, 1.0, 0.0, 2.0).requires_grad_()
    with F(torch).dual_level():
        d = F(torch).make_dual(x, t)
        z = torch.zeros(4, dtype=torch.float64)
        v = z[1:]
        v.copy_(d * d)
        z[0] = (d * d).sum()
        z.mul_(2)
        v.add_(d)
        u = F(torch).unpack_dual(z)
        return u.primal.tolist(), u.tangent, torch.autograd.grad(u.tangent.sum(), (x, t))


@case
def jvp_func(torch):
    f = torch.func.jvp
    x = t3(torch)
    return (
        f(lambda x: (x * 2, x.sum()), (x,), (x,)),
        f(lambda x: (x * 2, x.sum()), (x,), (x,), has_aux=True),
        f(lambda x: {"a": x * x}, (x,), (x,)),
    )


@case
def jvp_int(torch):
    return torch.func.jvp(lambda x: x * 2, (torch.tensor([1]),), (torch.tensor([1]),))


@case
def jvp_shape(torch):
    return torch.func.jvp(lambda x: x * 2, (t3(torch),), (t3(torch, 1.0, 2.0),))


@case
def jvp_notuple(torch):
    return torch.func.jvp(lambda x: x * 2, t3(torch), t3(torch))


@case
def jvp_list(torch):
    return torch.func.jvp(lambda x: x * 2, [t3(torch)], [t3(torch)])


@case
def jvp_strict(torch):
    return torch.func.jvp(lambda x: torch.ones(2), (t3(torch),), (t3(torch),), strict=True)


@case
def jvp_nonstrict(torch):
    return torch.func.jvp(lambda x: torch.ones(2), (t3(torch),), (t3(torch),))


@case
def jvp_nontensor_out(torch):
    return torch.func.jvp(lambda x: 3, (t3(torch),), (t3(torch),))


@case
def jvp_int_out(torch):
    return torch.func.jvp(lambda x: x.long(), (t3(torch),), (t3(torch),))


@case
def jvp_aux_bad(torch):
    return torch.func.jvp(lambda x: x, (t3(torch),), (t3(torch),), has_aux=True)


@case
def jvp_dtype(torch):
    return torch.func.jvp(lambda x: x * 2, (t3(torch),), (torch.ones(3),))


@case
def gradients_accumulated_within_a_level(torch):
    x = t3(torch).requires_grad_()
    with F(torch).dual_level():
        y = F(torch).make_dual(x, t3(torch)).exp().sum()
        y.backward(retain_graph=True)
        first, tangent = x.grad, F(torch).unpack_dual(x.grad).tangent
        y.backward()
        return first is x.grad, tangent, x.grad.clone().detach().requires_grad, F(torch).unpack_dual(x.grad).primal


@case
def backward_of_a_custom_function_within_a_level(torch):
    modes = []

    class Product(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, y):
            ctx.save_for_backward(x, y)
            ctx.save_for_forward(x, y)
            return x * y

        @staticmethod
        def backward(ctx, g):
            modes.append(torch.is_grad_enabled())
            x, y = ctx.saved_tensors
            return g * y, g * x

        @staticmethod
        def jvp(ctx, tx, ty):
            x, y = ctx.saved_tensors
            return tx * y + x * ty

    x, y = t3(torch).requires_grad_(), t3(torch, 4.0, 5.0, 6.0).requires_grad_()
    with F(torch).dual_level():
        out = Product.apply(F(torch).make_dual(x, t3(torch)), y).sum()
        given = torch.autograd.grad(out, (x, y), retain_graph=True)
        recorded = torch.autograd.grad(out, (x, y), create_graph=True)
        out.backward()
        kept = [(g.requires_grad, F(torch).unpack_dual(g).tangent) for g in (*given, x.grad, y.grad)]
        return modes, kept, [g.requires_grad for g in recorded]
