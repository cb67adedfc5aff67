"""Custom functions: what each of a table of programs gives in PyTorch, and what no table shows."""

from __future__ import annotations

import gc
import math
import weakref

import pytest
from custom_function_cases import PROGRAMS, double, in_place, make, square
from facts import leaf

import rushlight as torch
from rushlight.autograd import forward_ad
from rushlight.autograd.function import InplaceFunction, once_differentiable

test_as_in_pytorch = PROGRAMS.test(torch)


def test_what_ctx_keeps_is_not_the_nodes():
    def forward(ctx, x):
        ctx.edges, ctx.spaces, ctx.op, ctx.trace, ctx.places, ctx.vjp = "edges", "spaces", "op", "trace", "places", "vjp"
        return x * 2

    def backward(ctx, g):
        return g * len(ctx.edges + ctx.op)

    x = leaf(torch)
    make(torch, forward, backward).apply(x).sum().backward()
    assert x.grad.tolist() == [7, 7, 7]


def test_a_complex_gradient_of_a_real_input_is_refused():
    with pytest.raises(RuntimeError, match="invalid gradient at index 0 - got torch.complex128 for a real input"):
        make(torch, lambda ctx, x: x * 2, lambda ctx, g: g * (1 + 2j)).apply(leaf(torch)).sum().backward()


def test_a_view_changed_in_place_may_be_any_argument():
    def forward(ctx, shift, view):
        ctx.save_for_backward(shift)
        ctx.mark_dirty(view)
        return view.add_(shift * shift)

    def backward(ctx, g):
        return g * 2 * ctx.saved_tensors[0], g

    function = make(torch, forward, backward)
    shift, start = leaf(torch, 5.0, 7.0), leaf(torch)

    def changed(shift, start):
        x = start * start
        function.apply(shift, x[1:])
        return x

    changed(shift, start).sum().backward()
    assert shift.grad.tolist() == [10, 14]
    assert start.grad.tolist() == [2, 4, 6]
    assert torch.autograd.gradcheck(changed, (shift, start))
    assert torch.autograd.gradgradcheck(changed, (shift, start))


def test_saved_results_carry_tangents_into_backward():
    def forward(ctx, x):
        y = x.exp()
        ctx.save_for_backward(y)
        ctx.save_for_forward(y)
        return y

    function = make(
        torch, forward, lambda ctx, g: g * ctx.saved_tensors[0], jvp=lambda ctx, t: t * ctx.saved_tensors[0]
    )
    x = leaf(torch)
    with forward_ad.dual_level():
        dual = forward_ad.make_dual(x, torch.ones_like(x))
        (g,) = torch.autograd.grad(function.apply(dual).sum(), dual, create_graph=True)
        tangent = forward_ad.unpack_dual(g).tangent
    assert torch.allclose(tangent, x.exp())


def test_derivatives_of_derivatives_by_transforms():
    def forward(x):
        return x**3

    def setup(ctx, inputs, output):
        ctx.save_for_backward(*inputs)
        ctx.save_for_forward(*inputs)

    def backward(ctx, g):
        return g * 3 * ctx.saved_tensors[0] ** 2

    def jvp(ctx, t):
        return t * 3 * ctx.saved_tensors[0] ** 2

    cube = make(torch, forward, backward, setup, jvp=jvp, generate_vmap_rule=True).apply
    x = torch.tensor([1.0, 2.0])
    for outer in (torch.func.jacrev, torch.func.jacfwd):
        for inner in (torch.func.jacrev, torch.func.jacfwd):
            assert outer(inner(lambda x: cube(x).sum()))(x).tolist() == [[6, 0], [0, 12]]


