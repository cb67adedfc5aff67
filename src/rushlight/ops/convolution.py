"""Convolutions and their transposes, of one to three dimensions, and the unfolding of images into columns."""

from __future__ import annotations

from math import prod
from typing import Any

from ..arrays.basic import zeros_like
from ..arrays.windows import convolve, correlate, counts, padded, spread_image, taps, windows
from ..dtypes import type_word_of
from ..tensor import Tensor
from .kinds import Array, bilinear, linear
from .padding import constant_pad_nd
from .products import CPP_NAMES, conjugated
from .reductions import sum
from .samples import T, call
from .shapes import expand

# --- arguments --------------------------------------------------------------------------------------------------------------------


def repeated(value: Any, rank: int, name: str) -> tuple:
    """One number per dimension, from a number or a sequence. Raises RuntimeError for another count."""
    values = tuple(value) if isinstance(value, (tuple, list)) else (value,)
    if len(values) == 1:
        values *= rank
    if len(values) != rank:
        raise RuntimeError(
            f"expected {name} to be a single integer value or a list of {rank} values to match the convolution dimensions, but got "
            f"{name}={list(values)}"
        )
    return values


def check_numbers(stride: tuple, padding: tuple, dilation: tuple, groups: int) -> None:
    """Raises RuntimeError for numbers that make no sense."""
    if min(padding) < 0:
        raise RuntimeError("negative padding is not supported")
    if min(stride) <= 0:
        raise RuntimeError("non-positive stride is not supported")
    if min(dilation) <= 0:
        raise RuntimeError(f"dilation should be greater than zero, but got {list(dilation)}")
    if groups <= 0:
        raise RuntimeError("non-positive groups is not supported")


def check_types(input: Any, weight: Any, bias: Any) -> None:
    """Raises RuntimeError for operands of two types."""
    if weight.dtype != input.dtype:
        names = [type_word_of(array) for array in (input, weight)]
        raise RuntimeError(f"expected scalar type {names[0]} but found {names[1]}")
    if bias is not None and bias.dtype != input.dtype:
        names = [CPP_NAMES.get(array.dtype.name, array.dtype.name) for array in (input, bias)]
        raise RuntimeError(f"Input type ({names[0]}) and bias type ({names[1]}) should be the same")


def check_shapes(x: tuple, w: tuple, bias: Any, groups: int, transposed: bool) -> None:
    """Raises RuntimeError unless image, kernel and bias fit each other."""
    form = f"{'transposed=1' if transposed else f'groups={groups}'}"
    if len(x) != len(w):
        raise RuntimeError(
            f"Expected {len(w)}-dimensional input for {len(w)}-dimensional weight {list(w)}, but got {len(x)}-dimensional input of "
            f"size {list(x)} instead"
        )
    if not transposed and w[0] % groups:
        raise RuntimeError(
            f"Given groups={groups}, expected weight to be divisible by {groups} at dimension 0, but got weight of size "
            f"[{list(w)}] instead"
        )
    wanted = w[0] if transposed else w[1] * groups
    if x[1] != wanted or (transposed and w[0] % groups):
        raise RuntimeError(
            f"Given {form}, weight of size {list(w)}, expected input{list(x)} to have {wanted} channels, but got {x[1]} channels "
            "instead"
        )
    outputs = w[1] * groups if transposed else w[0]
    if bias is not None and bias.shape != (outputs,):
        given = "transposed=1, " if transposed else ""
        raise RuntimeError(
            f"Given {given}weight of size {list(w)}, expected bias to be 1-dimensional with {outputs} elements, but got bias of "
            f"size {list(bias.shape)} instead"
        )


def planar(size: tuple) -> tuple:
    """Extents as PyTorch tells of them: a line is a plane of height one."""
    return (1, *size) if len(size) == 1 else tuple(size)


def by(numbers: Any) -> str:
    """Numbers as in `3 x 3`."""
    return " x ".join(map(str, numbers))


def with_bias(result: Any, bias: Any) -> Any:
    """The result plus one number per channel, in place."""
    if bias is not None:
        result += bias.reshape(-1, *(1,) * (result.ndim - 2))
    return result


def channel_totals(g: Any) -> Any:
    """The cotangent of a bias: the sum over all but the channels."""
    return sum(g, (0, *range(2, g.ndim)))


def in_channels(bias: Any, out: Any) -> Any:
    """A bias in the shape of a convolution's result: the transpose of `channel_totals`."""
    return expand(bias.reshape((-1, *(1,) * (out.ndim - 2))), *out.shape)


