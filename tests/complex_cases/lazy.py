"""Conjugation that is put off: `conj` gives a view, and what can be seen of it."""

from __future__ import annotations

from .programs import case, matrix, numbers


def state(x):
    return [x, x.is_conj(), x.is_neg(), x._is_view()]


@case
def conj_is_a_view(torch):
    z = numbers(torch, grad=False)
    c = z.conj()
    return state(c), c._base is z, c.data_ptr() == z.data_ptr(), state(c.conj()), state(c.resolve_conj()), c.stride()


@case
def conj_of_a_real_tensor(torch):
    x = torch.ones(2)
    return (
        x.conj() is x,
        x.resolve_conj() is x,
        x.resolve_neg() is x,
        x.is_conj(),
        torch.is_conj(x),
        torch.conj_physical(x) is x,
        x.conj().is_conj(),
    )


@case
def changes_of_the_base_are_seen(torch):
    z = numbers(torch, grad=False)
    c = z.conj()
    z.mul_(2j)
    return state(c), c._version, z._version


@case
def changes_of_the_conjugate_are_seen(torch):
    z = numbers(torch, grad=False)
    c = z.conj()
    c[0] = 5 + 7j
    c[1:].add_(1j)
    return state(z), state(c), z._version


@case
def in_place_on_a_conjugate_in_the_graph(torch):
    z = numbers(torch)
    y = z * 1
    y.conj().mul_(2j)
    (y * torch.tensor([1j, 2, 3 - 1j])).sum().real.backward()
    return y, z.grad, type(y.grad_fn).__name__


@case
def copy_into_a_conjugate(torch):
    z = numbers(torch, grad=False)
    z.conj().copy_(torch.tensor([1 + 1j, 2 + 2j, 3 + 3j]))
    w = numbers(torch, grad=False)
    w.copy_(w.clone().conj())
    return z, w


@case
def parts_of_a_conjugate(torch):
    z = numbers(torch, grad=False)
    c = z.conj()
    return state(c.real), state(c.imag), c.imag.data_ptr() == z.imag.data_ptr(), state(c.imag.resolve_neg()), state(-c.imag)


@case
def writing_through_the_imaginary_part_of_a_conjugate(torch):
    z = numbers(torch, grad=False)
    z.conj().imag.add_(10)
    z.conj().imag[0] = 3
    z.conj().real[1] = 4
    return z


@case
def views_of_a_conjugate_are_lazy(torch):
    A = matrix(torch, grad=False)
    c = A.conj()
    views = [
        c[0],
        c[:, 1:],
        c.T,
        c.mT,
        c.mH,
        A.mH,
        A.H,
        A.adjoint(),
        c.view(9),
        c.reshape(3, 3, 1),
        c.diagonal(),
        c.unsqueeze(0),
        c.expand(2, 3, 3),
        c.squeeze(),
        c.flatten(),
        c.permute(1, 0),
        c.detach(),
        c.data,
        c.view_as(c),
        c.unbind()[0],
        c.split(2)[1],
        c.narrow(0, 1, 1),
        c.select(0, 1),
        c.contiguous(),
        c.as_strided((2,), (1,)),
    ]
    return [state(v) for v in views], [state(v.imag) for v in views[:4]]


@case
def results_are_resolved(torch):
    c = numbers(torch, grad=False).conj()
    i = c.imag
    results = [
        c + 0,
        c * 2,
        c.exp(),
        c.clone(),
        c.sum(),
        c.abs(),
        c[[0, 1]],
        torch.cat([c, c]),
        torch.stack([c]),
        c.to(torch.complex64),
        c.repeat(2),
        c.cumsum(0),
        torch.zeros_like(c),
        torch.ones_like(c),
        c.new_zeros(2),
        torch.empty_like(c) * 0,
        c.flip(0),
        -c,
        c.conj_physical(),
        i + 0,
        i.clone(),
        i.exp(),
        i.sum(),
        i.abs(),
        -i,
        torch.zeros_like(i),
        i.double(),
        i.float(),
        torch.outer(c, c),
        c.contiguous(),
        c.neg(),
        c.resolve_conj(),
    ]
    return [state(r) for r in results]


@case
def clone_and_deepcopy(torch):
    import copy
    import pickle

    c = numbers(torch, grad=False).conj()
    return state(copy.deepcopy(c)), state(copy.copy(c)), pickle.loads(pickle.dumps(c))


@case
def grad_fn_names(torch):
    z = numbers(torch)
    c = z.conj()
    values = [
        c,
        c.imag,
        z.imag,
        z.real,
        c.real,
        c.resolve_conj(),
        c.imag.resolve_neg(),
        z.resolve_conj(),
        c.conj(),
        torch.view_as_real(z),
        c.clone(),
        z.abs(),
        z.conj_physical(),
        z[None].mH,
        z[None].T,
        z[None].H,
    ]
    return [type(v.grad_fn).__name__ for v in values]


@case
def view_as_real_of_a_conjugate(torch):
    return torch.view_as_real(numbers(torch, grad=False).conj())


@case
def view_as_real_of_a_negated(torch):
    return torch.view_as_complex(torch.view_as_real(numbers(torch, grad=False)).conj())


@case
def numpy_of_a_conjugate(torch):
    return numbers(torch, grad=False).conj().numpy()


