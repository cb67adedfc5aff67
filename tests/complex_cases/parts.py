"""Changes in place, real and imaginary parts, printing, and complex numbers among other features."""

from __future__ import annotations

from .programs import case, numbers, weights


@case
def in_place_mixed(torch):
    r = torch.ones(3, dtype=torch.float64)
    r.mul_(1j)


@case
def in_place_real_into_complex(torch):
    z, r = numbers(torch), torch.tensor([1.0, 2, 3], dtype=torch.float64, requires_grad=True)
    y = z * 1
    y.mul_(r)
    y.add_(r, alpha=2)
    y[0] = r[1]
    y.abs().sum().backward()
    return y, z.grad, r.grad


@case
def writing_the_parts(torch):
    z, r = numbers(torch), torch.tensor([1.0, 2, 3], dtype=torch.float64, requires_grad=True)
    y = z * 1
    y.real = r * 2
    y.imag.mul_(r)
    y.abs().sum().backward()
    return y, z.grad, r.grad, type(y.grad_fn).__name__


@case
def writing_view_as_real(torch):
    z = numbers(torch)
    y = z * 1
    torch.view_as_real(y)[:, 1].mul_(3)
    y.abs().sum().backward()
    return y, z.grad


@case
def writing_view_as_complex(torch):
    x = torch.tensor([[1.0, 2], [3, 4]], dtype=torch.float64, requires_grad=True)
    y = x * 1
    torch.view_as_complex(y).mul_(1j)
    (y * torch.tensor([[1, 2], [3, 4]])).sum().backward()
    return y, x.grad


@case
def setting_imag_of_a_real_tensor(torch):
    torch.ones(2).imag = torch.ones(2)


@case
def setting_real_of_a_real_tensor(torch):
    x = torch.ones(2)
    x.real = torch.zeros(2)
    return x


@case
def imag_of_a_real_tensor(torch):
    return torch.ones(2).imag


@case
def view_as_complex_of_three(torch):
    return torch.view_as_complex(torch.ones(2, 3))


@case
def view_as_complex_of_strided(torch):
    return torch.view_as_complex(torch.ones(2, 2).T)


@case
def view_as_complex_of_odd_strides(torch):
    return torch.view_as_complex(torch.ones(6)[1:5].as_strided((2, 2), (3, 1)))


@case
def view_as_complex_of_integers(torch):
    return torch.view_as_complex(torch.ones(2, 2, dtype=torch.int64))


@case
def view_as_complex_of_a_number(torch):
    return torch.view_as_complex(torch.tensor(1.0))


@case
def view_as_real_of_real(torch):
    return torch.view_as_real(torch.ones(2))


@case
def complex_of_different_types(torch):
    return torch.complex(torch.ones(1), torch.ones(1, dtype=torch.float64))


@case
def complex_of_integers(torch):
    return torch.complex(torch.ones(1, dtype=torch.int64), torch.ones(1, dtype=torch.int64))


@case
def polar_of_integers(torch):
    return torch.polar(torch.ones(1, dtype=torch.int64), torch.ones(1, dtype=torch.int64))


@case
def angle_and_abs_of_reals(torch):
    x = torch.tensor([1.0, -2, 0, -0.0, float("nan")])
    i = torch.tensor([1, -2, 0])
    return x.angle().tolist(), i.angle(), i.abs().tolist(), x.sgn().tolist(), x.abs().tolist()


@case
def kinks(torch):
    z = torch.zeros(2, dtype=torch.complex128, requires_grad=True)
    return [
        torch.autograd.grad(f(z).sum().abs() if f(z).is_complex() else f(z).sum(), z)[0]
        for f in (torch.abs, torch.angle, torch.sgn, torch.linalg.norm, lambda z: z.abs() ** 2)
    ]


@case
def view_types(torch):
    z = numbers(torch, grad=False)
    v = torch.view_as_real(z)
    return (
        v._base is z,
        z.real._base is z,
        z.imag.storage_offset(),
        z.imag.stride(),
        z.real.stride(),
        v.stride(),
        torch.view_as_complex(v)._base is z,
        z.real.data_ptr() == z.data_ptr(),
    )


@case
def dtype_views(torch):
    z = numbers(torch, grad=False)
    return (
        z.view(torch.float64),
        z.view(torch.float64).shape,
        torch.ones(4, dtype=torch.float64).view(torch.complex128),
        str(z.view(torch.complex128).dtype),
    )


