"""Custom functions under vmap, grad, vjp and jvp."""

from __future__ import annotations

from facts import leaf

from .programs import case, make


def sq(torch, **more):
    """A square whose forward takes no ctx."""

    def setup(ctx, inputs, output):
        ctx.save_for_backward(*inputs)
        ctx.save_for_forward(*inputs)

    def slope(ctx, g):
        return 2 * ctx.saved_tensors[0] * g

    return make(torch, lambda x: x * x, slope, setup, jvp=slope, **more)


def sq_ctx(torch, **more):
    """A square whose forward takes a ctx."""

    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    return make(torch, forward, lambda ctx, g: 2 * ctx.saved_tensors[0] * g, **more)


def X(torch):
    return torch.arange(6.0, dtype=torch.float64).reshape(2, 3)


@case
def vmap_neither(torch):
    return torch.vmap(sq(torch).apply)(X(torch))


@case
def vmap_generate(torch):
    return torch.vmap(sq(torch, generate_vmap_rule=True).apply)(X(torch))


@case
def vmap_generate_ctx(torch):
    return torch.vmap(sq_ctx(torch, generate_vmap_rule=True).apply)(X(torch))


@case
def vmap_ctx(torch):
    return torch.vmap(sq_ctx(torch).apply)(X(torch))


@case
def vmap_both(torch):
    return torch.vmap(sq(torch, generate_vmap_rule=True, vmap=lambda info, d, x: (x, 0)).apply)(X(torch))


@case
def vmap_ctx_with_rule(torch):
    return torch.vmap(sq_ctx(torch, vmap=lambda info, d, x: (x * x, 0)).apply)(X(torch))


@case
def grad_ctx(torch):
    return torch.func.grad(lambda x: sq_ctx(torch).apply(x).sum())(X(torch))


@case
def grad_setup(torch):
    return torch.func.grad(lambda x: sq(torch).apply(x).sum())(X(torch))


@case
def jvp_ctx(torch):
    return torch.func.jvp(lambda x: sq_ctx(torch).apply(x), (X(torch),), (X(torch),))


@case
def jvp_setup(torch):
    return torch.func.jvp(lambda x: sq(torch).apply(x), (X(torch),), (X(torch),))


@case
def vjp_ctx(torch):
    return torch.func.vjp(lambda x: sq_ctx(torch).apply(x), X(torch))[0]


@case
def func_jacrev_neither(torch):
    return torch.func.jacrev(sq(torch).apply)(X(torch)[0])


@case
def func_jacrev_gen(torch):
    return torch.func.jacrev(sq(torch, generate_vmap_rule=True).apply)(X(torch)[0])


@case
def func_jacfwd_gen(torch):
    return torch.func.jacfwd(sq(torch, generate_vmap_rule=True).apply)(X(torch)[0])


@case
def func_hessian_gen(torch):
    return torch.func.hessian(lambda x: sq(torch, generate_vmap_rule=True).apply(x).sum())(X(torch)[0])


@case
def vmap_unbatched_arg(torch):
    y = X(torch)
    return torch.vmap(lambda x: x + sq(torch).apply(y[0]))(X(torch))


@case
def vmap_unbatched_arg_ctx(torch):
    y = X(torch)
    return torch.vmap(lambda x: x + sq_ctx(torch).apply(y[0]))(X(torch))


@case
def vmap_rule_indims(torch):
    seen = []

    def rule(info, in_dims, x, y):
        seen.append([list(in_dims), list(x.shape), list(y.shape), info.randomness])
        return x.movedim(in_dims[0], 0) + y.movedim(in_dims[1], 0), 0

    f = make(torch, lambda x, y: x + y, lambda ctx, g: (g, g), lambda ctx, i, o: None, vmap=rule)
    out = torch.vmap(f.apply, in_dims=(1, 0), randomness="different")(X(torch), torch.ones(3, 2, dtype=torch.float64))
    return seen, out


@case
def vmap_rule_nested(torch):
    seen = []

    def rule(info, in_dims, x):
        seen.append([info.batch_size, list(in_dims), list(x.shape)])
        return f.apply(x), in_dims[0]

    f = make(torch, lambda x: x * 2, lambda ctx, g: g, lambda ctx, i, o: None, vmap=rule)
    out = torch.vmap(torch.vmap(f.apply))(X(torch))
    return seen, out


