"""The context of a custom function, and its node."""

from __future__ import annotations

from facts import leaf

from .programs import case, make, square


@case
def ctx_name(torch):
    seen = []

    def fwd(ctx, x):
        seen.append(ctx.name())
        return x * 2

    f = make(torch, fwd, lambda ctx, g: (seen.append(ctx.name()), g)[1])
    f.apply(leaf(torch)).sum().backward()
    return seen


@case
def set_to_save_direct(torch):
    def fwd(ctx, x):
        ctx.to_save = (x,)
        return x * x

    x = leaf(torch)
    make(torch, fwd, lambda ctx, g: g * ctx.saved_tensors[0]).apply(x).sum().backward()
    return x.grad


@case
def materialize_direct(torch):
    seen = []

    def fwd(ctx, x):
        ctx.materialize_grads = False
        return x * x, x * 2

    x = leaf(torch)
    make(torch, fwd, lambda ctx, g, h: (seen.append(h is None), g)[1]).apply(x)[0].sum().backward()
    return seen


@case
def grad_fn_apply(torch):
    y = square(torch).apply(leaf(torch))
    return y.grad_fn.apply(torch.ones(3, dtype=torch.float64))


@case
def instance_apply(torch):
    return square(torch)().apply(leaf(torch))


@case
def nested_io(torch):
    N = torch.autograd.function.NestedIOFunction

    class F(N):
        @staticmethod
        def forward(ctx, x):
            return x

    return F.apply(leaf(torch))


@case
def pickle_ctx(torch):
    import pickle

    y = square(torch).apply(leaf(torch))
    try:
        pickle.dumps(y.grad_fn)
    except Exception as e:
        return type(e).__name__, str(e)


@case
def pickle_node(torch):
    import pickle

    y = leaf(torch) * 2
    try:
        pickle.dumps(y.grad_fn)
    except Exception as e:
        return type(e).__name__, str(e)


@case
def deepcopy_ctx(torch):
    import copy

    y = square(torch).apply(leaf(torch))
    try:
        copy.deepcopy(y.grad_fn)
    except Exception as e:
        return type(e).__name__, str(e)


@case
def deepcopy_node(torch):
    import copy

    y = leaf(torch) * 2
    try:
        copy.deepcopy(y.grad_fn)
    except Exception as e:
        return type(e).__name__, str(e)


@case
def copy_node(torch):
    import copy

    y = leaf(torch) * 2
    try:
        copy.copy(y.grad_fn)
    except Exception as e:
        return type(e).__name__, str(e)


@case
def deepcopy_nonleaf(torch):
    import copy

    copy.deepcopy(square(torch).apply(leaf(torch)))


@case
def nonstatic_forward(torch):
    class F(torch.autograd.Function):
        def forward(self, x):
            return x * 2

        def backward(self, g):
            return g * 2

    x = leaf(torch)
    F.apply(x).sum().backward()
    return x.grad


@case
def nonstatic_forward_call(torch):
    class F(torch.autograd.Function):
        def forward(self, x):
            return x * 2

        def backward(self, g):
            return g * 2

    x = leaf(torch)
    return F()(x)


@case
def ctx_backward_twice_different(torch):
    """attribute changes of ctx"""

    def bwd(ctx, g):
        ctx.n = getattr(ctx, "n", 0) + 1
        return g * ctx.n

    x = leaf(torch)
    y = make(torch, lambda ctx, x: x * 2, bwd).apply(x)
    y.sum().backward(retain_graph=True)
    y.sum().backward()
    return x.grad, y.grad_fn.n


@case
def saved_grad_fn_register(torch):
    x = leaf(torch)
    seen = []
    y = square(torch).apply(x)
    y.grad_fn.register_hook(lambda gi, go: seen.append([[a.tolist() for a in gi], [a.tolist() for a in go]]))
    y.grad_fn.register_prehook(lambda go: (go[0] * 2,))
    y.sum().backward()
    return seen, x.grad


@case
def ctx_register_hook_in_forward(torch):
    seen = []

    def fwd(ctx, x):
        ctx.register_hook(lambda gi, go: seen.append(1))
        return x * 2

    x = leaf(torch)
    make(torch, fwd, lambda ctx, g: g).apply(x).sum().backward()
    return seen


@case
def missing_attribute(torch):
    def bwd(ctx, g):
        return g * ctx.nothing

    make(torch, lambda ctx, x: x * 2, bwd).apply(leaf(torch)).sum().backward()


@case
def needs_input_grad_set(torch):
    seen = []

    def fwd(ctx, x):
        ctx.needs_input_grad = 3
        return x * 2

    def bwd(ctx, g):
        seen.append(ctx.needs_input_grad)
        return g

    make(torch, fwd, bwd).apply(leaf(torch)).sum().backward()
    return seen


@case
def numpy_nograd(torch):
    with torch.no_grad():
        return leaf(torch).numpy().tolist()


@case
def numpy_in_forward(torch):
    f = make(torch, lambda ctx, x: torch.tensor(x.numpy()), lambda ctx, g: g)
    return f.apply(leaf(torch))