# --- the three products -----------------------------------------------------------------------------------------------------------
# `geometry` is (stride, padding, dilation, groups).

GEOMETRIES = [((1,), (0,), (1,), 1), ((2,), (1,), (2,), 1), ((1,), (1,), (1,), 2)]


@bilinear(
    lambda g, y, x_shape, geometry: convolution_image(g, conjugated(y), x_shape[2:], geometry),
    lambda g, x, y_shape, geometry: convolution_kernel(g, conjugated(x), y_shape[2:], geometry),
    method=False, samples=lambda: [call(T((2, 2, 7)), T((4, 2 // one[3], 3)), one) for one in GEOMETRIES],
)  # fmt: skip
def convolution_product(input: Array, weight: Array, geometry: tuple) -> Array:
    """The convolution of images (N, C, ...) with kernels (O, C / groups, ...)."""
    return convolve(input, weight, *geometry)


def first_windows(x: Any, shape: tuple) -> Any:
    """As many windows as there are in that shape: with much output padding an image has room for more."""
    return x if tuple(x.shape) == tuple(shape) else x[(..., *[slice(extent) for extent in shape[2:]])]


@bilinear(
    lambda g, y, x_shape, geometry: first_windows(convolution_product(g, conjugated(y), geometry), x_shape),
    lambda g, x, y_shape, geometry: convolution_kernel(conjugated(x), g, y_shape[2:], geometry),
    method=False,
    samples=lambda: [call(T((2, 4, n)), T((4, 2 // one[3], 3)), (7,), one) for n, one in zip((5, 3, 7), GEOMETRIES, strict=True)],
)  # fmt: skip
def convolution_image(input: Array, weight: Array, size: tuple, geometry: tuple) -> Array:
    """The transpose of `convolution_product` with respect to its images, which have the extents `size`."""
    return spread_image(input, weight, tuple(size), *geometry)


@bilinear(
    lambda g, y, x_shape, geometry: first_windows(convolution_product(conjugated(y), g, geometry), x_shape),
    lambda g, x, y_shape, geometry: convolution_image(conjugated(x), g, y_shape[2:], geometry),
    method=False,
    samples=lambda: [call(T((2, 4, n)), T((2, 2, 7)), (3,), one) for n, one in zip((5, 3, 7), GEOMETRIES, strict=True)],
)  # fmt: skip
def convolution_kernel(input: Array, image: Array, size: tuple, geometry: tuple) -> Array:
    """The transpose of `convolution_product` with respect to its kernels, which have the extents `size`."""
    return correlate(input, image, tuple(size), *geometry)


# --- convolutions with bias -------------------------------------------------------------------------------------------------------


def as_geometry(stride: Any, padding: Any, dilation: Any, groups: int) -> tuple:
    """The arguments of a convolution in the form that the products take."""
    return tuple(stride), tuple(padding), tuple(dilation), groups


@bilinear(
    lambda g, weight, x_shape, stride, padding, dilation, groups: convolution_image(
        g, conjugated(weight), x_shape[2:], as_geometry(stride, padding, dilation, groups)),
    lambda g, x, weight_shape, stride, padding, dilation, groups: convolution_kernel(
        g, conjugated(x), weight_shape[2:], as_geometry(stride, padding, dilation, groups)),
    lambda g: channel_totals(g),
    addend=lambda t, out: in_channels(t, out), method=False, node="ConvolutionBackward0",
    samples=lambda: [
        call(T((2, 2, 5)), T((3, 2, 3)), T((3,)), (1,), (1,), (1,), 1),
        call(T((1, 2, 4, 4)), T((2, 1, 2, 3)), None, (2, 1), (0, 1), (1, 1), 2)
    ],
)  # fmt: skip
def biased_convolution(
    input: Array, weight: Array, bias: Array | None, stride: tuple, padding: tuple, dilation: tuple, groups: int
) -> Array:
    """A convolution of images (N, C, ...) with kernels (O, C / groups, ...), plus a bias (O)."""
    check_numbers(stride, padding, dilation, groups)
    check_shapes(input.shape, weight.shape, bias, groups, False)
    check_types(input, weight, bias)
    kernel = weight.shape[2:]
    size = [n + 2 * p for n, p in zip(input.shape[2:], padding, strict=True)]
    if min(counts(size, kernel, stride, dilation)) < 1:
        reach = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
        raise RuntimeError(
            f"Calculated padded input size per channel: ({by(size)}). Kernel size: ({by(reach)}). Kernel size can't be greater "
            "than actual input size"
        )
    return with_bias(convolve(input, weight, stride, padding, dilation, groups), bias)


def transposed_size(
    size: tuple, kernel: tuple, stride: tuple, padding: tuple, output_padding: tuple, dilation: tuple
) -> tuple:
    """The extents of a transposed convolution's result. Raises RuntimeError where nothing is left."""
    result = tuple([
        (n - 1) * s - 2 * p + d * (k - 1) + o + 1
        for n, k, s, p, o, d in zip(size, kernel, stride, padding, output_padding, dilation, strict=True)
    ])  # fmt: skip
    if min(result) < 1:
        raise RuntimeError(
            f"Given input size per channel: ({by(planar(size))}). Calculated output size per channel: ({by(planar(result))}). "
            "Output size is too small"
        )
    return result


@bilinear(
    lambda g, weight, x_shape, stride, padding, dilation, groups: first_windows(convolution_product(
        g, conjugated(weight), as_geometry(stride, padding, dilation, groups)), x_shape),
    lambda g, x, weight_shape, stride, padding, dilation, groups: convolution_kernel(
        conjugated(x), g, weight_shape[2:], as_geometry(stride, padding, dilation, groups)),
    lambda g: channel_totals(g),
    addend=lambda t, out: in_channels(t, out), method=False, node="ConvolutionBackward0",
    samples=lambda: [
        call(T((2, 3, 4)), T((3, 2, 3)), T((2,)), (2,), (1,), (1,), (1,), 1),
        call(T((1, 2, 3, 3)), T((2, 1, 2, 3)), None, (1, 2), (0, 1), (0, 1), (2, 1), 2),
        call(T((1, 1, 3)), T((1, 1, 2)), None, (1,), (0,), (2,), (3,), 1),
    ],
)  # fmt: skip
def biased_transposed_convolution(
    input: Array, weight: Array, bias: Array | None, stride: tuple, padding: tuple, output_padding: tuple, dilation: tuple,
    groups: int
) -> Array:
    """The transpose of a convolution, applied to (N, C, ...), with kernels (C, O / groups, ...), plus a bias (O)."""
    check_numbers(stride, padding, dilation, groups)
    for extra, step, spacing in zip(output_padding, stride, dilation, strict=True):
        if extra < 0:
            raise RuntimeError("negative output_padding is not supported")
        if extra >= max(step, spacing):
            raise RuntimeError(
                f"output padding must be smaller than either stride or dilation, but got output_padding: {list(output_padding)} "
                f"stride: {list(stride)} dilation: {list(dilation)}"
            )
    check_shapes(input.shape, weight.shape, bias, groups, True)
    check_types(input, weight, bias)
    size = transposed_size(input.shape[2:], weight.shape[2:], stride, padding, output_padding, dilation)
    return with_bias(spread_image(input, weight, size, stride, padding, dilation, groups), bias)


def convolution(
    input: Tensor, weight: Tensor, bias: Tensor | None, stride: Any, padding: Any, dilation: Any, transposed: bool,
    output_padding: Any,
    groups: int,
) -> Tensor:  # fmt: skip
    """A convolution of (N, C, ...) in as many dimensions as `weight` has beyond two, or its transpose."""
    rank = weight.ndim - 2
    numbers = [repeated(one, rank, name) for one, name in ((stride, "stride"), (padding, "padding"), (dilation, "dilation"))]
    if not transposed:
        return biased_convolution(input, weight, bias, *numbers, groups)
    extra = repeated(output_padding, rank, "output_padding")
    return biased_transposed_convolution(input, weight, bias, *numbers[:2], extra, numbers[2], groups)


def batched(name: str, input: Tensor, rank: int) -> tuple[Tensor, bool]:
    """The input with a batch dimension, and whether it had one."""
    if input.ndim not in (rank + 1, rank + 2):
        raise RuntimeError(
            f"Expected {rank + 1}D (unbatched) or {rank + 2}D (batched) input to {name}, but got input of size: {list(input.shape)}"
        )
    return (input, True) if input.ndim == rank + 2 else (input.unsqueeze(0), False)


def same_padding(input: Tensor, weight: Tensor, stride: tuple, dilation: tuple) -> tuple[Tensor, tuple]:
    """The input, where need be with one more element at the end, and the padding, that keep the extents as they are."""
    if any(step != 1 for step in stride):
        raise RuntimeError("padding='same' is not supported for strided convolutions")
    totals = [d * (k - 1) for k, d in zip(weight.shape[2:], dilation, strict=True)]
    if any(total % 2 for total in totals):
        sides = [side for total in reversed(totals) for side in (0, total % 2)]
        input = constant_pad_nd(input, tuple(sides))
    return input, tuple([total // 2 for total in totals])


def conv(
    name: str, rank: int, input: Tensor, weight: Tensor, bias: Tensor | None, stride: Any, padding: Any, dilation: Any, groups: int
) -> Tensor:
    """`conv1d`, `conv2d` or `conv3d`."""
    input, has_batch = batched(name, input, rank)
    stride, dilation = repeated(stride, rank, "stride"), repeated(dilation, rank, "dilation")
    if isinstance(padding, str):
        if padding not in ("same", "valid"):
            raise RuntimeError(f"Invalid padding string: '{padding}'")
        input, padding = same_padding(input, weight, stride, dilation) if padding == "same" else (input, (0,) * rank)
    else:
        padding = repeated(padding, rank, "padding")
    if weight.ndim != rank + 2:
        check_shapes(input.shape, weight.shape, bias, groups, False)
    result = biased_convolution(input, weight, bias, stride, padding, dilation, groups)
    return result if has_batch else result.squeeze(0)


def conv_transpose(
    name: str, rank: int, input: Tensor, weight: Tensor, bias: Tensor | None, stride: Any, padding: Any, output_padding: Any,
    groups: int, dilation: Any,
) -> Tensor:  # fmt: skip
    """`conv_transpose1d`, `conv_transpose2d` or `conv_transpose3d`."""
    input, has_batch = batched(name, input, rank)
    if weight.ndim != rank + 2:
        check_shapes(input.shape, weight.shape, bias, groups, True)
    result = convolution(input, weight, bias, stride, padding, dilation, True, output_padding, groups)
    return result if has_batch else result.squeeze(0)


def _of_rank(rank: int) -> tuple:
    """The functions for one number of dimensions."""

    def forward(
        input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1,
        groups: int = 1
    ) -> Tensor:
        return conv(forward.__name__, rank, input, weight, bias, stride, padding, dilation, groups)

    def transpose(
        input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Any = 1, padding: Any = 0, output_padding: Any = 0,
        groups: int = 1, dilation: Any = 1,
    ) -> Tensor:  # fmt: skip
        return conv_transpose(transpose.__name__, rank, input, weight, bias, stride, padding, output_padding, groups, dilation)

    forward.__name__ = forward.__qualname__ = f"conv{rank}d"
    forward.__doc__ = (
        f"A convolution in {rank} dimension(s) of (N, C, ...), or (C, ...), with kernels (O, C / groups, ...) and a bias (O).\n\n"
        "`padding` may also be 'valid' (none) or 'same' (the extents stay as they are). Raises RuntimeError for shapes that do "
        "not fit."
    )
    transpose.__name__ = transpose.__qualname__ = f"conv_transpose{rank}d"
    transpose.__doc__ = (
        f"The transpose of a convolution in {rank} dimension(s), applied to (N, C, ...), or (C, ...); kernels (C, O / groups, "
        "...).\n\n`output_padding` makes the result larger on one side, for a stride leaves open how large the image was."
    )
    return forward, transpose


conv1d, conv_transpose1d = _of_rank(1)
conv2d, conv_transpose2d = _of_rank(2)
conv3d, conv_transpose3d = _of_rank(3)


def conv_tbc(input: Tensor, weight: Tensor, bias: Tensor, pad: int = 0) -> Tensor:
    """`conv1d` of (time, batch, channels) with kernels (time, channels, outputs)."""
    result = conv1d(input.permute(1, 2, 0), weight.permute(2, 1, 0), bias, padding=pad)
    return result.permute(2, 0, 1)


# --- unfolding --------------------------------------------------------------------------------------------------------------------


@linear(
    lambda g, x_shape, kernel, dilation, padding, stride: columns_to_image(g, x_shape[2:], kernel, dilation, padding, stride),
    method=False, node="Im2ColBackward0",
    samples=lambda: [call(T((2, 2, 3, 4)), (2, 2), (1, 1), (0, 0), (1, 1)), call(T((1, 1, 5, 4)), (2, 1), (2, 1), (1, 0), (2, 1))],
)  # fmt: skip
def image_to_columns(input: Array, kernel: tuple, dilation: tuple, padding: tuple, stride: tuple) -> Array:
    """The windows of images (N, C, ...) as columns: (N, C * elements of a window, number of windows)."""
    rank = len(kernel)
    view = windows(padded(input, padding), kernel, stride, dilation)
    samples, channels, places = input.shape[0], input.shape[1], prod(view.shape[2 : 2 + rank])
    order = (0, 1, *range(2 + rank, 2 + 2 * rank), *range(2, 2 + rank))
    return view.transpose(order).reshape(samples, channels * prod(kernel), places)


@linear(
    lambda g, kernel, dilation, padding, stride: image_to_columns(g, kernel, dilation, padding, stride),
    method=False, node="Col2ImBackward0",
    samples=lambda: [call(T((2, 8, 6)), (3, 4), (2, 2), (1, 1), (0, 0), (1, 1)),
    call(T((1, 2, 12)), (5, 4), (2, 1), (2, 1), (1, 0), (2, 1))],
)  # fmt: skip
def columns_to_image(input: Array, size: tuple, kernel: tuple, dilation: tuple, padding: tuple, stride: tuple) -> Array:
    """The transpose of `image_to_columns`: windows added where they overlap, into images of the extents `size`."""
    extents = [n + 2 * p for n, p in zip(size, padding, strict=True)]
    blocks = counts(extents, kernel, stride, dilation)
    samples, channels = input.shape[0], input.shape[1] // prod(kernel)
    whole = zeros_like(input, (samples, channels, *extents))
    parts = input.reshape(samples, channels, prod(kernel), *blocks)
    for tap, where in enumerate(taps(kernel, blocks, stride, dilation)):
        whole[(slice(None), slice(None), *where)] += parts[:, :, tap]
    return whole[(..., *[slice(p, p + n) for n, p in zip(size, padding, strict=True)])].copy()


def pair(value: Any) -> tuple:
    """Two numbers from one or two."""
    values = tuple(value) if isinstance(value, (tuple, list)) else (value,)
    return values * 2 if len(values) == 1 else values


def unfold(input: Tensor, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Tensor:
    """The windows of images (N, C, H, W), or (C, H, W), as columns: (N, C * elements of a window, number of windows)."""
    kernel, dilation, padding, stride = pair(kernel_size), pair(dilation), pair(padding), pair(stride)
    images = input if input.ndim == 4 else input.unsqueeze(0)
    if input.ndim not in (3, 4):
        raise RuntimeError(
            f"Expected 3D or 4D (batch mode) tensor with possibly 0 batch size and other non-zero dimensions for input, but got: "
            f"{list(input.shape)}"
        )
    size = tuple(images.shape[2:])
    blocks = counts([n + 2 * p for n, p in zip(size, padding, strict=True)], kernel, stride, dilation)
    if min(blocks) < 1:
        raise RuntimeError(
            f"Given input with spatial size {size}, kernel_size={kernel}, dilation={dilation}, padding={padding}, calculated "
            f"shape of the array of sliding blocks as {blocks}, but its components must be at least one."
        )
    result = image_to_columns(images, kernel, dilation, padding, stride)
    return result if input.ndim == 4 else result.squeeze(0)


def fold(input: Tensor, output_size: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Tensor:
    """The transpose of `unfold`: columns (N, C * elements of a window, windows) added into images (N, C, *output_size)."""
    size, kernel, dilation, padding, stride = pair(output_size), pair(kernel_size), pair(dilation), pair(padding), pair(stride)
    if input.ndim not in (2, 3):
        raise RuntimeError(
            "Expected 2D or 3D (batch mode) tensor for input with possibly 0 batch size and non-zero dimensions for input, but "
            f"got: {list(input.shape)}"
        )
    columns = input if input.ndim == 3 else input.unsqueeze(0)
    if columns.shape[1] % prod(kernel):
        raise RuntimeError(
            "Expected size of input's dimension 1 to be divisible by the product of kernel_size, but got "
            f"input.size(1)={columns.shape[1]} and kernel_size={kernel}."
        )
    blocks = counts([n + 2 * p for n, p in zip(size, padding, strict=True)], kernel, stride, dilation)
    if columns.shape[2] != prod(blocks) or min(blocks) < 1:
        raise RuntimeError(
            f"Given output_size={size}, kernel_size={kernel}, dilation={dilation}, padding={padding}, stride={stride}, expected "
            f"size of input's dimension 2 to match the calculated number of sliding blocks {' * '.join(map(str, blocks))} = "
            f"{prod(blocks)}, but got input.size(2)={columns.shape[2]}."
        )
    result = columns_to_image(columns, size, kernel, dilation, padding, stride)
    return result if input.ndim == 3 else result.squeeze(0)


__all__ = ["conv1d", "conv2d", "conv3d", "conv_tbc", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d", "convolution"]