def test_deprecated_names_warn():
    def backward(ctx, g):
        with pytest.warns(DeprecationWarning, match="'saved_variables' is deprecated; use 'saved_tensors'"):
            return g * 2 * ctx.saved_variables[0]

    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    x = leaf(torch)
    make(torch, forward, backward).apply(x).sum().backward()
    assert x.grad.tolist() == [2, 4, 6]
    with pytest.warns(FutureWarning, match="`mark_shared_storage` is deprecated"):
        make(torch, lambda ctx, x: ctx.mark_shared_storage((x, x)) or x * 2, backward).apply(x)
    with pytest.warns(DeprecationWarning, match="should not be instantiated"):
        double(torch)()
    with pytest.warns(DeprecationWarning, match="should not be instantiated"):
        assert InplaceFunction(True).inplace


def test_marking_what_is_no_input_as_dirty_warns():
    def forward(ctx, x):
        y = x * 2
        ctx.mark_dirty(y)
        return y

    with pytest.warns(UserWarning, match="received a tensor that was not an input"):
        make(torch, forward, lambda ctx, g: g * 2).apply(leaf(torch))


def test_once_differentiable_keeps_the_name_and_passes_what_is_no_tensor():
    @once_differentiable
    def backward(ctx, g):
        """Words."""
        return g * 2, None

    assert backward.__name__ == "backward" and backward.__doc__ == "Words."
    x = leaf(torch)
    (g,) = torch.autograd.grad(
        make(torch, lambda ctx, x, n: x * 2, backward).apply(x * x, 3).square().sum(), x, create_graph=True
    )
    assert g.tolist() == [16 * value**3 for value in (1, 2, 3)]
    with pytest.raises(RuntimeError, match="trying to differentiate twice a function that was marked with @once_differentiable"):
        torch.autograd.grad(g.sum(), x)


def test_save_for_forward_takes_tensors_only():
    def forward(ctx, x):
        ctx.save_for_forward(3)
        return x

    with pytest.raises(TypeError, match="save_for_forward"):
        make(torch, forward, lambda ctx, g: g).apply(leaf(torch))


def test_many_functions_in_a_row():
    function = square(torch)
    x = leaf(torch, 1.0)
    y = x
    for _ in range(5_000):
        y = function.apply(y)
    y.sum().backward()
    assert x.grad.item() == math.inf


@pytest.fixture
def no_collector():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def watched(function, *args):
    """The result of a function, and weak references to it, its node, and the node's edges."""
    out = function.apply(*args)
    first = out[0] if isinstance(out, tuple) else out
    return out, [weakref.ref(first), weakref.ref(first.grad_fn), weakref.ref(first.grad_fn.edges[0])]


def saves_result(torch):
    def forward(ctx, x):
        y = x.exp()
        ctx.save_for_backward(x, y)
        return y, y * 2

    def backward(ctx, g, h):
        return (g + 2 * h) * ctx.saved_tensors[1]

    return make(torch, forward, backward)


def saves_what_it_changed(torch):
    def forward(ctx, x):
        ctx.mark_dirty(x)
        ctx.save_for_backward(x)
        return x.exp_()

    return make(torch, forward, lambda ctx, g: g * ctx.saved_tensors[0])


def hands_on(torch):
    return make(torch, lambda ctx, x: x, lambda ctx, g: g)


@pytest.mark.parametrize("kind", [double, square, saves_result, saves_what_it_changed, in_place, hands_on])
@pytest.mark.parametrize("use", ["unused", "backward", "create_graph", "hooks", "view"])
def test_no_reference_cycles(no_collector, kind, use):
    x = leaf(torch)
    given = (x * 1)[1:] if use == "view" else x * 1
    out, references = watched(kind(torch), given)
    first = out[0] if isinstance(out, tuple) else out
    if use == "hooks":
        first.register_hook(lambda g: g * 2)
        first.grad_fn.register_hook(lambda inputs, outputs: None)
    if use == "create_graph":
        assert torch.autograd.grad(first.sum(), x, create_graph=True)
    elif use != "unused":
        first.sum().backward()
    del out, first, given
    assert [reference() for reference in references] == [None] * 3