@case
def vmap_rule_several(torch):
    def rule(info, in_dims, x):
        return (x, x.movedim(0, 1)), (0, 1)

    f = make(torch, lambda x: (x * 2, x), lambda ctx, g, h: g, lambda ctx, i, o: None, vmap=rule)
    out = torch.vmap(f.apply)(X(torch))
    return type(out).__name__, out


@case
def vmap_rule_none_dim(torch):
    f = make(torch, lambda x: x * 2, lambda ctx, g: g, lambda ctx, i, o: None, vmap=lambda info, d, x: (x.sum(0), None))
    return torch.vmap(f.apply)(X(torch))


@case
def vmap_rule_three(torch):
    f = make(torch, lambda x: x * 2, lambda ctx, g: g, lambda ctx, i, o: None, vmap=lambda info, d, x: (x, 0, 0))
    return torch.vmap(f.apply)(X(torch))


@case
def vmap_rule_int_for_several(torch):
    f = make(torch, lambda x: (x * 2, x), lambda ctx, g, h: g, lambda ctx, i, o: None, vmap=lambda info, d, x: ((x, x), 0))
    return torch.vmap(f.apply)(X(torch))


@case
def vmap_rule_nontensor_out(torch):
    f = make(torch, lambda x: (x * 2, 3), lambda ctx, g, h: g, lambda ctx, i, o: None, vmap=lambda info, d, x: ((x, 3), (0, None)))
    return torch.vmap(lambda x: f.apply(x)[0])(X(torch))


@case
def grad_over_vmap_rule(torch):
    seen = []

    def rule(info, in_dims, x):
        seen.append(x.requires_grad)
        return f.apply(x), in_dims[0]

    f = sq(torch, vmap=rule)
    return torch.func.grad(lambda x: torch.vmap(f.apply)(x).sum())(X(torch)), seen


@case
def vmap_over_grad_rule(torch):
    def rule(info, in_dims, x):
        return f.apply(x), in_dims[0]

    f = sq(torch, vmap=rule)
    return torch.vmap(torch.func.grad(lambda x: f.apply(x).sum()))(X(torch))


@case
def vmap_over_grad_rule2(torch):
    def rule(info, in_dims, x):
        return x * x * 10, in_dims[0]

    f = sq(torch, vmap=rule)
    return torch.vmap(torch.func.grad(lambda x: f.apply(x).sum()))(X(torch))


@case
def vmap_over_jvp_rule2(torch):
    def rule(info, in_dims, x):
        return x * x * 10, in_dims[0]

    f = sq(torch, vmap=rule)
    return torch.vmap(lambda x: torch.func.jvp(f.apply, (x,), (x,)))(X(torch))


@case
def jvp_over_vmap_rule2(torch):
    def rule(info, in_dims, x):
        return x * x * 10, in_dims[0]

    f = sq(torch, vmap=rule)
    return torch.func.jvp(torch.vmap(f.apply), (X(torch),), (X(torch),))


@case
def grad_over_vmap_rule2(torch):
    def rule(info, in_dims, x):
        return x * x * 10, in_dims[0]

    f = sq(torch, vmap=rule)
    return torch.func.grad(lambda x: torch.vmap(f.apply)(x).sum())(X(torch))


@case
def backward_through_vmap_rule(torch):
    def rule(info, in_dims, x):
        return f.apply(x), in_dims[0]

    f = sq(torch, vmap=rule)
    x = X(torch).requires_grad_()
    torch.vmap(f.apply)(x).sum().backward()
    return x.grad


@case
def generate_views(torch):
    f = make(torch, lambda x: x.view(3, 1), lambda ctx, g: g.view(3), lambda ctx, i, o: None, generate_vmap_rule=True)
    return torch.vmap(f.apply)(X(torch))


@case
def generate_attr(torch):
    def setup(ctx, i, o):
        ctx.x = i[0]

    f = make(torch, lambda x: x * x, lambda ctx, g: g * 2 * ctx.x, setup, generate_vmap_rule=True)
    return torch.vmap(torch.func.grad(lambda x: f.apply(x).sum()))(X(torch))


@case
def vmap_rule_default_raises(torch):
    return torch.autograd.Function.vmap(None, (0,), 1)


@case
def vmap_size_zero(torch):
    f = sq(torch, generate_vmap_rule=True)
    return torch.vmap(f.apply)(X(torch)[:0])


@case
def functorch_grad_mark_nondiff(torch):
    def fwd(x):
        return x * 2, x * 3

    def setup(ctx, i, o):
        ctx.mark_non_differentiable(o[1])

    f = make(torch, fwd, lambda ctx, g, h: g * 2, setup)
    return torch.func.grad(lambda x: sum(o.sum() for o in f.apply(x)))(X(torch))


