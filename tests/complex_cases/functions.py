"""Values and gradients of functions of complex numbers."""

from __future__ import annotations

from .programs import case, derivatives, matrix, numbers


def table(prefix, inputs, expressions):
    """One program per expression, of inputs named as in `inputs`."""
    for number, expression in enumerate(expressions):

        def program(torch, expression=expression):
            given = inputs(torch)
            function = eval(f"lambda torch, {', '.join(given)}: {expression}")
            return derivatives(torch, lambda *values: function(torch, *values), *given.values())

        program.__name__ = f"{prefix}_{number}: {expression}"
        case(program)


table("one", lambda torch: {"z": numbers(torch)}, [
    "z * z", "z / (z + 1)", "z ** 2", "z ** 3.5", "z ** (1 + 2j)", "2 ** z", "(1 + 2j) ** z", "1j * z", "z / 2j", "2j / z",
    "z - 1j", "1j - z", "z.exp()", "z.log()", "z.sqrt()", "z.rsqrt()", "z.sin()", "z.cos()", "z.tan()", "z.sinh()", "z.cosh()",
    "z.tanh()", "z.asin()", "z.acos()", "z.atan()", "z.asinh()", "z.acosh()", "z.atanh()", "z.sigmoid()", "z.log2()", "z.log10()",
    "z.log1p()", "z.expm1()", "z.exp2()", "z.reciprocal()", "z.square()", "z.neg()", "-z", "+z", "z.abs()", "abs(z)", "z.angle()",
    "z.sgn()", "z.real", "z.imag", "z.conj()", "z.conj_physical()", "z.conj() * z", "(z.conj() * z).real", "z.real * z.imag",
    "torch.real(z)", "torch.imag(z)", "torch.view_as_real(z)", "torch.view_as_complex(torch.view_as_real(z) * 2)",
    "z.resolve_conj()", "z.conj().resolve_conj()", "z.sum()", "z.mean()", "z.prod()", "z.cumsum(0)", "z.cumprod(0)", "z.var()",
    "z.std()", "z.norm()", "torch.linalg.norm(z)", "torch.linalg.vector_norm(z, 1)", "torch.linalg.vector_norm(z, 3)",
    "torch.linalg.vector_norm(z, float('inf'))", "z.norm(1)", "z.logcumsumexp(0)", "z.logsumexp(0)", "z.softmax(0)",
    "z.log_softmax(0)", "torch.sinc(z)", "z.flip(0)", "z.roll(1)", "z[1:]", "z[[0, 2, 0]]", "z.repeat(2)",
    "z.to(torch.complex64).to(torch.complex128)", "z.diag()", "torch.outer(z, z)", "torch.dot(z, z)", "torch.vdot(z, z)",
    "torch.inner(z, z)", "torch.cat([z, z.real])", "torch.stack([z, z * 2])", "torch.where(z.real > 0, z, 0)",
    "torch.polar(z.abs(), z.angle())", "torch.complex(z.imag, z.real)", "z.masked_fill(z.real > 0, 1j)",
    "z.index_select(0, torch.tensor([1, 1]))", "z.gather(0, torch.tensor([2, 0]))", "torch.diff(z)",
    "torch.cumulative_trapezoid(z)", "z.unsqueeze(0).expand(2, 3)", "z.T", "z.clone()", "z.mul(2 + 1j)",
    "torch.addcmul(z, z, z, value=2j)", "torch.addcdiv(z, z, z + 1, value=1j)", "torch.lerp(z, z * 2, 0.5)",
    "torch.lerp(z, z * 2, z)", "z.add(z, alpha=2j)", "z.sub(z * z, alpha=1j)", "torch.rsub(z, 1j)", "z.pow(2j)",
    "z.cross(z * 1j, dim=0)", "torch.kron(z, z)", "torch.tensordot(z, z, 1)", "torch.einsum('i,j->ij', z, z.conj())",
    "torch.nn.functional.tanh(z)", "torch.nn.functional.normalize(z, dim=0)", "torch.fft.fft(z)", "torch.fft.ifft(z)",
    "torch.fft.fft(z, norm='ortho')", "torch.fft.irfft(z, n=4)", "torch.fft.irfft(z)", "torch.fft.hfft(z)",
    "torch.fft.rfft(z.real)", "torch.fft.ihfft(z.real)", "torch.fft.fftshift(z)", "torch.fft.fft(z, 5)", "torch.fft.fft(z, 2)",
    "torch.sgn(z) * z", "torch.nn.functional.softsign(z)", "z.unsqueeze(0).mH", "z.unsqueeze(0).H", "z.unsqueeze(0).adjoint()",
    "z.positive()", "torch.special.entr(z.real)", "torch.xlogy(z.real, z.imag.abs())", "z.dist(z * 2)",
    "torch.view_as_real(z).sum(-1)", "torch.renorm(z.unsqueeze(0), 2, 0, 1)", "torch.nn.functional.l1_loss(z, z * 2)",
    "torch.nn.functional.mse_loss(z, z * 2j)", "torch.nn.functional.pad(z, (1, 2), value=1)", "torch.view_as_real_copy(z)",
    "torch.squeeze(z)", "torch.linspace(0, 1, 3) * z", "z.float_power(2)", "z.dot(z.conj())",
    "z.trace() if z.ndim == 2 else z.sum()", "torch.count_nonzero(z) * z",
])  # fmt: skip

