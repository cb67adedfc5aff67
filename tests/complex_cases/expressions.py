"""Gradients, transforms and conjugates, an expression each."""

from __future__ import annotations

from .programs import case, matrix, numbers

EXPRESSIONS = [
    "grad((z**0).sum().real, z)", "grad((zero**2).sum().real, zero)", "grad((zero**1).sum().real, zero)",
    "grad((zero**0.5).sum().real, zero)", "grad((zero.abs()**2).sum(), zero)", "grad(zero.abs().sum(), zero)",
    "grad(zero.angle().sum(), zero)", "grad(zero.sgn().sum().real, zero)", "grad(zero.norm(), zero)",
    "grad((c64*r).sum().abs(), (c64, r))", "grad((z*f32).sum().abs(), (z, f32))", "grad((c64*z).sum().abs(), (c64, z))",
    "(c64*r).dtype.__str__()", "grad(z.real.sum(), z)", "grad(z.imag.sum(), z)", "grad((z.real+1j*z.imag).sum().real, z)",
    "z.backward()", "z.sum().backward()", "z.sum().real.backward()", "grad(z.sum(), z)", "grad(z.sum(), z, torch.tensor(1.0))",
    "grad(z.sum(), z, torch.tensor(1j))", "grad(z.abs().sum(), z, torch.tensor(1j))",
    "grad(z.abs().sum(), z, torch.tensor(1j, dtype=torch.complex128))", "grad(z, z, r.detach())", "grad(z, z, torch.ones(3))",
    "grad(r*1.0, r, torch.ones(3, dtype=torch.complex128))",
    "torch.autograd.backward([z.sum(), r.sum()], [torch.tensor(1j, dtype=torch.complex128), None])",
    "torch.autograd.backward([z.sum()])", "f.jacobian(lambda z: z.abs(), z)", "f.jacobian(lambda r: torch.exp(1j*r), r.detach())",
    "f.vjp(lambda z: z*z, z.detach(), w.detach())", "f.jvp(lambda z: z*z.conj(), z.detach(), w.detach())",
    "f.hvp(lambda z: (z.abs()**2).sum(), z.detach(), w.detach())", "f.vhp(lambda z: (z.abs()**2).sum(), z.detach(), w.detach())",
    "f.hessian(lambda z: (z.abs()**2).sum(), z.detach())", "f.jacobian(lambda z: z*z, z.detach(), vectorize=True)",
    "f.jacobian(lambda z: z*z, z.detach(), strategy='forward-mode', vectorize=True)",
    "func.grad(lambda z: z.abs().sum())(z.detach())", "func.vjp(lambda z: z*z, z.detach())[1](w.detach())",
    "func.jvp(lambda z: z.abs(), (z.detach(),), (w.detach(),))",
    "func.jvp(func.grad(lambda z: (z.abs()**3).sum()), (z.detach(),), (w.detach(),))",
    "func.vmap(func.grad(lambda z: (z*z.conj()).real))(z.detach())", "func.grad_and_value(lambda z: z.abs().sum())(z.detach())",
    "func.linearize(lambda z: z*z, z.detach())[1](w.detach())", "func.jacrev(lambda r: torch.exp(1j*r))(r.detach())",
    "func.jacfwd(lambda r: torch.exp(1j*r).real)(r.detach())", "func.hessian(lambda r: torch.exp(1j*r).sum().real)(r.detach())",
    "torch.autograd.gradcheck(lambda z, r: torch.polar(r.abs()+1, r)*z, (z, r), check_forward_ad=True, check_batched_grad=True)",
    "torch.autograd.gradgradcheck(lambda z, r: torch.complex(r, r*r)*z, (z, r))",
    "torch.autograd.gradgradcheck(lambda z: z.sgn(), z)", "torch.autograd.gradgradcheck(lambda z: z.angle(), z)",
    "torch.autograd.gradgradcheck(lambda z: z/z.abs(), z, check_fwd_over_rev=True)",
    "torch.autograd.gradgradcheck(torch.linalg.inv, A, check_fwd_over_rev=True)",
    "torch.autograd.gradcheck(lambda A: torch.linalg.svdvals(A), A)",
    "torch.autograd.gradgradcheck(lambda A: torch.linalg.eigvalsh(A+A.mH), A)",
    "torch.autograd.gradcheck(lambda A: torch.linalg.eigh(A+A.mH)[1].abs(), A)",
    "torch.autograd.gradcheck(lambda z: torch.view_as_real(z)[..., 1], z)",
    "torch.autograd.gradcheck(lambda r: torch.view_as_complex(torch.stack([r, r*2], -1)), r, check_forward_ad=True)",
    "torch.autograd.gradcheck(lambda z: torch.fft.irfft(z), z)", "torch.autograd.gradcheck(lambda r: torch.fft.rfft(r).abs(), r)",
    "torch.autograd.gradgradcheck(lambda r: torch.fft.rfft(r), r)",
    "torch.autograd.gradcheck(lambda z: torch.nn.functional.linear(z[None], torch.outer(z, z)), z)",
    "torch.autograd.gradcheck(lambda z: z.conj().imag * z.real, z, check_forward_ad=True)",
    "torch.autograd.gradcheck(lambda z: z.conj()[1:], z)", "torch.autograd.gradgradcheck(lambda A: A.mH @ A, A)",
    "torch.autograd.gradcheck(lambda z: torch.vdot(z, z), z)",
    "torch.autograd.gradcheck(lambda z: z.prod(), numbers(torch, 0j, 1j, 2))",
    "torch.autograd.gradcheck(lambda z: z.cumprod(0), numbers(torch, 1j, 0j, 2))",
    "torch.autograd.gradcheck(lambda z: torch.var(z), z)", "torch.autograd.gradcheck(lambda z: torch.logcumsumexp(z, 0), z)",
    "torch.autograd.gradcheck(lambda z: z ** z, z)",
    "torch.autograd.gradcheck(lambda z: torch.linalg.lstsq(torch.stack([z, z*1j+1]), torch.ones(2, 1, dtype=z.dtype))[0], z)",
    "torch.autograd.gradcheck(lambda A: torch.linalg.lu(A), A)", "torch.autograd.gradcheck(lambda A: torch.linalg.qr(A), A)",
    "torch.autograd.gradcheck(lambda A: torch.linalg.pinv(A), A)",
    "torch.autograd.gradcheck(lambda A: torch.linalg.matrix_exp(A), A)", "torch.equal(c, c.clone())", "c.conj() is c",
    "c.is_contiguous()", "c.t().is_conj()", "torch.empty_like(c).is_conj()", "c.new_empty(2).is_conj()", "(c + 0).is_conj()",
    "c.to(torch.complex128).is_conj()", "c.to(torch.complex64).is_conj()", "c.cpu().is_conj()", "torch.conj(c).is_conj()",
    "torch.tensor(c).is_conj()", "torch.as_tensor(c).is_conj()", "c.requires_grad_().is_conj()",
    "torch.nn.Parameter(c).is_conj()", "c.unsqueeze(0).is_conj()", "c.expand(2, 3).is_conj()", "c.view(3, 1).is_conj()",
    "c.split(1)[0].is_conj()", "c.real.is_neg()", "c.imag.is_neg()", "c.imag.neg().is_neg()", "torch.neg(c.imag).is_neg()",
    "c.imag.abs().is_neg()", "c.imag.view(3).is_neg()", "c.imag.conj().is_neg()", "c.is_floating_point()", "c.storage_offset()",
    "c.imag.storage_offset()", "c.imag.stride()", "c.numel()", "c[0].item()", "len(c)", "[v.item() for v in c]", "c.tolist()",
    "list(c.unbind())", "c.isfinite().tolist()", "bool((c == c.resolve_conj()).all())", "torch.cat([c, c]).is_conj()",
    "c.flip(0).is_conj()", "c.permute(0).is_conj()", "c.diag().is_conj()", "c[torch.tensor([0])].is_conj()",
    "c[c.real > 0].is_conj()", "c[...].is_conj()", "c[None].is_conj()", "c.reshape(3, 1).is_conj()", "c.contiguous().is_conj()",
    "c.clone().is_conj()", "c.data.is_conj()", "c.sum().is_conj()", "c.conj_physical().is_conj()", "c.conj_physical_()",
    "c.mul_(1j)", "c.zero_()", "c.copy_(w.detach())", "c.fill_(2j)", "c.add_(c)", "c.index_fill_(0, torch.tensor([0]), 1j)",
    "c.masked_fill_(c.real > 0, 1j)", "c.index_add_(0, torch.tensor([0, 0]), torch.ones(2, dtype=c.dtype) * 1j)",
    "c.scatter_(0, torch.tensor([0]), torch.tensor([1j], dtype=c.dtype))",
    "c.index_copy_(0, torch.tensor([0]), torch.tensor([1j], dtype=c.dtype))",
    "c.put_(torch.tensor([0]), torch.tensor([1j], dtype=c.dtype))",
    "c.masked_scatter_(c.real > 0, torch.ones(3, dtype=c.dtype) * 1j)",
    "c.index_put_((torch.tensor([1]),), torch.tensor(1j, dtype=c.dtype))", "c.set_(torch.ones(2, dtype=c.dtype))", "c.resize_(2)",
    "c.transpose_(0, 0).is_conj()", "c.squeeze_().is_conj()", "c.normal_().shape.__len__()", "c.copy_(torch.ones(3))",
    "c.cumsum_(0)", "c.sqrt_()", "c.addcmul_(c, c)", "c.lerp_(w.detach(), 0.5)", "c.unsqueeze_(0).is_conj()",
]  # fmt: skip


def scope(torch):
    z = numbers(torch)
    return {
        "torch": torch, "grad": torch.autograd.grad, "f": torch.autograd.functional, "func": torch.func, "numbers": numbers,
        "z": z, "w": numbers(torch, 2j, 0.5 - 1j, 1 + 1j), "c": z.detach().conj(), "c64": numbers(torch, dtype=torch.complex64),
        "r": torch.tensor([0.5, 2.0, -1.5], dtype=torch.float64, requires_grad=True), "A": matrix(torch),
        "f32": torch.tensor([0.5, 2.0, -1.5], requires_grad=True),
        "zero": torch.zeros(3, dtype=torch.complex128, requires_grad=True),
    }  # fmt: skip


def shown(torch, value):
    if isinstance(value, torch.Tensor):
        return [value.resolve_conj().resolve_neg(), str(value.dtype), value.is_leaf]
    return [shown(torch, one) for one in value] if isinstance(value, (tuple, list)) else value


for expression in EXPRESSIONS:

    def program(torch, expression=expression):
        return shown(torch, eval(expression, scope(torch)))

    program.__name__ = expression
    case(program)