@case
def numpy_of_a_negated(torch):
    return numbers(torch, grad=False).conj().imag.numpy()


@case
def numpy_by_force(torch):
    c = numbers(torch, grad=False).conj()
    return c.numpy(force=True).tolist(), c.resolve_conj().numpy().tolist(), c.imag.numpy(force=True).tolist()


@case
def tolist_and_item(torch):
    c = numbers(torch, grad=False).conj()
    return c.tolist(), c[0].item(), complex(c[1]), c.imag.tolist(), c.imag[0].item(), float(c.imag[1]), [v.item() for v in c]


@case
def comparisons(torch):
    c = numbers(torch, grad=False).conj()
    return (
        torch.equal(c, c.resolve_conj()),
        (c == c.resolve_conj()).tolist(),
        torch.allclose(c, c.clone()),
        bool((c != c.conj()).any()),
    )


@case
def saved_conjugates(torch):
    z = numbers(torch)
    (z.conj() * z.conj()).sum().abs().backward()
    return z.grad, z.grad.is_conj(), str(z.grad.dtype)


@case
def gradient_of_conj(torch):
    z = numbers(torch)
    z.conj().backward(torch.tensor([1 + 1j, 2 - 1j, 3j], dtype=torch.complex128))
    return z.grad


@case
def version_error_through_a_conjugate(torch):
    z = numbers(torch) * 1
    c = z.conj()
    y = c * c
    z.mul_(2)
    try:
        y.sum().abs().backward()
    except RuntimeError as error:
        return "modified by an inplace operation" in str(error)


@case
def in_place_ops_on_conjugates(torch):
    z = numbers(torch, grad=False)
    c = z.conj()
    c.add_(1j)
    c *= 2
    c.exp_()
    c.conj_physical_()
    return state(c), state(z)


@case
def zero_and_fill(torch):
    z = numbers(torch, grad=False)
    z.conj().fill_(1 + 2j)
    w = numbers(torch, grad=False)
    w.conj()[1:].zero_()
    return z, w


@case
def out_is_a_conjugate(torch):
    z = numbers(torch, grad=False)
    torch.add(numbers(torch, grad=False), 1j, out=z.conj())
    return z


@case
def resolve_neg(torch):
    i = numbers(torch, grad=False).conj().imag
    return state(i.resolve_neg()), i.resolve_neg() is i, torch.is_conj(i), i.is_neg(), state(i.neg()), state(i.conj())


@case
def printing_conjugates(torch):
    z = numbers(torch, grad=False)
    return repr(z.conj()), repr(z.conj().imag), repr(numbers(torch).conj()), str(z.conj()[0]), repr(z[None].mH)


@case
def linear_algebra_on_conjugates(torch):
    A, B = matrix(torch, grad=False), matrix(torch, seed=0.2, grad=False)
    return [
        A.mH @ B,
        A @ B.conj(),
        A.conj() @ B.mH,
        torch.linalg.inv(A.mH),
        torch.linalg.solve(A.conj(), B.mH),
        torch.linalg.cholesky(A @ A.mH + torch.eye(3)),
        torch.einsum("ij,jk", A.conj(), B.mH),
        torch.fft.fft(A.mH),
        torch.linalg.det(A.mH),
        torch.linalg.svdvals(A.conj()),
        torch.linalg.norm(A.conj()),
        torch.bmm(A.mH[None], B.conj()[None]),
        A.mH.mv(B.conj()[0]),
    ]


@case
def forward_mode_through_conj(torch):
    fwd = torch.autograd.forward_ad
    with fwd.dual_level():
        z = fwd.make_dual(numbers(torch, grad=False), torch.tensor([1j, 2 + 1j, 3], dtype=torch.complex128))
        return [
            fwd.unpack_dual(v).tangent
            for v in (z.conj(), z.conj().imag, z.conj() * z, z.conj().resolve_conj(), torch.view_as_real(z))
        ]


@case
def real_assigned_on_conjugate(torch):
    z = numbers(torch, grad=False)
    c = z.conj()
    c.real = torch.tensor([7.0, 8, 9])
    c.imag = torch.tensor([1.0, 2, 3])
    return z, c


@case
def conj_under_vmap_and_grad(torch):
    z = numbers(torch, grad=False)
    return (
        torch.func.vmap(lambda v: v.conj() * v)(z),
        torch.func.vmap(lambda v: v * z.conj())(z),
        torch.func.vmap(lambda v: v * 2)(z.conj()),
        torch.func.grad(lambda v: (v.conj() * v).sum().real)(z),
    )


@case
def sharing_with_detach(torch):
    z = numbers(torch)
    d = z.conj().detach()
    d[0] = 1j
    return z.detach(), d, d.is_conj()


@case
def saved_and_loaded(torch):
    import io

    buffer = io.BytesIO()
    c = numbers(torch, grad=False).conj()
    torch.save(c, buffer)
    buffer.seek(0)
    return torch.load(buffer)


@case
def parameter_of_a_conjugate(torch):
    z = numbers(torch, grad=False)
    p = torch.nn.Parameter(z.conj())
    return p, p.is_conj(), p.is_leaf, p._is_view()


@case
def requires_grad_leaf_conjugate(torch):
    c = numbers(torch, grad=False).conj().requires_grad_()
    (c * c).sum().abs().backward()
    return c, c.is_leaf, c.grad, c.is_conj()