table("pair", lambda torch: {"z": numbers(torch), "w": numbers(torch, 0.5 - 1j, 2j, -1 + 1j)}, [
    "z * w", "z / w", "z + w", "z - w", "z ** w", "z * w.conj()", "torch.dot(z, w)", "torch.vdot(z, w)", "torch.inner(z, w)",
    "torch.outer(z, w)", "torch.addr(torch.ones(3, 3, dtype=z.dtype), z, w)", "torch.where(z.real > w.real, z, w)",
    "torch.linalg.vecdot(z, w)", "torch.linalg.cross(z, w)", "torch.logaddexp(z, w)", "torch.addcmul(z, z, w)",
    "torch.dist(z, w)", "torch.nn.functional.mse_loss(z, w)", "torch.nn.functional.l1_loss(z, w)",
    "torch.nn.functional.cosine_similarity(z, w, dim=0)", "torch.kron(z, w)", "torch.einsum('i,i', z, w)", "z.mul(w).real",
    "torch.cov(torch.stack([z, w]))", "torch.corrcoef(torch.stack([z, w]))",
])  # fmt: skip

table("mixed", lambda torch: {"z": numbers(torch), "r": torch.tensor([0.5, 2.0, -1.5], dtype=torch.float64, requires_grad=True)}, [
    "z * r", "r * z", "z + r", "r - z", "z / r", "r / z", "z ** r", "r.abs() ** z", "torch.dot(z, r.to(torch.complex128))",
    "torch.cat([z, r])", "torch.cat([r, z])", "torch.addcmul(z, z, r)", "torch.complex(r, r * 2)", "torch.polar(r.abs(), r)",
    "r * 1j", "(1 + 1j) * r", "r.abs() ** 2j", "r.to(torch.complex128)", "(r + 0j).abs()", "r * z.abs()", "torch.exp(1j * r)",
    "torch.exp(1j * r) * z", "r.conj()", "r.real", "torch.real(r)", "r.resolve_conj()", "r.angle()", "r.sgn()",
    "torch.lerp(z, r + 0j, 0.25)", "torch.fft.fft(r)", "torch.fft.rfft(r)", "z.add(r, alpha=2)",
    "torch.einsum('i,i->i', z, r + 0j)", "z * r.sum()", "z.sum() * r", "torch.view_as_complex(torch.stack([r, r * r], -1))",
    "torch.complex(r, z.real)",
])  # fmt: skip

