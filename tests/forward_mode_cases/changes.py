"""Tangents through views and changes in place."""

from __future__ import annotations

from .programs import F, case, t3, un


@case
def view_before(torch):
    m = F(torch)
    with m.dual_level():
        base = torch.zeros(4, dtype=torch.float64)
        v = base[:2]
        w = base[1:]
        d = m.make_dual(t3(torch, 1.0, 2.0), t3(torch, 5.0, 6.0))
        v.copy_(d)
        return un(torch, base), un(torch, v), un(torch, w)


@case
def view_before_base_written(torch):
    m = F(torch)
    with m.dual_level():
        base = torch.zeros(3, dtype=torch.float64)
        v = base[:2]
        base.copy_(m.make_dual(t3(torch), t3(torch, 5.0, 6.0, 7.0)))
        return un(torch, base), un(torch, v)


@case
def view_before_base_mul(torch):
    m = F(torch)
    with m.dual_level():
        base = torch.ones(3, dtype=torch.float64)
        v = base[:2]
        base.mul_(m.make_dual(t3(torch), t3(torch, 5.0, 6.0, 7.0)))
        return un(torch, base), un(torch, v), un(torch, v * 2), un(torch, base[1:])


@case
def view_of_view(torch):
    m = F(torch)
    with m.dual_level():
        base = torch.ones(4, dtype=torch.float64)
        v = base[1:]
        w = v[1:]
        w.mul_(m.make_dual(t3(torch, 1.0, 2.0), t3(torch, 5.0, 6.0)))
        return un(torch, base), un(torch, v), un(torch, w)


@case
def view_of_dual_changes_tangent(torch):
    m = F(torch)
    with m.dual_level():
        t = t3(torch, 5.0, 6.0, 7.0)
        d = m.make_dual(t3(torch), t)
        v = d[1:]
        v.mul_(2)
        d.add_(d)
        return t, un(torch, v)


@case
def inplace_keeps_tangent_object(torch):
    m = F(torch)
    with m.dual_level():
        t = t3(torch, 5.0, 6.0, 7.0)
        x = t3(torch)
        d = m.make_dual(x, t)
        d.mul_(2)
        return t, x, un(torch, d)


@case
def inplace_plain_gets_tangent(torch):
    m = F(torch)
    with m.dual_level():
        x = t3(torch)
        x.add_(m.make_dual(t3(torch), t3(torch, 5.0, 6.0, 7.0)))
        return un(torch, x)


@case
def inplace_broadcast(torch):
    m = F(torch)
    with m.dual_level():
        x = torch.ones(2, 3, dtype=torch.float64)
        x.add_(m.make_dual(t3(torch), t3(torch, 5.0, 6.0, 7.0)))
        return un(torch, x)


@case
def inplace_index(torch):
    m = F(torch)
    with m.dual_level():
        x = torch.ones(2, 3, dtype=torch.float64)
        x[0] = m.make_dual(t3(torch), t3(torch, 5.0, 6.0, 7.0))
        x[1, 1] = m.make_dual(torch.tensor(2.0, dtype=torch.float64), torch.tensor(9.0, dtype=torch.float64))
        x[0, 0] = 3
        return un(torch, x)


@case
def inplace_mask(torch):
    m = F(torch)
    with m.dual_level():
        d = m.make_dual(t3(torch), t3(torch, 5.0, 6.0, 7.0))
        d[torch.tensor([True, False, True])] = 0
        e = m.make_dual(t3(torch), t3(torch, 5.0, 6.0, 7.0))
        e.masked_fill_(torch.tensor([True, False, True]), 1.0)
        f = m.make_dual(t3(torch), t3(torch, 5.0, 6.0, 7.0))
        f.fill_(1.0)
        g = m.make_dual(t3(torch), t3(torch, 5.0, 6.0, 7.0))
        g.zero_()
        h = torch.zeros(3, dtype=torch.float64)
        h.fill_(f[0])
        return un(torch, d), un(torch, e), un(torch, f), un(torch, g), un(torch, h)


@case
def inplace_int_gets_dual(torch):
    m = F(torch)
    with m.dual_level():
        x = torch.ones(3, dtype=torch.int64)
        x.copy_(m.make_dual(t3(torch), t3(torch, 5.0, 6.0, 7.0)))
        return un(torch, x)


@case
def out_with_dual(torch):
    m = F(torch)
    with m.dual_level():
        d = m.make_dual(t3(torch), t3(torch, 5.0, 6.0, 7.0))
        o = torch.empty(3, dtype=torch.float64)
        torch.mul(d, d, out=o)
        return un(torch, o)


@case
def expand_view_inplace(torch):
    m = F(torch)
    with m.dual_level():
        x = torch.zeros(2, 3, dtype=torch.float64)
        v = x.t()
        d = m.make_dual(t3(torch), t3(torch))
        v[:, 0].copy_(d)
        return un(torch, x), un(torch, v), un(torch, x.view(6))


@case
def copy_no_alias(torch):
    with F(torch).dual_level():
        d = F(torch).make_dual(t3(torch), t3(torch))
        z = torch.zeros(3, dtype=torch.float64)
        z.copy_(d)
        z.mul_(10)
        return F(torch).unpack_dual(d).tangent, F(torch).unpack_dual(z).tangent


@case
def view_as_real_before(torch):
    with F(torch).dual_level():
        z = torch.zeros(2, dtype=torch.complex128)
        r = torch.view_as_real(z)
        re = z.real
        im = z.imag
        z.copy_(
            F(torch).make_dual(
                torch.tensor([1 + 2j, 3j], dtype=torch.complex128), torch.tensor([5 + 6j, 7.0], dtype=torch.complex128)
            )
        )
        out = [F(torch).unpack_dual(a).tangent for a in (z, r, re, im)]
        re.mul_(2)
        return out, F(torch).unpack_dual(z).tangent, F(torch).unpack_dual(r).tangent


