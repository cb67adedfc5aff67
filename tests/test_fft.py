"""Fourier transforms: values and gradients of PyTorch 2.13, inverses, arguments; windows and short-time transforms."""

from __future__ import annotations

import numpy as np
import pytest

import rushlight as torch

SIGNAL = [1.0, 2.0, -1.0, 3.0, 0.0]

# The transform of SIGNAL, and the gradient of the sum of its real parts times 1, 2, ... and imaginary parts times ..., 2.
FACTS = {
    "fft": (
        [5, 0.44902798j, -4.97979657j, 4.97979657j, -0.44902798j],
        [15.0, -5.9409548, -3.31229924, -1.68770076, 0.9409548],
    ),
    "ifft": (
        [1, -0.0898056j, 0.99595931j, -0.99595931j, 0.0898056j],
        [3.0, 0.18819096, -0.33754015, -0.66245985, -1.18819096],
    ),
    "rfft": ([5, 0.44902798j, -4.97979657j], [6.0, -3.29891528, 0.08450301, 0.53353098, 1.68088129]),
    "irfft": (
        [1.125, -0.0517767, 0.375, 0.3017767, -1.375, 0.3017767, 0.375, -0.0517767], [4.5, -1.0, -1.0, -1.0, -0.5],
    ),
    "hfft": ([9.0, -0.41421356, 3.0, 2.41421356, -11.0, 2.41421356, 3.0, -0.41421356], [36.0, -8.0, -8.0, -8.0, -4.0]),
    "ihfft": ([1, -0.0898056j, 0.99595931j], [1.2, 0.33617626, 0.1067062, 0.0169006, -0.65978306]),
}  # fmt: skip


@pytest.mark.parametrize("name", FACTS)
def test_values_and_gradients_are_pytorchs(name):
    values, gradient = FACTS[name]
    x = torch.tensor(SIGNAL, dtype=torch.float64, requires_grad=True)
    out = getattr(torch.fft, name)(x)
    np.testing.assert_allclose(out.detach().numpy(), values, atol=1e-7)
    weights = torch.arange(1.0, out.numel() + 1, dtype=torch.float64)
    loss = (out.real * weights).sum()
    if out.is_complex():
        loss = loss + (out.imag * weights.flip(0)).sum()
    np.testing.assert_allclose(torch.autograd.grad(loss, x)[0].numpy(), gradient, atol=1e-7)


@pytest.mark.parametrize("norm", [None, "backward", "ortho", "forward"])
@pytest.mark.parametrize("size", [None, 3, 4, 7])
@pytest.mark.parametrize("pair", [("fft", "ifft"), ("rfft", "irfft"), ("ihfft", "hfft")])
def test_numpy_agrees_and_the_inverse_is_one(pair, size, norm):
    forward, backward = pair
    x = np.random.default_rng(0).standard_normal((2, 5))
    found = getattr(torch.fft, forward)(torch.from_numpy(x), size, -1, norm)
    np.testing.assert_allclose(found.numpy(), getattr(np.fft, forward)(x, size, -1, norm), atol=1e-12)
    back = getattr(torch.fft, backward)(found, size or 5, -1, norm)
    padded = np.pad(x, ((0, 0), (0, 2)))[:, : size or 5]
    np.testing.assert_allclose(back.numpy().real, padded, atol=1e-12)


@pytest.mark.parametrize("name", ["fftn", "ifftn", "rfftn", "irfftn", "hfftn", "ihfftn"])
@pytest.mark.parametrize(
    "arguments", [{}, {"s": (2, 5), "dim": (0, 1)}, {"dim": (1, 0), "norm": "ortho"}, {"s": (-1, 4)}]
)
def test_transforms_over_several_dimensions_pass_gradcheck(name, arguments):
    x = torch.from_numpy(np.random.default_rng(0).standard_normal((3, 4))).requires_grad_()
    transform = getattr(torch.fft, name)
    assert torch.autograd.gradcheck(lambda x: transform(x, **arguments), x)
    assert torch.autograd.gradgradcheck(lambda x: transform(x, **arguments), x)


