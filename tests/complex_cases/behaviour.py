"""Losses, hooks, types, forward mode, checks, printing, and what else complex numbers meet."""

from __future__ import annotations

from .programs import case, matrix, numbers


@case
def complex_loss(torch):
    return (numbers(torch) ** 2).sum().backward()


@case
def complex_loss_grad(torch):
    z = numbers(torch)
    return torch.autograd.grad((z**2).sum(), z)


@case
def complex_loss_with_gradient(torch):
    z = numbers(torch)
    (z**2).sum().backward(torch.tensor(1 + 0j, dtype=torch.complex128))
    return z.grad


@case
def complex_loss_with_real_gradient(torch):
    z = numbers(torch)
    (z**2).sum().backward(torch.tensor(1.0, dtype=torch.float64))
    return z.grad


@case
def real_loss_with_complex_gradient(torch):
    z = numbers(torch)
    z.abs().sum().backward(torch.tensor(1 + 0j, dtype=torch.complex128))
    return z.grad


@case
def complex64_gradient_for_complex128(torch):
    z = numbers(torch)
    (z**2).sum().backward(torch.tensor(1j, dtype=torch.complex64))
    return z.grad, str(z.grad.dtype)


@case
def grad_types(torch):
    found = []
    for dtype in (torch.complex64, torch.complex128):
        z = numbers(torch, dtype=dtype)
        r = torch.ones(3, dtype=torch.float32, requires_grad=True)
        (z * r).abs().sum().backward()
        found.append([str(z.grad.dtype), str(r.grad.dtype), str((z * r).dtype)])
    return found


@case
def hooks(torch):
    seen = []
    z, r = numbers(torch), torch.ones(3, dtype=torch.float64, requires_grad=True)
    y = z * r
    y.register_hook(lambda g: seen.append(["y", g.resolve_conj(), str(g.dtype)]))
    z.register_hook(lambda g: g * 1j)
    r.register_hook(lambda g: seen.append(["r", g, str(g.dtype)]))
    y.grad_fn.register_hook(lambda i, o: seen.append([str(i[0].dtype), str(i[1].dtype), str(o[0].dtype)]))
    (y * y.conj()).sum().real.backward()
    return seen, z.grad, r.grad


@case
def retained_grad(torch):
    z = numbers(torch)
    y = z.exp()
    y.retain_grad()
    y.abs().sum().backward()
    return y.grad, z.grad


@case
def accumulation(torch):
    z = numbers(torch)
    for _ in range(3):
        (z.conj() * z).real.sum().backward()
    return z.grad


@case
def wirtinger_direction(torch):
    z = numbers(torch)
    (z.abs() ** 2).sum().backward()
    return torch.allclose(z.grad, 2 * z)


@case
def holomorphic_gradient_is_conjugated(torch):
    z = numbers(torch)
    (g,) = torch.autograd.grad(z**3, z, torch.ones_like(z))
    return g, torch.allclose(g, (3 * z**2).conj())


@case
def real_cast_discards(torch):
    z = numbers(torch)
    z.to(torch.float64).sum().backward()
    return z.grad


@case
def real_cast_warns(torch):
    import warnings

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = numbers(torch, grad=False).to(torch.float64)
    return found, sorted({f"{w.category.__name__}: {w.message}"[:60] for w in caught})


@case
def complex_to_bool_and_int(torch):
    z = numbers(torch, 1j, 0j, grad=False)
    return z.bool(), z.to(torch.int64).tolist(), (z != 0).tolist()


@case
def ordering_is_refused(torch):
    found = []
    z = numbers(torch, grad=False)
    for name in ("lt", "gt", "ge", "maximum", "fmax"):
        try:
            getattr(torch, name)(z, z)
            found.append(name)
        except Exception:
            found.append([name, "refused"])
    for name in (
        "max",
        "min",
        "argmax",
        "sort",
        "median",
        "amax",
        "floor",
        "ceil",
        "trunc",
        "relu",
        "sign",
        "frac",
        "erf",
        "round",
        "topk",
        "clamp",
        "mode",
        "quantile",
        "lgamma",
        "digamma",
        "atan2",
        "fmod",
        "remainder",
        "floor_divide",
    ):
        try:
            if name == "topk":
                z.topk(1)
            elif name == "clamp":
                z.clamp(0, 1)
            elif name == "quantile":
                z.quantile(0.5)
            elif name in ("atan2", "fmod", "remainder", "floor_divide"):
                getattr(torch, name)(z, z)
            elif name == "cummax":
                z.cummax(0)
            else:
                getattr(torch, name)(z)
            found.append(name)
        except Exception:
            found.append([name, "refused"])
    return found


