"""Short-time Fourier transforms, and the windows that they use."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import dtypes
from ..creation import finished
from ..tensor import Tensor, wrap
from ..warning import warn
from .checks import somewhere
from .complexes import view_as_real
from .fft import complex_transform, real_transform, to_real_transform
from .kinds import composite
from .samples import T, call
from .shapes import transpose, unfold, unfold_backward

# --- windows ---------------------------------------------------------------------------------------------------------


def phases(name: str, window_length: int, periodic: bool, dtype: Any) -> tuple[Any, Any]:
    """Where the points of a window lie, from 0 to 2 pi, and its type.

    Raises RuntimeError for a wrong length or type.
    """
    kind = dtypes.get_default_dtype() if dtype is None else dtypes.resolve(dtype)
    if not kind.is_floating_point:
        raise RuntimeError(f"{name} expects floating point dtypes, got: {kind}")
    if window_length < 0:
        raise RuntimeError(f"{name} requires non-negative window_length, got window_length={window_length}")
    if window_length == 1:
        return np.full(1, math.pi), kind  # the middle: every window is one there
    steps = window_length if periodic else window_length - 1
    return 2 * math.pi * np.arange(window_length) / max(steps, 1), kind


def hann_window(window_length: int, periodic: bool = True, *, dtype: Any = None, layout: Any = None, device: Any = None,
                pin_memory: bool = False, requires_grad: bool = False) -> Tensor:  # fmt: skip
    """`(1 - cos) / 2`. Periodic windows are those of one more point, without the last."""
    t, kind = phases("hann_window", window_length, periodic, dtype)
    return finished(0.5 - 0.5 * np.cos(t), kind, device, requires_grad)


def hamming_window(window_length: int, periodic: bool = True, alpha: float = 0.54, beta: float = 0.46, *,
                   dtype: Any = None,
                   layout: Any = None, device: Any = None, pin_memory: bool = False,
                   requires_grad: bool = False) -> Tensor:  # fmt: skip
    """`alpha - beta cos`."""
    t, kind = phases("hamming_window", window_length, periodic, dtype)
    return finished(alpha - beta * np.cos(t), kind, device, requires_grad)


def blackman_window(window_length: int, periodic: bool = True, *, dtype: Any = None, layout: Any = None,
                    device: Any = None,
                    pin_memory: bool = False, requires_grad: bool = False) -> Tensor:  # fmt: skip
    """`0.42 - 0.5 cos + 0.08 cos 2`."""
    t, kind = phases("blackman_window", window_length, periodic, dtype)
    return finished(np.maximum(0.42 - 0.5 * np.cos(t) + 0.08 * np.cos(2 * t), 0.0), kind, device, requires_grad)


def bartlett_window(window_length: int, periodic: bool = True, *, dtype: Any = None, layout: Any = None,
                    device: Any = None,
                    pin_memory: bool = False, requires_grad: bool = False) -> Tensor:  # fmt: skip
    """A triangle."""
    t, kind = phases("bartlett_window", window_length, periodic, dtype)
    return finished(1 - np.abs(t / math.pi - 1), kind, device, requires_grad)


def kaiser_window(window_length: int, periodic: bool = True, beta: float = 12.0, *, dtype: Any = None,
                  layout: Any = None,
                  device: Any = None, pin_memory: bool = False, requires_grad: bool = False) -> Tensor:  # fmt: skip
    """`I0(beta sqrt(1 - x^2)) / I0(beta)` for x from -1 to 1."""
    t, kind = phases("kaiser_window", window_length, periodic, dtype)
    x = t / math.pi - 1
    return finished(np.i0(beta * np.sqrt(np.maximum(1 - x * x, 0.0))) / np.i0(beta), kind, device, requires_grad)


# --- short-time transforms -------------------------------------------------------------------------------------------


def window_for(name: str, window: Any, win_length: int, n_fft: int, kind: dtypes.dtype) -> Any:
    """The window, ones without one, in the middle of `n_fft` points. Raises RuntimeError where it does not fit."""
    if not 0 < win_length <= n_fft:
        raise RuntimeError(f"{name}: expected 0 < win_length <= n_fft, but got win_length={win_length}")
    if window is None:
        warn(
            "A window was not provided. A rectangular window will be applied, which is known to cause spectral "
            "leakage. Other windows "
            "such as torch.hann_window or torch.hamming_window are recommended to reduce spectral leakage."
        )
        window = wrap(np.ones(win_length, kind.to_real().numpy))
    elif window.ndim != 1 or window.shape[0] != win_length:
        raise RuntimeError(
            f"{name}: expected a 1D window tensor of size equal to win_length={win_length}, but got window with size "
            f"{window.shape}"
        )
    before = (n_fft - win_length) // 2
    if win_length == n_fft:
        return window
    place = np.zeros((n_fft, win_length), window.dtype.numpy)
    place[np.arange(win_length) + before, np.arange(win_length)] = 1
    return wrap(place) @ window


def reflected(input: Any, count: int, pad_mode: str) -> Any:
    """The signals with `count` more points at both ends, taken from within."""
    modes: dict[str, Any] = {"reflect": "reflect", "constant": "constant", "replicate": "edge", "circular": "wrap"}
    if pad_mode not in modes:
        raise NotImplementedError(f"Unrecognised padding mode {pad_mode}")
    extent = input.shape[-1]
    if pad_mode == "reflect" and count >= extent:
        raise RuntimeError(
            "Argument #4: Padding size should be less than the corresponding input dimension, but got: padding "
            f"({count}, {count}) at dimension 2 of input {[1, *input.shape]}"
        )
    if pad_mode == "constant":
        from .joining import cat

        zeros = input.new_zeros((*input.shape[:-1], count))
        return cat([zeros, input, zeros], -1)
    return input[..., np.pad(np.arange(extent, dtype=np.int64), count, modes[pad_mode])]


@composite(
    samples=lambda: [
        call(T((12,)), 4, window=T((4,), 0.5, 1.0), return_complex=True),
        call(T((2, 12)), 6, 2, 4, window=T((4,), 0.5, 1.0), center=False, normalized=True, return_complex=True),
        call(T((12,)), 4, window=T((4,), 0.5, 1.0), onesided=False, pad_mode="constant", return_complex=True),
    ],
)  # fmt: skip
def stft(
    input: Tensor, n_fft: int, hop_length: int | None = None, win_length: int | None = None,
    window: Tensor | None = None,
    center: bool = True, pad_mode: str = "reflect", normalized: bool = False, onesided: bool | None = None,
    return_complex: bool | None = None, align_to_window: bool | None = None,
) -> Tensor:  # fmt: skip
    """The Fourier transforms of windows of `n_fft` points, `hop_length` apart: (..., length) gives (..., frequencies,
    windows).

    Raises RuntimeError for lengths that do not fit, and for real input unless `return_complex` is given.
    """
    hop = n_fft // 4 if hop_length is None else hop_length
    size = n_fft if win_length is None else win_length
    if return_complex is None:
        if not input.is_complex():
            raise RuntimeError(
                "stft requires the return_complex parameter be given for real inputs, and will further require that "
                "return_complex=True in a future PyTorch release."
            )
        return_complex = True
    if input.ndim not in (1, 2):
        raise RuntimeError(f"stft: expected a 1D or 2D tensor, but got {input.ndim}D")
    if center:
        input = reflected(input, n_fft // 2, pad_mode)
    if not 0 < n_fft <= input.shape[-1]:
        raise RuntimeError(f"stft: expected 0 < n_fft <= {input.shape[-1]}, but got n_fft={n_fft}")
    if hop <= 0:
        raise RuntimeError(f"stft: expected hop_length > 0, but got hop_length={hop}")
    window = window_for("stft", window, size, n_fft, input.dtype)
    whole = input.is_complex() or window.is_complex()
    if whole and onesided:
        raise RuntimeError("Cannot have onesided output if window or input is complex")
    frames = unfold(input, -1, n_fft, hop) * window
    norm = "ortho" if normalized else None
    transform = complex_transform if whole or onesided is False else real_transform
    spectra = transpose(transform("stft", frames, None, -1, norm, True), -1, -2)
    return spectra if return_complex else view_as_real(spectra)


@composite(
    samples=lambda: [
        call(T((3, 5), kind="complex"), 4, window=T((4,), 0.5, 1.0)),
        call(T((2, 3, 5), kind="complex"), 4, 2, window=T((4,), 0.5, 1.0), normalized=True, length=7),
    ],
)  # fmt: skip
def istft(
    input: Tensor, n_fft: int, hop_length: int | None = None, win_length: int | None = None,
    window: Tensor | None = None,
    center: bool = True, normalized: bool = False, onesided: bool | None = None, length: int | None = None,
    return_complex: bool = False,
) -> Tensor:  # fmt: skip
    """The signal with the given short-time Fourier transform: the transforms back, overlapped and divided by the
    windows' squares.

    Raises RuntimeError for input that is not complex, and where the windows leave gaps.
    """
    hop = n_fft // 4 if hop_length is None else hop_length
    size = n_fft if win_length is None else win_length
    if not input.is_complex():
        raise RuntimeError(
            "istft requires a complex-valued input tensor matching the output from stft with return_complex=True."
        )
    if onesided is None:
        onesided = input.shape[-2] != n_fft
    expected = n_fft // 2 + 1 if onesided else n_fft
    if input.shape[-2] != expected:
        raise RuntimeError(
            "istft: expected the frequency dimension (3rd to the last) of the input tensor to match n_fft / 2 + 1 "
            "when onesided=True "
            f"or n_fft otherwise, but got {input.shape[-2]}"
        )
    if not 0 < hop <= size:
        raise RuntimeError(f"istft: expected 0 < hop_length <= win_length, but got hop_length={hop}")
    window = window_for("istft", window, size, n_fft, input.dtype)
    norm = "ortho" if normalized else None
    spectra = transpose(input, -1, -2)
    if return_complex:
        frames = complex_transform("istft", spectra, None, -1, norm, False)
    else:
        frames = to_real_transform("istft", spectra[..., : n_fft // 2 + 1], n_fft, -1, norm, False)
    count = frames.shape[-2]
    total = n_fft + hop * (count - 1)
    signal = unfold_backward(frames * window, (*frames.shape[:-2], total), frames.ndim - 2, n_fft, hop)
    weight = unfold_backward((window * window).expand(count, n_fft), (total,), 0, n_fft, hop)
    begin = n_fft // 2 if center else 0
    end = begin + length if length is not None else total - n_fft // 2 if center else total
    signal, weight = signal[..., begin:end], weight[begin:end]
    if somewhere(weight.detach().abs() < 1e-11):
        raise RuntimeError("istft: window overlap add min: 1; the windows leave gaps where the signal is unknown")
    signal = signal / weight
    missing = 0 if length is None else length - signal.shape[-1]
    if missing > 0:
        from .joining import cat

        signal = cat([signal, signal.new_zeros((*signal.shape[:-1], missing))], -1)
    return signal


__all__ = ["bartlett_window", "blackman_window", "hamming_window", "hann_window", "istft", "kaiser_window", "stft"]
ALIASES: dict[str, tuple[str, ...]] = {}
