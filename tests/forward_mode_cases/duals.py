"""Duals: what may be one, and what ops make of them."""

from __future__ import annotations

from .programs import F, case, t3, un


@case
def make_int(torch):
    with F(torch).dual_level():
        F(torch).make_dual(torch.tensor([1, 2]), torch.tensor([1, 2]))


@case
def make_int_primal(torch):
    with F(torch).dual_level():
        F(torch).make_dual(torch.tensor([1, 2]), torch.tensor([1.0, 2]))


@case
def make_int_tangent(torch):
    with F(torch).dual_level():
        F(torch).make_dual(torch.tensor([1.0, 2]), torch.tensor([1, 2]))


@case
def make_bool(torch):
    with F(torch).dual_level():
        F(torch).make_dual(torch.tensor([True]), torch.tensor([True]))


@case
def make_shape(torch):
    with F(torch).dual_level():
        F(torch).make_dual(t3(torch), torch.ones(2, dtype=torch.float64))


@case
def make_shape_bc(torch):
    with F(torch).dual_level():
        F(torch).make_dual(t3(torch), torch.ones(1, dtype=torch.float64))


@case
def make_dtype(torch):
    with F(torch).dual_level():
        return un(torch, F(torch).make_dual(t3(torch), torch.ones(3)))


@case
def make_complex_both(torch):
    with F(torch).dual_level():
        d = F(torch).make_dual(torch.tensor([1 + 2j, 3j]), torch.tensor([1j, 2.0]))
        return (
            un(torch, d * d),
            un(torch, d.conj()),
            un(torch, d.real),
            un(torch, d.abs()),
            un(torch, torch.view_as_real(d)),
            un(torch, d.imag),
        )


@case
def tangent_layout(torch):
    with F(torch).dual_level():
        x = torch.arange(6.0, dtype=torch.float64).reshape(2, 3)
        t = torch.arange(6.0, dtype=torch.float64).reshape(3, 2).t()
        d = F(torch).make_dual(x, t)
        u = F(torch).unpack_dual(d)
        return u.tangent.stride(), u.tangent.data_ptr() == t.data_ptr(), u.tangent


@case
def tangent_layout_primal_transposed(torch):
    with F(torch).dual_level():
        x = torch.arange(6.0, dtype=torch.float64).reshape(3, 2).t()
        t = torch.arange(6.0, dtype=torch.float64).reshape(2, 3)
        d = F(torch).make_dual(x, t)
        u = F(torch).unpack_dual(d)
        return u.tangent.stride(), u.tangent.data_ptr() == t.data_ptr(), u.tangent, u.primal.stride()


@case
def tangent_change_after(torch):
    with F(torch).dual_level():
        x, t = t3(torch), t3(torch, 4.0, 5.0, 6.0)
        d = F(torch).make_dual(x, t)
        t.mul_(10)
        return un(torch, d), un(torch, d * 2)


@case
def tangent_requires_grad(torch):
    with F(torch).dual_level():
        t = t3(torch).requires_grad_()
        d = F(torch).make_dual(t3(torch), t)
        y = d * d
        u = F(torch).unpack_dual(y)
        u.tangent.sum().backward()
        return d.requires_grad, y.requires_grad, u.tangent.requires_grad, t.grad


@case
def make_twice_same_tensor(torch):
    m = F(torch)
    with m.dual_level():
        x = t3(torch)
        a = m.make_dual(x, x * 2)
        b = m.make_dual(x, x * 3)
        return un(torch, a), un(torch, b), un(torch, a + b), un(torch, x)


@case
def same_level_again(torch):
    m = F(torch)
    with m.dual_level():
        d = m.make_dual(t3(torch), t3(torch))
        m.make_dual(d, t3(torch))


@case
def print_dual(torch):
    with F(torch).dual_level():
        d = F(torch).make_dual(t3(torch), t3(torch))
        return repr(d), repr(d.sum()), repr((d * 2).requires_grad_()), str(F(torch).unpack_dual(d))