@case
def factories(torch):
    made = [
        torch.zeros(2, dtype=torch.complex64),
        torch.ones(2, dtype=torch.cfloat),
        torch.full((2,), 1j),
        torch.tensor(1j),
        torch.tensor([1, 2j]),
        torch.eye(2, dtype=torch.complex64),
        torch.arange(3).to(torch.complex64),
        torch.tensor([1.0], dtype=torch.float64) * 1j,
        torch.tensor([1]) * 1j,
        torch.tensor([True]) * 1j,
        torch.tensor([1.0]) * 1j,
        torch.full_like(torch.ones(1), 2),
        torch.empty(0, dtype=torch.cdouble),
        torch.as_tensor(1 + 2j),
    ]
    return [[str(x.dtype), torch.view_as_real(x.resolve_conj()).tolist() if x.is_complex() else x.tolist()] for x in made]


@case
def default_type_is_followed(torch):
    torch.set_default_dtype(torch.float64)
    try:
        return str(torch.tensor(1j).dtype), str((torch.tensor([1]) * 1j).dtype)
    finally:
        torch.set_default_dtype(torch.float32)


@case
def randn_complex(torch):
    torch.manual_seed(3)
    return [
        torch.randn(4, dtype=torch.complex128),
        torch.rand(3, dtype=torch.complex128),
        torch.randn(20, dtype=torch.complex64).shape,
        torch.randn(3, dtype=torch.complex128).abs(),
        torch.randn_like(torch.ones(2, dtype=torch.complex128)),
        torch.empty(2, dtype=torch.complex128).normal_(),
    ]


@case
def promotion(torch):
    kinds = [torch.float32, torch.float64, torch.complex64, torch.complex128, torch.int64, torch.bool]
    found = [str(torch.promote_types(a, b)) for a in kinds for b in kinds]
    scalars = [str((torch.ones(1, dtype=k) * 1j).dtype) for k in kinds]
    zero_dim = [str((torch.ones(1, dtype=k) * torch.tensor(1j, dtype=torch.complex128)).dtype) for k in kinds]
    return (
        found,
        scalars,
        zero_dim,
        [
            str(torch.result_type(torch.ones(1), 1j)),
            str(torch.ones(1).to(torch.complex128).real.dtype),
            str(torch.complex64.to_real()),
            str(torch.float64.to_complex()),
            torch.is_complex(torch.ones(1)),
            torch.complex64.is_complex,
            torch.can_cast(torch.complex64, torch.float32),
        ],
    )


@case
def forward_mode(torch):
    fwd = torch.autograd.forward_ad
    tangent = torch.tensor([1j, 2 + 1j, -1.5], dtype=torch.complex128)
    functions = [
        lambda z: z * z,
        lambda z: z.abs(),
        lambda z: z.angle(),
        lambda z: z.sgn(),
        lambda z: z.exp() / z,
        lambda z: z.real * z.imag,
        lambda z: torch.view_as_real(z),
        lambda z: z.sum() * 1j,
        lambda z: z**2.5,
        lambda z: torch.fft.fft(z),
        lambda z: torch.fft.irfft(z),
        lambda z: torch.linalg.norm(z),
        lambda z: z.prod(),
        lambda z: torch.polar(z.abs(), z.angle()),
        lambda z: torch.complex(z.real, z.imag * 2),
        lambda z: torch.vdot(z, z),
        lambda z: z.std(),
        lambda z: z.to(torch.complex64),
        lambda z: z.cumprod(0),
        lambda z: torch.where(z.real > 0, z, z.conj()),
        lambda z: z.masked_fill(z.real > 0, 1j),
        lambda z: z / z.abs(),
    ]
    with fwd.dual_level():
        z = fwd.make_dual(numbers(torch, grad=False), tangent)
        return [fwd.unpack_dual(f(z)).tangent for f in functions]