table("matrix", lambda torch: {"A": matrix(torch), "B": matrix(torch, seed=0.3)}, [
    "A @ B", "A @ B.mH", "A.mH @ B", "A.T @ B.conj()", "torch.bmm(A[None], B[None])", "torch.addmm(A, A, B, beta=2j, alpha=1j)",
    "A @ B[0]", "torch.mv(A, B[0])", "torch.linalg.inv(A)", "torch.inverse(A)", "torch.linalg.det(A)", "torch.linalg.slogdet(A)",
    "torch.logdet(A @ A.mH).real", "torch.linalg.solve(A, B)", "torch.linalg.solve_triangular(A, B, upper=True)",
    "torch.linalg.cholesky(A @ A.mH + torch.eye(3))", "torch.linalg.cholesky(A @ A.mH + torch.eye(3), upper=True)",
    "torch.cholesky_solve(B, torch.linalg.cholesky(A @ A.mH + torch.eye(3)))",
    "torch.cholesky_inverse(torch.linalg.cholesky(A @ A.mH + torch.eye(3)))", "torch.linalg.eigvals(A).abs().sort().values",
    "torch.linalg.eigvalsh(A + A.mH)", "torch.linalg.eigh(A + A.mH)[0]", "torch.linalg.eigh(A + A.mH)[1].abs()",
    "torch.linalg.eig(A)[1].abs().sum(1)", "torch.linalg.svdvals(A)", "torch.linalg.svd(A)[1]", "torch.linalg.svd(A)[0].abs()",
    "torch.linalg.svd(A)[2].abs()", "torch.linalg.qr(A)", "torch.linalg.qr(A[:2])", "torch.linalg.qr(A[:, :2])",
    "torch.linalg.lu(A)", "torch.linalg.lu_factor(A)[0]", "torch.linalg.pinv(A)", "torch.linalg.matrix_exp(A)",
    "torch.linalg.matrix_power(A, 3)", "torch.linalg.matrix_power(A, -2)", "torch.linalg.matrix_norm(A)",
    "torch.linalg.matrix_norm(A, 'nuc')", "torch.linalg.matrix_norm(A, 2)", "torch.linalg.matrix_norm(A, 1)",
    "torch.linalg.cond(A)", "torch.trace(A)", "A.diagonal()", "A.tril()", "A.triu()", "torch.linalg.lstsq(A, B)[0]",
    "torch.linalg.multi_dot([A, B, A])", "torch.linalg.vander(A[0])", "torch.linalg.householder_product(A.tril(-1), B[0])",
    "torch.linalg.tensorsolve(A, B[0])", "torch.linalg.inv_ex(A)[0]", "A.mT",
    "torch.linalg.lu_solve(*torch.linalg.lu_factor(A), B)", "torch.baddbmm(A[None], A[None], B[None])",
    "torch.einsum('ij,jk->ik', A, B)", "torch.fft.fft2(A)", "torch.fft.ifft2(A)", "torch.fft.fftn(A)", "torch.fft.irfft2(A)",
    "torch.fft.irfftn(A, s=(3, 4))", "torch.nn.functional.linear(A, B)", "torch.nn.functional.linear(A, B, B[0])",
    "torch.nn.functional.conv1d(A[None], B[None])", "torch.nn.functional.conv2d(A[None, None], B[None, None, :2, :2])",
    "torch.nn.functional.conv1d(A[None], B[None], B[0, :1], padding=1)",
    "torch.nn.functional.conv_transpose1d(A[None], B[:, None])", "A.sum(0)", "A.mean(1)", "A.prod(1)", "A.var(0)", "A.std(1)",
    "A.cumprod(1)", "torch.trapezoid(A)", "torch.block_diag(A, B)", "torch.cartesian_prod(A[0], B[0])", "torch.cat([A, B], 1)",
    "A.norm(dim=1)", "A.index_add(0, torch.tensor([0, 0]), B[:2], alpha=2)",
    "A.index_put((torch.tensor([0]), torch.tensor([1])), B[0, 0])", "A.scatter(0, torch.tensor([[0, 1, 2]]), B[:1])",
    "A.scatter_add(0, torch.tensor([[0, 1, 2]]), B[:1])", "A.masked_scatter(A.real > 0, B)", "A.masked_select(A.real > 0)",
    "A.take(torch.tensor([0, 5]))", "A.unfold(0, 2, 1)", "torch.tril(A) @ torch.triu(B)", "torch.cumsum(A, 1)",
    "A.as_strided((2, 2), (1, 2))",
    "torch.stft(A.flatten(), 4, 2, window=torch.ones(4, dtype=torch.float64), return_complex=True)",
    "torch.nn.functional.dropout(A, 0.0)", "A.permute(1, 0)", "A.movedim(0, 1)", "torch.special.logit(A.abs() / 10)",
])  # fmt: skip