@case
def functorch_grad_inplace(torch):
    def fwd(x):
        return x.mul_(2)

    def setup(ctx, i, o):
        ctx.mark_dirty(i[0])

    f = make(torch, fwd, lambda ctx, g: g * 2, setup)

    def h(x):
        y = x.clone()
        f.apply(y)
        return y.sum()

    return torch.func.grad(h)(X(torch))


@case
def functorch_returns_input(torch):
    f = make(torch, lambda x: x, lambda ctx, g: g * 5, lambda ctx, i, o: None)
    return torch.func.grad(lambda x: f.apply(x).sum())(X(torch))


@case
def numpy_tutorial(torch):
    import numpy as np

    def to_numpy(t):
        return t.cpu().numpy()

    class NumpySort(torch.autograd.Function):
        @staticmethod
        def forward(x, dim):
            device = x.device
            x = to_numpy(x)
            ind = np.argsort(x, axis=dim)
            ind_inv = np.argsort(ind, axis=dim)
            result = np.take_along_axis(x, ind, axis=dim)
            return (torch.tensor(result, device=device), torch.tensor(ind, device=device), torch.tensor(ind_inv, device=device))

        @staticmethod
        def setup_context(ctx, inputs, output):
            x, dim = inputs
            _, ind, ind_inv = output
            ctx.mark_non_differentiable(ind, ind_inv)
            ctx.save_for_backward(ind, ind_inv)
            ctx.dim = dim

        @staticmethod
        def backward(ctx, grad_output, _0, _1):
            ind, ind_inv = ctx.saved_tensors
            return NumpyTake.apply(grad_output, ind_inv, ind, ctx.dim), None

        @staticmethod
        def vmap(info, in_dims, x, dim):
            x_bdim, _ = in_dims
            x = x.movedim(x_bdim, 0)
            dim = dim if dim >= 0 else dim + x.dim() - 1
            return NumpySort.apply(x, dim + 1), (0, 0, 0)

    class NumpyTake(torch.autograd.Function):
        @staticmethod
        def forward(x, ind, ind_inv, dim):
            return torch.tensor(np.take_along_axis(to_numpy(x), to_numpy(ind), axis=dim))

        @staticmethod
        def setup_context(ctx, inputs, output):
            x, ind, ind_inv, dim = inputs
            ctx.save_for_backward(ind, ind_inv)
            ctx.dim = dim

        @staticmethod
        def backward(ctx, grad_output):
            ind, ind_inv = ctx.saved_tensors
            return NumpyTake.apply(grad_output, ind_inv, ind, ctx.dim), None, None, None

        @staticmethod
        def vmap(info, in_dims, x, ind, ind_inv, dim):
            x_bdim, ind_bdim, ind_inv_bdim, _ = in_dims
            ld = x.dim() if x_bdim is None else x.dim() - 1
            dim = dim if dim >= 0 else dim + ld

            def expand_bdim(x, x_bdim):
                if x_bdim is None:
                    return x.expand(info.batch_size, *x.shape)
                return x.movedim(x_bdim, 0)

            x = expand_bdim(x, x_bdim)
            ind = expand_bdim(ind, ind_bdim)
            ind_inv = expand_bdim(ind_inv, ind_inv_bdim)
            return NumpyTake.apply(x, ind, ind_inv, dim + 1), 0

    def numpy_sort(x, dim=-1):
        return NumpySort.apply(x, dim)[0]

    x = torch.tensor([[3.0, 1.0, 2.0], [5.0, 9.0, 7.0]], dtype=torch.float64)
    r1 = torch.vmap(numpy_sort)(x)
    r2 = torch.vmap(torch.func.grad(lambda x: (numpy_sort(x) * torch.arange(3.0, dtype=torch.float64)).sum()))(x)
    r3 = torch.func.jacrev(numpy_sort)(x[0])
    return r1, r2, r3


@case
def numpy_in_vmap(torch):
    def fwd(x):
        return torch.tensor(x.numpy())

    def rule(info, d, x):
        return f.apply(x), d[0]

    f = make(torch, fwd, lambda ctx, g: g, lambda *a: None, vmap=rule)
    return (
        torch.vmap(f.apply)(torch.ones(2, 3)),
        torch.vmap(torch.func.grad(lambda x: f.apply(x).sum()))(torch.ones(2, 3)),
    )