@case
def nested_args_ret(torch):
    """nested outputs"""
    f = make(torch, lambda ctx, x: (x * 2, [x * 3], {"a": x * 4}), lambda ctx, *g: g[0])
    out = f.apply(leaf(torch))
    return [type(o).__name__ for o in out], out[0], out[1][0].requires_grad, out[2]["a"].requires_grad


@case
def namedtuple_out(torch):
    import collections

    P = collections.namedtuple("P", "a b")
    f = make(torch, lambda ctx, x: P(x * 2, x * 3), lambda ctx, g, h: g + h)
    o = f.apply(leaf(torch))
    return type(o).__name__, o


@case
def same_input_twice_as_well(torch):
    x = leaf(torch)
    make(torch, lambda ctx, a, b: a * b, lambda ctx, g: (g * 2, g * 3)).apply(x, x).sum().backward()
    return x.grad


@case
def grad_none_for_needed(torch):
    x = leaf(torch)
    y = leaf(torch)
    make(torch, lambda ctx, a, b: a * b, lambda ctx, g: (g * 2, None)).apply(x, y).sum().backward()
    return x.grad, y.grad


@case
def input_int_requires(torch):
    x = leaf(torch)
    f = make(torch, lambda ctx, i, x: x[i], lambda ctx, g: (None, torch.ones(3, dtype=torch.float64)))
    f.apply(torch.tensor([0]), x).sum().backward()
    return x.grad


@case
def subclass_function(torch):
    class A(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return g * 2

    class B(A):
        @staticmethod
        def backward(ctx, g):
            return g * 7

    x = leaf(torch)
    y = B.apply(x)
    y.sum().backward()
    z = A.apply(x)
    return x.grad, y.grad_fn.name(), z.grad_fn.name(), type(y.grad_fn).__qualname__


@case
def class_attributes(torch):
    class A(torch.autograd.Function):
        scale = 5

        @classmethod
        def forward(cls, ctx, x):
            return x * cls.scale

        @classmethod
        def backward(cls, ctx, g):
            return g * cls.scale

    x = leaf(torch)
    A.apply(x).sum().backward()
    return x.grad


@case
def instance_self(torch):
    class A(torch.autograd.Function):
        @staticmethod
        def forward(self, x):
            self.x = x
            return x * 2

        @staticmethod
        def backward(self, g):
            return g * self.x

    x = leaf(torch)
    A.apply(x).sum().backward()
    return x.grad


@case
def retain_grad_output(torch):
    x = leaf(torch)
    y = make(torch, lambda ctx, x: x * 2, lambda ctx, g: g * 2).apply(x)
    y.retain_grad()
    (y * 3).sum().backward()
    return y.grad, x.grad


@case
def hooks_on_outputs(torch):
    x = leaf(torch)
    a, b = make(torch, lambda ctx, x: (x * 2, x * 3), lambda ctx, g, h: g * 2 + h * 3).apply(x)
    a.register_hook(lambda g: g * 10)
    b.register_hook(lambda g: g * 100)
    (a + b).sum().backward()
    return x.grad


@case
def mark_nondiff_not_output(torch):
    def fwd(ctx, x):
        ctx.mark_non_differentiable(x * 3)
        return x * 2

    x = leaf(torch)
    y = make(torch, fwd, lambda ctx, g: g * 2).apply(x)
    y.sum().backward()
    return x.grad


@case
def all_nondiff(torch):
    def fwd(ctx, x):
        y = x * 2
        ctx.mark_non_differentiable(y)
        return y

    y = make(torch, fwd, lambda ctx, g: g * 2).apply(leaf(torch))
    return y, y.requires_grad


@case
def complex_fn(torch):
    x = torch.tensor([1 + 2j, 3j], dtype=torch.complex128, requires_grad=True)
    f = make(torch, lambda ctx, x: (ctx.save_for_backward(x), x * x)[1], lambda ctx, g: g * (2 * ctx.saved_tensors[0]).conj())
    f.apply(x).abs().sum().backward()
    return x.grad, torch.autograd.gradcheck(f.apply, x)


@case
def a_context_by_itself(torch):
    ctx = torch.autograd.function.FunctionCtx()

    def fwd(ctx, x):
        ctx.save_for_backward(x)
        ctx.factor = 2
        return x * ctx.factor

    y = make(torch, fwd, None).forward(ctx, leaf(torch))
    return y, ctx.to_save, ctx.factor, hasattr(ctx, "saved_tensors"), hasattr(ctx, "other")


@case
def requires_grad_of_nodes(torch):
    seen = []
    x = leaf(torch)
    y = make(torch, lambda ctx, x: x * 2, lambda ctx, g: (seen.append(ctx.requires_grad), g)[1]).apply(x)
    y.sum().backward()
    nodes = (y.grad_fn, y.exp().grad_fn, y.grad_fn.next_functions[0][0])
    return [node.requires_grad for node in nodes], seen
