"""Complex numbers: what each of a table of programs gives in PyTorch, and what no table shows."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest
from complex_cases import PROGRAMS
from complex_cases.programs import numbers

import rushlight as torch
from rushlight.arrays.mirrored import MirroredArray

test_as_in_pytorch = PROGRAMS.test(torch)

VALUES = np.array([[1 + 2j, 3 - 1j], [0.5j, -2 + 0j]])

READS = {
    "sum": lambda a: a.sum(),
    "method with arguments": lambda a: a.mean(0),
    "matmul": lambda a: a @ a,
    "einsum": lambda a: np.einsum("ij,jk", a, a),
    "concatenate": lambda a: np.concatenate([a, VALUES]),
    "stack": lambda a: np.stack((a, a)),
    "basic index": lambda a: a[0, ...],
    "mask": lambda a: a[np.array([True, False])],
    "element": lambda a: a[1, 1],
    "reshape": lambda a: a.reshape(4),
    "transpose": lambda a: a.T,
    "swapaxes": lambda a: np.swapaxes(a, 0, 1),
    "expand_dims": lambda a: np.expand_dims(a, 0),
    "ravel of a transpose": lambda a: a.T.ravel(),
    "real": lambda a: a.real,
    "imag": lambda a: a.imag,
    "imag of a part": lambda a: a[0].imag,
    "number": lambda a: complex(a[0, 0] + 0),
    "item": lambda a: a[0, 1:2].item(),
    "tolist": lambda a: a.tolist(),
    "astype": lambda a: a.astype("complex64"),
    "out": lambda a: np.add(a, 1, out=np.zeros_like(VALUES)),
    "where": lambda a: np.where(a.real > 0, a, 0),
    "asarray": lambda a: np.asarray(a),
    "left operand": lambda a: a - 1j,
    "right operand": lambda a: VALUES / a,
    "copy": lambda a: a.copy(),
}


@pytest.mark.parametrize("read", READS)
def test_reading_a_mirrored_array(read):
    np.testing.assert_allclose(np.asarray(READS[read](MirroredArray(VALUES))), READS[read](np.conjugate(VALUES)), atol=1e-15)


WRITES = {
    "element": lambda a: a.__setitem__((0, 1), 5j),
    "slice": lambda a: a.__setitem__(0, VALUES[1]),
    "mask": lambda a: a.__setitem__(a.real > 0, 7j),
    "fill": lambda a: a.fill(1j),
    "in place": lambda a: a.__iadd__(VALUES),
    "out": lambda a: np.multiply(a, 2j, out=a),
    "copyto": lambda a: np.copyto(a, VALUES),
    "copyto where": lambda a: np.copyto(a, 1j, where=a.real > 0),
    "add.at": lambda a: np.add.at(a, ([0, 0], [1, 1]), 2j),
    "put": lambda a: np.put(a, [0, 3], [1j, 2j]),
    "real": lambda a: setattr(a, "real", 3.0),
    "imag": lambda a: setattr(a, "imag", [[1.0, 2.0], [3.0, 4.0]]),
    "imag of it": lambda a: a.imag.__setitem__(0, 9.0),
    "fill_diagonal": lambda a: np.fill_diagonal(a, 1j),
    "transposed": lambda a: a.T.__setitem__(0, 1j),
    "take": lambda a: np.take(VALUES, [3, 2], out=a[0]),
}


@pytest.mark.parametrize("write", WRITES)
def test_writing_to_a_mirrored_array(write):
    memory, expected = VALUES.copy(), np.conjugate(VALUES)
    WRITES[write](MirroredArray(memory))
    WRITES[write](expected)
    np.testing.assert_allclose(np.conjugate(memory), expected)


@pytest.mark.parametrize("name", ["sort", "put", "flat", "resize", "nothing"])
def test_what_would_be_lost_is_refused(name):
    with pytest.raises(AttributeError, match="resolve_conj"):
        getattr(MirroredArray(VALUES), name)


def test_derivatives_through_views_of_conjugates():
    def function(z, w):
        y = z * w
        c = y.conj()
        c[0] *= w[1]
        c.real.add_(2)
        c.imag[1:].mul_(w.real[1:])
        return y, c.sum()

    z, w = numbers(torch), numbers(torch, 2j, 0.5 - 1j, 1 + 1j)
    assert torch.autograd.gradcheck(function, (z, w), check_forward_ad=True)
    assert torch.autograd.gradgradcheck(lambda z, w: (z * w).conj().mul_(w)[1:], (z, w))


def test_a_hook_and_a_custom_function_may_return_a_conjugate():
    class Mirror(torch.autograd.Function):
        @staticmethod
        def forward(ctx, z):
            return z.conj()

        @staticmethod
        def backward(ctx, g):
            return g.conj()

    z = numbers(torch)
    y = Mirror.apply(z * 1)
    y.register_hook(lambda g: g.conj())
    seed = torch.tensor([1j, 2, 3 - 1j], dtype=torch.complex128)
    (y + z).backward(seed.conj())
    assert torch.equal(z.grad, seed.conj() + seed.conj())
    assert torch.equal(seed, torch.tensor([1j, 2, 3 - 1j], dtype=torch.complex128))
    assert torch.autograd.gradcheck(Mirror.apply, numbers(torch))


def test_no_cycle_is_left_behind():
    gc.collect()
    gc.disable()
    try:
        z = numbers(torch)
        y = (z.conj() * z).conj().imag.sum()
        y.backward()
        references = [weakref.ref(z), weakref.ref(y)]
        del z, y
        assert [reference() for reference in references] == [None, None]
    finally:
        gc.enable()