@case
def forward_mode_of_mixed_inputs(torch):
    fwd = torch.autograd.forward_ad
    with fwd.dual_level():
        r = fwd.make_dual(torch.tensor([1.0, 2, 3], dtype=torch.float64), torch.tensor([0.5, 1, -1], dtype=torch.float64))
        z = numbers(torch, grad=False)
        return [fwd.unpack_dual(v).tangent for v in (r * z, z / r, (r + z).abs(), torch.exp(1j * r), torch.complex(r, r * r))]


@case
def forward_mode_linear_algebra(torch):
    fwd = torch.autograd.forward_ad
    A, T = matrix(torch, grad=False), matrix(torch, seed=2.0, grad=False)

    def H(M):
        return M @ M.mH + torch.eye(3)

    functions = [
        torch.linalg.inv,
        torch.linalg.det,
        lambda A: torch.linalg.solve(A, A.mH),
        lambda A: torch.linalg.cholesky(H(A)),
        lambda A: torch.linalg.eigvalsh(H(A)),
        lambda A: torch.linalg.svdvals(A),
        lambda A: torch.linalg.qr(A)[1],
        lambda A: torch.linalg.matrix_exp(A),
        lambda A: torch.linalg.slogdet(A)[1],
        lambda A: torch.linalg.slogdet(A)[0],
        lambda A: torch.linalg.pinv(A),
        lambda A: torch.linalg.eigvals(A).abs().sort().values,
        lambda A: torch.linalg.eigh(H(A))[1].abs(),
        lambda A: A @ A.mH,
    ]
    with fwd.dual_level():
        A = fwd.make_dual(A, T)
        return [fwd.unpack_dual(f(A)).tangent for f in functions]


def phase(torch, decomposition, loss):
    A = matrix(torch)
    loss(decomposition(A)).backward()
    return A.grad is not None


@case
def svd_phase(torch):
    return phase(torch, torch.linalg.svd, lambda usv: usv[0].sum().real)


@case
def svd_phase_of_v(torch):
    return phase(torch, torch.linalg.svd, lambda usv: usv[2].imag.sum())


@case
def eigh_phase(torch):
    return phase(torch, lambda A: torch.linalg.eigh(A + A.mH), lambda lq: lq[1].sum().real)


@case
def eig_phase(torch):
    return phase(torch, torch.linalg.eig, lambda lv: lv[1].sum().real)


@case
def eig_of_a_real_matrix(torch):
    A = matrix(torch).real.detach().requires_grad_()
    values, vectors = torch.linalg.eig(A)
    (values.abs().sum() + vectors.abs().sum()).backward()
    return str(values.dtype), str(vectors.dtype), A.grad


@case
def eigh_real_diagonal(torch):
    A = matrix(torch)
    torch.linalg.eigvalsh(A).sum().backward()
    return A.grad, str(torch.linalg.eigvalsh(A).dtype)


@case
def gradcheck_functions(torch):
    z, w, r = (
        numbers(torch),
        numbers(torch, 2j, 1.5 - 1j, 0.3 + 0.1j),
        torch.tensor([1.0, 2, 3], dtype=torch.float64, requires_grad=True),
    )
    check = torch.autograd.gradcheck
    found = [
        check(lambda z: z * z, z),
        check(lambda z: z.abs(), z),
        check(lambda z, w: z * w.conj(), (z, w)),
        check(lambda z, r: z * r, (z, r)),
        check(lambda z: (z.real, z * 1j), z),
        check(lambda r: torch.exp(1j * r), r),
        check(lambda z: z.angle(), z, check_forward_ad=True),
        check(lambda z, w: z / w, (z, w), check_batched_grad=True),
        torch.autograd.gradgradcheck(lambda z: z**3, z),
        torch.autograd.gradgradcheck(lambda z: z.abs(), z),
        torch.autograd.gradgradcheck(lambda z, r: (z * r).sum(), (z, r)),
        check(lambda z: z.exp(), z, fast_mode=True),
        check(lambda z: z.abs(), z, fast_mode=True),
        torch.autograd.gradgradcheck(lambda z: z.exp(), z, fast_mode=True),
        check(lambda z: z.sgn(), z, check_batched_forward_grad=True, check_forward_ad=True),
    ]
    return found