@case
def real_written(torch):
    with F(torch).dual_level():
        z = torch.zeros(2, dtype=torch.complex128)
        r = z.real
        r.copy_(F(torch).make_dual(t3(torch, 1.0, 2.0), t3(torch, 3.0, 4.0)))
        return F(torch).unpack_dual(z).tangent, F(torch).unpack_dual(z.imag).tangent


@case
def vmap_fwd_inplace(torch):
    def g(x):
        z = x.new_zeros(3)
        v = z[:2]
        v.copy_(x[:2] * x[1:])
        z[2] = x.sum()
        return z

    X = torch.arange(6.0, dtype=torch.float64).reshape(2, 3)
    return torch.vmap(torch.func.jacfwd(g))(X), torch.func.jacfwd(torch.vmap(g))(X)


@case
def jacfwd_two_args_inplace(torch):
    def f(a, b):
        y = torch.zeros(4, dtype=torch.float64)
        v = y[:2]
        v.copy_(a)
        y[2:] = b
        v.mul_(b)
        return y

    return torch.func.jacfwd(f, argnums=(0, 1))(t3(torch, 1.0, 2.0), t3(torch, 3.0, 4.0))


@case
def t_inplace(torch):
    with F(torch).dual_level():
        x = torch.arange(6.0, dtype=torch.float64).reshape(2, 3)
        d = F(torch).make_dual(x, x * 2) * 1
        d.t_()
        a = F(torch).unpack_dual(d).tangent.clone()
        d.unsqueeze_(0)
        b = F(torch).unpack_dual(d).tangent.clone()
        d.squeeze_()
        d.transpose_(0, 1)
        return a, b, F(torch).unpack_dual(d).tangent


@case
def print_view(torch):
    with F(torch).dual_level():
        z = torch.zeros(3)
        v = z[1:]
        z.copy_(F(torch).make_dual(torch.ones(3), torch.ones(3)))
        return repr(v)


@case
def setitem_none_tangent(torch):
    with F(torch).dual_level():
        d = F(torch).make_dual(t3(torch), t3(torch)) * 1
        v = d[1:]
        d[1] = 5.0
        v[1] = 7.0
        return F(torch).unpack_dual(d).tangent, F(torch).unpack_dual(v).tangent


@case
def primal_view_write(torch):
    with F(torch).dual_level():
        d = F(torch).make_dual(t3(torch), t3(torch)) * 1
        p = F(torch).unpack_dual(d).primal
        p.mul_(2)
        return F(torch).unpack_dual(d), F(torch).unpack_dual(p).tangent


@case
def inplace_no_grad_exp(torch):
    with F(torch).dual_level(), torch.no_grad():
        d = F(torch).make_dual(t3(torch), t3(torch)) * 1
        d.exp_()
        d.pow_(2)
        d.log_()
        d.sigmoid_()
        d.clamp_(min=0.9)
        d.div_(d + 1)
        return F(torch).unpack_dual(d)


# --- conjugates and negatives that are put off ------------------------------------------------------------------------------------


def complexes(torch, *values):
    return torch.tensor(values, dtype=torch.complex128)


@case
def conj_before(torch):
    with F(torch).dual_level():
        z = torch.zeros(2, dtype=torch.complex128)
        c = z.conj()
        r = c[1:]
        i = z.imag
        ci = c.imag
        z.copy_(F(torch).make_dual(complexes(torch, 1 + 2j, 3j), complexes(torch, 5 + 6j, 7j)))
        return [
            [F(torch).unpack_dual(a).primal.resolve_conj(), F(torch).unpack_dual(a).tangent.resolve_conj()]
            for a in (z, c, r, i, ci)
        ]


@case
def conj_written(torch):
    with F(torch).dual_level():
        z = torch.zeros(2, dtype=torch.complex128)
        c = z.conj()
        c.copy_(F(torch).make_dual(complexes(torch, 1 + 2j, 3j), complexes(torch, 5 + 6j, 7j)))
        return [[F(torch).unpack_dual(a).primal.resolve_conj(), F(torch).unpack_dual(a).tangent.resolve_conj()] for a in (z, c)]


@case
def conj_of_dual(torch):
    with F(torch).dual_level():
        d = F(torch).make_dual(complexes(torch, 1 + 2j, 3j), complexes(torch, 5 + 6j, 7j)) * 1
        c = d.conj()
        c.mul_(2j)
        d[0] = 3
        return [
            [F(torch).unpack_dual(a).primal.resolve_conj(), F(torch).unpack_dual(a).tangent.resolve_conj()]
            for a in (d, c, c * d, c.real, torch.view_as_real(c.resolve_conj()))
        ]


@case
def make_conj(torch):
    with F(torch).dual_level():
        d = F(torch).make_dual(complexes(torch, 1 + 2j, 3j).conj(), complexes(torch, 5 + 6j, 7j))
        e = F(torch).make_dual(complexes(torch, 1 + 2j, 3j), complexes(torch, 5 + 6j, 7j).conj())
        d = d * 1
        e = e * e
        return [[F(torch).unpack_dual(a).primal.resolve_conj(), F(torch).unpack_dual(a).tangent.resolve_conj()] for a in (d, e)]


@case
def neg_bit(torch):
    with F(torch).dual_level():
        z = torch.zeros(2, dtype=torch.complex128)
        n = z.conj().imag
        z.copy_(F(torch).make_dual(complexes(torch, 1 + 2j, 3j), complexes(torch, 5 + 6j, 7j)))
        return F(torch).unpack_dual(n).primal.resolve_neg(), F(torch).unpack_dual(n).tangent.resolve_neg()