@case
def printing(torch):
    z = torch.tensor([1 + 2j, -3.25 + 0.5j, 1e-3 - 1e4j])
    shown = [
        z,
        torch.tensor(1j),
        torch.tensor([1 + 1j, 2 + 2j]),
        numbers(torch),
        z * 1e6,
        torch.tensor([float("nan") + 1j, complex(1, float("inf"))]),
        torch.zeros(2, 2, dtype=torch.complex128),
        torch.empty(0, dtype=torch.complex64),
        z.real,
        z.imag,
        numbers(torch) * 2,
        numbers(torch)[0],
        torch.tensor([[1 + 2j], [3 - 4.5j]]),
        z.abs(),
        torch.full((2,), -0.5j),
    ]
    return [repr(x) for x in shown], f"{torch.tensor(1.5 + 2j)}", f"{torch.tensor(1.5 + 2j):.2f}"


@case
def numbers_out(torch):
    z = torch.tensor(1.5 + 2j)
    return z.item(), complex(z), z.tolist(), bool(z), torch.tensor([1j, 2]).tolist()


@case
def float_of_complex(torch):
    return float(torch.tensor(1.5 + 2j))


@case
def int_of_complex(torch):
    return int(torch.tensor(1.5 + 2j))


@case
def numpy_round_trip(torch):
    import numpy as np

    z = torch.from_numpy(np.array([1 + 2j, 3j]))
    return z, str(z.dtype), str(z.numpy().dtype), torch.tensor(np.complex64(1j)), str(torch.tensor(np.complex64(1j)).dtype)


@case
def checkpoint(torch):
    z = numbers(torch)
    torch.utils.checkpoint.checkpoint(lambda z: z.exp() * z.conj(), z, use_reentrant=False).abs().sum().backward()
    return z.grad


@case
def saved_tensor_hooks(torch):
    packed = []
    z = numbers(torch)
    with torch.autograd.graph.saved_tensors_hooks(lambda x: (packed.append(str(x.dtype)), x)[1], lambda x: x):
        y = (z * z.conj()).abs().sum()
    y.backward()
    return sorted(packed), z.grad


@case
def saved_attributes(torch):
    z = numbers(torch)
    y = z * z.exp()
    w = z.abs()
    return y.grad_fn._saved_self, y.grad_fn._saved_other, w.grad_fn._saved_self, z.exp().grad_fn._saved_result


@case
def anomaly(torch):
    z = numbers(torch, 0j)
    with torch.autograd.detect_anomaly():
        (z.sqrt() * 0).abs().sum().backward()
    return z.grad


@case
def input_buffers_of_mixed_types(torch):
    x = torch.tensor([1.0, 2], dtype=torch.float64, requires_grad=True)
    y = x * 2
    loss = (y * 1j).abs().sum() + y.sum() + torch.exp(1j * y).real.sum() + (y + 2j * y).imag.sum()
    loss.backward()
    return x.grad, str(x.grad.dtype)


@case
def index_put_and_slices(torch):
    z = numbers(torch)
    y = torch.zeros(4, dtype=torch.complex128)
    y[1:] = z
    y[0] = 2j
    y[y.real < 0] = 1 + 1j
    (y * weights(torch, y)).sum().real.backward()
    return y, z.grad


@case
def broadcasting(torch):
    z = numbers(torch)
    r = torch.tensor([[1.0], [2.0]], dtype=torch.float64, requires_grad=True)
    y = z * r + r
    (y * weights(torch, y)).sum().real.backward()
    return z.grad, r.grad, z.grad.shape, r.grad.shape


@case
def set_data_and_detach(torch):
    z = numbers(torch)
    z.data = torch.tensor([1j, 2j, 3j], dtype=torch.complex128)
    d = z.detach()
    return z, d, d.requires_grad, z.data.is_complex()


@case
def requires_grad_types(torch):
    found = []
    for dtype in (torch.complex64, torch.complex128, torch.int64):
        try:
            found.append(torch.ones(1, dtype=dtype).requires_grad_().requires_grad)
        except RuntimeError as error:
            found.append(str(error)[:60])
    return found


@case
def closeness(torch):
    z = numbers(torch, grad=False)
    return (
        torch.allclose(z, z + 1e-9j),
        torch.isclose(z, z * (1 + 1e-9)).tolist(),
        torch.isnan(z).tolist(),
        torch.isreal(z).tolist(),
        torch.isfinite(z).tolist(),
        torch.isinf(z).tolist(),
    )