def wrong(torch, forward, backward, *inputs, **options):
    class Wrong(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return forward(x)

        @staticmethod
        def backward(ctx, g):
            return backward(g, ctx.saved_tensors[0])

    return torch.autograd.gradcheck(Wrong.apply, inputs, **options)


@case
def gradcheck_finds_a_missing_conjugate(torch):
    try:
        wrong(torch, lambda x: x * x, lambda g, x: 2 * g * x, numbers(torch))
    except Exception as error:
        return type(error).__name__, str(error).splitlines()[0]


@case
def gradcheck_finds_a_missing_conjugate_of_real_output(torch):
    try:
        wrong(torch, lambda x: x.abs(), lambda g, x: g * x.sgn().conj(), numbers(torch))
    except Exception as error:
        return type(error).__name__, str(error).splitlines()[0]


@case
def gradcheck_fast_finds_it(torch):
    try:
        wrong(torch, lambda x: x * x, lambda g, x: 2 * g * x, numbers(torch), fast_mode=True)
    except Exception as error:
        return type(error).__name__, str(error).splitlines()[0]


@case
def gradcheck_without_raising(torch):
    return wrong(torch, lambda x: x * x, lambda g, x: 2 * g * x, numbers(torch), raise_exception=False)


@case
def gradcheck_of_complex64_warns(torch):
    import warnings

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = torch.autograd.gradcheck(lambda z: z * 2, numbers(torch, dtype=torch.complex64), eps=1e-2, atol=1e-2)
    return result, [str(w.message)[:70] for w in caught]


@case
def custom_function(torch):
    class Square(torch.autograd.Function):
        @staticmethod
        def forward(ctx, z):
            ctx.save_for_backward(z)
            return z * z

        @staticmethod
        def backward(ctx, g):
            (z,) = ctx.saved_tensors
            return g * 2 * z.conj()

    z = numbers(torch)
    y = Square.apply(z)
    y.abs().sum().backward()
    return y, z.grad, torch.autograd.gradcheck(Square.apply, z), torch.autograd.gradgradcheck(Square.apply, z)


@case
def custom_function_wrong_type(torch):
    class Wrong(torch.autograd.Function):
        @staticmethod
        def forward(ctx, z):
            return z.abs()

        @staticmethod
        def backward(ctx, g):
            return g

    z = numbers(torch)
    Wrong.apply(z).sum().backward()
    return z.grad, str(z.grad.dtype)


@case
def functional_api(torch):
    f = torch.autograd.functional
    z, w = numbers(torch, grad=False), numbers(torch, 1j, 2j, 3 + 1j, grad=False)
    return [
        f.jacobian(lambda z: z * z.conj().sum(), z),
        f.vjp(lambda z: z * z, z, w)[1],
        f.jvp(lambda z: z * z, z, w)[1],
        f.vjp(lambda z: z.abs(), z, torch.ones(3, dtype=torch.float64))[1],
        f.jvp(lambda z: z.abs(), z, w)[1],
        f.jacobian(lambda z: z.abs(), z),
    ]


@case
def functional_hessian(torch):
    return torch.autograd.functional.hessian(lambda z: (z.abs() ** 2).sum(), numbers(torch, grad=False))


@case
def func_api(torch):
    z = numbers(torch, grad=False)
    found = [
        torch.func.grad(lambda z: z.abs().sum())(z),
        torch.func.vjp(lambda z: z * z, z)[1](z)[0],
        torch.func.jvp(lambda z: z * z, (z,), (z,))[1],
        torch.func.jacrev(lambda z: z * z)(z),
        torch.func.jacfwd(lambda z: z * z)(z),
        torch.func.vmap(torch.func.grad(lambda z: z.abs()))(z),
    ]
    return found


@case
def func_grad_of_a_complex_output(torch):
    return torch.func.grad(lambda z: (z * z).sum())(numbers(torch, grad=False))


@case
def is_grads_batched(torch):
    z = numbers(torch)
    return torch.autograd.grad(z**2, z, torch.eye(3, dtype=torch.complex128), is_grads_batched=True)