def test_types():
    assert torch.fft.fft(torch.ones(3)).dtype is torch.complex64
    assert torch.fft.fft(torch.ones(3).int()).dtype is torch.complex64
    assert torch.fft.rfft(torch.ones(3).double()).dtype is torch.complex128
    assert torch.fft.irfft(torch.ones(3)).dtype is torch.float32
    assert torch.fft.fftfreq(4).tolist() == [0.0, 0.25, -0.5, -0.25]
    assert torch.fft.fftshift(torch.arange(5)).tolist() == [3, 4, 0, 1, 2]
    assert torch.fft.ifftshift(torch.fft.fftshift(torch.arange(5))).tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("call", "kind", "phrase"),
    [
        (lambda one: torch.fft.fft(one()), IndexError, "Dimension specified as -1 but tensor has no dimensions"),
        (lambda one: torch.fft.fft(one(3), n=0), RuntimeError, r"Invalid number of data points \(0\) specified"),
        (lambda one: torch.fft.irfft(one(1)), RuntimeError, r"Invalid number of data points \(0\) specified"),
        (lambda one: torch.fft.fft(one(3), norm="x"), RuntimeError, 'Invalid normalization mode: "x"'),
        (lambda one: torch.fft.rfft(one(3) + 1j), RuntimeError, "rfft expects a real input tensor, but got Complex"),
        (lambda one: torch.fft.fft(one(3).half()), RuntimeError, "Unsupported dtype Half"),
        (lambda one: torch.fft.fftn(one(3, 3), s=(2,), dim=(0, 1)), RuntimeError, "must have the same length"),
        (lambda one: torch.fft.fftn(one(3, 3), dim=(0, 0)), RuntimeError, "FFT dims must be unique"),
        (lambda one: torch.fft.fftn(one(3), s=(2, 2)), RuntimeError, "Got shape with 2 values but input tensor only"),
        (lambda one: torch.stft(one(8), 4), RuntimeError, "stft requires the return_complex parameter"),
        (lambda one: torch.istft(one(3, 3), 4), RuntimeError, "istft requires a complex-valued input tensor"),
        (lambda one: torch.hann_window(-1), RuntimeError, "requires non-negative window_length, got window_length=-1"),
    ],
)  # fmt: skip
def test_errors(call, kind, phrase):
    with pytest.raises(kind, match=phrase):
        call(lambda *shape: torch.ones(*shape) if shape else torch.tensor(1.0))


def test_windows():
    close = {"rtol": 0, "atol": 1e-6}
    np.testing.assert_allclose(torch.hann_window(5).numpy(), [0.0, 0.3454915, 0.9045085, 0.9045085, 0.3454915], **close)
    np.testing.assert_allclose(torch.hamming_window(4, False).numpy(), [0.08, 0.77, 0.77, 0.08], **close)
    np.testing.assert_allclose(torch.blackman_window(4).numpy(), [0.0, 0.34, 1.0, 0.34], **close)
    np.testing.assert_allclose(torch.bartlett_window(5).numpy(), [0.0, 0.4, 0.8, 0.8, 0.4], **close)
    np.testing.assert_allclose(torch.kaiser_window(4).numpy(), [5.2773e-05, 0.2156727, 1.0, 0.2156727], **close)
    assert torch.hann_window(1).tolist() == [1.0]
    assert torch.hann_window(0).shape == (0,)


def test_windows_of_the_signal_module():
    windows = torch.signal.windows
    close = {"rtol": 0, "atol": 1e-6}
    np.testing.assert_allclose(windows.cosine(4).numpy(), [0.3826835, 0.9238795, 0.9238795, 0.3826835], **close)
    np.testing.assert_allclose(windows.cosine(4, sym=False).numpy(), [0.309017, 0.809017, 1.0, 0.809017], **close)
    np.testing.assert_allclose(windows.exponential(4, sym=False).numpy(), [0.1353353, 0.3678794, 1.0, 0.3678794], **close)
    np.testing.assert_allclose(windows.gaussian(4).numpy(), [0.3246525, 0.8824969, 0.8824969, 0.3246525], **close)
    np.testing.assert_allclose(windows.nuttall(4).numpy(), [0.0003628, 0.5292299, 0.5292298, 0.0003628], **close)
    np.testing.assert_allclose(windows.kaiser(4, beta=5.0, sym=False).numpy(), [0.0367109, 0.5528518, 1.0, 0.5528518], **close)
    np.testing.assert_allclose(windows.general_cosine(4, a=[0.5, 0.3, 0.2]).numpy(), [0.4, 0.55, 0.55, 0.4], **close)
    np.testing.assert_allclose(windows.general_hamming(4, alpha=0.6).numpy(), [0.2, 0.8, 0.8, 0.2], **close)
    assert windows.hann(1).tolist() == [1.0]
    assert windows.bartlett(0).shape == (0,)
    with pytest.raises(ValueError, match="hann requires non-negative window length, got M=-1"):
        windows.hann(-1)
    with pytest.raises(ValueError, match="Center must be None for symmetric windows"):
        windows.exponential(4, center=1.0)


@pytest.mark.parametrize(
    "arguments",
    [{}, {"hop_length": 2}, {"center": False}, {"normalized": True}, {"onesided": False}, {"pad_mode": "constant"}]
)
def test_a_signal_comes_back_from_its_short_time_transform(arguments):
    signal = torch.from_numpy(np.random.default_rng(0).standard_normal((2, 24))).requires_grad_()
    window = torch.hamming_window(8, dtype=torch.float64)
    spectra = torch.stft(signal, 8, window=window, return_complex=True, **arguments)
    assert spectra.shape[:2] == (2, 8 if "onesided" in arguments else 5)
    back = torch.istft(spectra, 8, window=window, length=24, **{k: v for k, v in arguments.items() if k != "pad_mode"})
    np.testing.assert_allclose(back.detach().numpy(), signal.detach().numpy(), atol=1e-10)
    (gradient,) = torch.autograd.grad(back.sum(), signal)
    np.testing.assert_allclose(gradient.numpy(), np.ones((2, 24)), atol=1e-10)