@case
def numpy_in_vmap_over(torch):
    def fwd(x):
        return torch.tensor(x.numpy())

    def rule(info, d, x):
        return f.apply(x), d[0]

    f = make(torch, fwd, lambda ctx, g: g, lambda *a: None, vmap=rule)
    return (torch.func.grad(lambda x: torch.vmap(f.apply)(x).sum())(torch.ones(2, 3)),)


@case
def numpy_in_rule(torch):
    def fwd(x):
        return torch.tensor(x.numpy())

    def rule(info, d, x):
        return torch.tensor(x.numpy()), d[0]

    f = make(torch, fwd, lambda ctx, g: g, lambda *a: None, vmap=rule)
    return (
        torch.vmap(f.apply)(torch.ones(2, 3)),
        torch.vmap(torch.func.grad(lambda x: f.apply(x).sum()))(torch.ones(2, 3)),
    )


@case
def none_returns(torch):

    def rule(info, d, x):
        r = torch.zeros(x.shape[1:])
        return (r, r), None

    f = make(torch, lambda x: (x * 2, x * 3), lambda ctx, g, h: g, lambda *a: None, vmap=rule)
    return torch.vmap(f.apply)(torch.ones(2, 3))


@case
def none_returns1(torch):
    def rule(info, d, x):
        r = torch.zeros(x.shape[1:])
        return (r, x), (None, 0)

    f = make(torch, lambda x: (x * 2, x * 3), lambda ctx, g, h: g, lambda *a: None, vmap=rule)
    return torch.vmap(f.apply)(torch.ones(2, 3))


@case
def rule_returns_list(torch):
    f = make(torch, lambda x: x * 2, lambda ctx, g: g, lambda *a: None, vmap=lambda info, d, x: [x, 0])
    return torch.vmap(f.apply)(torch.ones(2, 3))


@case
def kwargs_with_transform(torch):
    f = make(torch, lambda x, n=2: x * n, lambda ctx, g: (g, None), lambda ctx, i, o: None, vmap=lambda info, d, x, n: (x * n, 0))
    return torch.vmap(lambda x: f.apply(x, n=3))(torch.ones(2, 3))


@case
def tree_args(torch):
    seen = []

    def rule(info, d, xs):
        seen.append(str(d))
        return xs[0] * xs[1], 0

    f = make(torch, lambda xs: xs[0] * xs[1], lambda ctx, g: (None,), lambda ctx, i, o: None, vmap=rule)
    return torch.vmap(lambda x: f.apply([x, x]))(torch.ones(2, 3)), seen


@case
def tree_args_dict(torch):
    seen = []

    def rule(info, d, xs):
        seen.append(str(d))
        return xs["a"] * 2, 0

    f = make(torch, lambda xs: xs["a"] * 2, lambda ctx, g: (None,), lambda ctx, i, o: None, vmap=rule)
    return torch.vmap(lambda x: f.apply({"a": x}))(torch.ones(2, 3)), seen


@case
def rule_classmethod_info(torch):
    seen = []

    def rule(info, d, x):
        seen.append(repr(info))
        return x, 0

    f = make(torch, lambda x: x * 2, lambda ctx, g: (None,), lambda ctx, i, o: None, vmap=rule)
    torch.vmap(f.apply, randomness="same")(torch.ones(2, 3))
    return seen


@case
def is_grads_batched(torch):
    f = make(torch, lambda ctx, x: x * 2, lambda ctx, g: g * 2)
    x = leaf(torch)
    return torch.autograd.grad(f.apply(x), x, torch.eye(3, dtype=torch.float64), is_grads_batched=True)


@case
def is_grads_batched2(torch):
    g = make(torch, lambda ctx, x: x * 2, lambda ctx, g: g * 2)
    f = make(torch, lambda ctx, x: x * 2, lambda ctx, v: g.apply(v))
    x = leaf(torch)
    return torch.autograd.grad(f.apply(x), x, torch.eye(3, dtype=torch.float64), is_grads_batched=True)


@case
def vectorized_jacobian(torch):
    f = make(torch, lambda ctx, x: x * 2, lambda ctx, g: g * 2)
    return torch.autograd.functional.jacobian(f.apply, leaf(torch), vectorize=True)


@case
def vectorized_jacobian_fwd(torch):
    f = make(torch, lambda ctx, x: x * 2, lambda ctx, g: g * 2, jvp=lambda ctx, t: t * 2)
    return torch.autograd.functional.jacobian(f.apply, leaf(torch), vectorize=True, strategy="forward-mode")