@case
def parameter(torch):
    m = F(torch)
    with m.dual_level():
        p = torch.nn.Parameter(t3(torch))
        d = m.make_dual(p, t3(torch, 5.0, 6.0, 7.0))
        return type(d).__name__, isinstance(d, torch.nn.Parameter), d.requires_grad


@case
def set_data(torch):
    m = F(torch)
    with m.dual_level():
        d = m.make_dual(t3(torch), t3(torch, 5.0, 6.0, 7.0))
        d.data = t3(torch, 7.0, 8.0, 9.0)
        return un(torch, d)


@case
def deepcopy_dual(torch):
    import copy

    m = F(torch)
    with m.dual_level():
        d = m.make_dual(t3(torch), t3(torch))
        return un(torch, copy.deepcopy(d)), un(torch, copy.copy(d))


@case
def numpy_of_dual(torch):
    m = F(torch)
    with m.dual_level():
        d = m.make_dual(t3(torch), t3(torch))
        return d.numpy().tolist(), d.tolist(), d[0].item()


@case
def argmax_of_dual(torch):
    m = F(torch)
    with m.dual_level():
        d = m.make_dual(t3(torch), t3(torch))
        return (
            un(torch, d.argmax()),
            un(torch, d > 1),
            un(torch, d.sign()),
            un(torch, d.round()),
            un(torch, torch.ones_like(d)),
            un(torch, d.new_zeros(2)),
            un(torch, torch.zeros_like(d)),
        )


@case
def stack_cat(torch):
    m = F(torch)
    with m.dual_level():
        w = m.make_dual(t3(torch), t3(torch))
        x = t3(torch)
        return (
            un(torch, torch.stack([w, x])),
            un(torch, torch.cat([x, w])),
            un(torch, torch.where(w > 1, w, x)),
            un(torch, torch.einsum("i,j->ij", w, x)),
        )


@case
def split_unbind(torch):
    m = F(torch)
    with m.dual_level():
        w = m.make_dual(t3(torch), t3(torch))
        return [un(torch, o) for o in w.unbind()], [un(torch, o) for o in w.split(2)], [un(torch, o) for o in w.chunk(3)]


@case
def relu_inplace(torch):
    with F(torch).dual_level():
        d = F(torch).make_dual(t3(torch, -1.0, 2.0, 0.0), t3(torch)) * 1
        torch.nn.functional.relu_(d) if hasattr(torch.nn.functional, "relu_") else torch.relu_(d)
        e = torch.nn.ReLU(inplace=True)(F(torch).make_dual(t3(torch, -1.0, 2.0, 0.0), t3(torch)))
        return F(torch).unpack_dual(d), F(torch).unpack_dual(e)


@case
def scatter_index_put(torch):
    with F(torch).dual_level():
        d = F(torch).make_dual(t3(torch), t3(torch))
        z = torch.zeros(4, dtype=torch.float64)
        z.scatter_(0, torch.tensor([2, 0, 1]), d)
        w = torch.zeros(4, dtype=torch.float64)
        w.index_put_((torch.tensor([1, 1, 3]),), d, accumulate=True)
        q = torch.zeros(4, dtype=torch.float64)
        q.index_add_(0, torch.tensor([1, 1, 3]), d)
        m = torch.zeros(3, dtype=torch.float64)
        m.masked_scatter_(torch.tensor([True, False, True]), d)
        return [F(torch).unpack_dual(a).tangent for a in (z, w, q, m)]


@case
def dropout_randomness(torch):
    torch.manual_seed(0)
    with F(torch).dual_level():
        d = F(torch).make_dual(torch.ones(6), torch.ones(6))
        y = torch.nn.functional.dropout(d, 0.5)
        u = F(torch).unpack_dual(y)
        return torch.equal(u.primal, u.tangent), u.primal
