"""Objects of foreign types, and subclasses, at any place of a call."""

from __future__ import annotations

from .programs import case, classes, entry, logging_mode

CALLS = [
    "t[A()]", "t[0, A()]", "t[A(), 0]", "t[[A()]]", "t[[1, A()]]", "t[(A(), None)]", "t.__setitem__(A(), 1)",
    "t.__setitem__((0, A()), 1)", "t.__setitem__(0, A())", "t.__setitem__([A()], 1)", "A() + t", "t + A()", "t.add_(A())",
    "torch.add(t, A())", "torch.add(t, t, out=A())", "t < A()", "A() < t", "t @ A()", "t // A()", "t ** A()", "t % A()",
    "t & A()", "t * A()", "t / A()", "t - A()", "t.__iadd__(A())", "t.expand_as(A())", "t.view_as(A())", "t.type_as(A())",
    "torch.clamp(t, A(), A())", "torch.where(A(), t, t)", "torch.where(t > 5, t, A())", "torch.stack([t, A()])",
    "torch.cat((A(), t))", "torch.einsum('i,i', t, A())", "torch.broadcast_tensors(t, A())",
    "torch.meshgrid(t, A(), indexing='ij')", "torch.block_diag(t, A())", "torch.cartesian_prod(t, A())",
    "torch.cdist(t[None], A())", "torch.equal(t, A())", "torch.allclose(t, A())", "t.equal(A())", "t.allclose(A())",
    "torch.isclose(t, A())", "F.mse_loss(t, A())", "F.cross_entropy(t, A())", "F.linear(t, A())", "F.linear(t, t, A())",
    "F.conv1d(t[None], A())", "F.embedding(t.long(), A())", "F.embedding(A(), t)", "F.layer_norm(t, (3,), A())",
    "F.batch_norm(t[None], A(), A())", "F.dropout(A())", "F.pad(A(), (1, 1))", "F.softmax(A(), 0)", "F.relu(A())", "F.gelu(A())",
    "F.kl_div(t, A())", "F.nll_loss(t, A())", "F.binary_cross_entropy(t, A())", "F.one_hot(A())",
    "F.cosine_similarity(t, A(), dim=0)", "F.grid_sample(t, A())", "F.interpolate(A(), 2)", "F.max_pool1d(A(), 2)",
    "F.unfold(A(), 2)", "torch.nn.init.xavier_uniform_(A())", "torch.autograd.backward(A())", "torch.autograd.grad(A(), x)",
    "torch.autograd.grad(x.sum(), A())", "x.sum().backward(A())", "x.backward(gradient=A())", "torch.linalg.solve(t, A())",
    "torch.linalg.norm(A())", "torch.linalg.multi_dot([t, A()])", "torch.fft.fft(A())", "torch.zeros_like(A())",
    "torch.full_like(A(), 1)", "torch.rand_like(A())", "torch.is_floating_point(A())", "torch.is_complex(A())",
    "torch.numel(A())", "torch.is_nonzero(A())", "torch.sum(A())", "torch.sum(A(), 0)", "torch.sum(input=A())", "torch.max(A())",
    "torch.max(t, A())", "torch.split(A(), 1)", "torch.unique(A())", "torch.norm(A())", "torch.var(A())", "torch.var_mean(A())",
    "torch.topk(A(), 1)", "torch.sort(A())", "torch.atleast_1d(A())", "torch.bernoulli(A())", "torch.multinomial(A(), 1)",
    "torch.poisson(A())", "torch.result_type(t, A())", "torch.result_type(A(), 1)", "torch.lu_solve(t, t, A())",
    "torch.stft(A(), 2)", "torch.bucketize(t, A())", "torch.searchsorted(t, A())", "torch.histc(A())", "torch.bincount(A())",
    "torch.quantile(t, A())", "torch.cov(A())", "torch.sin_(A())", "torch.hstack([t, A()])",
    "torch.vstack((A(),))", "torch.combinations(A())", "torch.clone(A())", "torch.detach(A())", "torch.dropout(A(), 0.5, True)",
    "torch.conj(A())", "torch.real(A())", "torch.view_as_real(A())", "torch.polar(t, A())", "torch.complex(t, A())",
]  # fmt: skip
RESULTS = [
    "type(F.mse_loss(t, s)).__name__", "type(F.linear(t, s)).__name__", "type(torch.equal(t, s)).__name__",
    "type(F.cross_entropy(t, s.softmax(0))).__name__", "type(t.expand_as(s)).__name__", "type(t.view_as(s)).__name__",
    "type(t.type_as(s)).__name__", "type(t.copy_(s)).__name__", "type(t[s.long().clamp(0, 2)]).__name__",
    "type(torch.nn.Linear(3, 1)(s)).__name__",
    "type(torch.nn.functional.embedding(s.long().clamp(0, 1), torch.ones(2, 2))).__name__",
    "type(torch.nn.LSTM(3, 2)(s[None])[0]).__name__",
    "type(torch.nn.MultiheadAttention(3, 1)(s[None], s[None], s[None])[0]).__name__",
    "type(torch.nn.BatchNorm1d(3)(torch.stack([s, s]))).__name__", "type(torch.nn.CrossEntropyLoss()(s, s.softmax(0))).__name__",
    "type(torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.ReLU(), torch.nn.Dropout())(s)).__name__",
    "type(torch.nn.Embedding(9, 2)(s.long())).__name__", "type(torch.nn.Conv1d(1, 1, 1)(s[None])).__name__",
]  # fmt: skip


def scope(torch, log):
    class A:
        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            log.append(entry(torch, func, args, kwargs))
            return -1

    t = torch.tensor([5.0, 6.0, 7.0])
    return {
        "torch": torch,
        "F": torch.nn.functional,
        "A": A,
        "t": t,
        "x": t.clone().requires_grad_(),
        "s": t.as_subclass(classes(torch)[0]),
    }


for expression in CALLS + RESULTS:

    def program(torch, expression=expression):
        log = []
        result = eval(expression, scope(torch, log))
        return result if isinstance(result, (int, str)) else type(result).__name__, log

    program.__name__ = expression
    case(program)


@case
def mode_with_classmethod(torch):
    class M(torch.overrides.TorchFunctionMode):
        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            return func(*args, **(kwargs or {}))

    with M():
        torch.ones(1)


@case
def same_mode_twice(torch):
    log = []
    m = logging_mode(torch, log)
    with m, m:
        torch.ones(1)
    return log


@case
def disabled_class_under_a_mode(torch):
    log = []

    class D(torch.Tensor):
        __torch_function__ = torch._C._disabled_torch_function_impl

    x = torch.ones(1).as_subclass(D)
    with logging_mode(torch, log):
        y = x + 1
        z = torch.add(x, 1)
    return log, type(y).__name__, type(z).__name__


@case
def reentrant(torch):
    class A(torch.overrides.TorchFunctionMode):
        def __torch_function__(self, func, types, args=(), kwargs=None):
            kwargs = kwargs or {}
            if func is torch.sub:
                with self:
                    input, other = args
                    assert not kwargs
                    return torch.add(input, other, alpha=-1)
            return func(*args, **kwargs)

    x, y = torch.ones(1), torch.ones(1) * 3
    with A():
        return torch.sub(x, y)


@case
def mode_hash_and_in(torch):
    log = []
    x = torch.ones(2)
    with logging_mode(torch, log):
        found = [{x: 1}[x], x in [x], isinstance(x, torch.Tensor), type(x) is torch.Tensor]
        x.note = 3
        found.append(x.note)
    return found, log


@case
def gradcheck_of_likes(torch):
    Plain = classes(torch)[0]
    x = torch.tensor([1.0, 2.0], dtype=torch.float64).as_subclass(Plain).requires_grad_()
    return torch.autograd.gradcheck(lambda x: x * x, (x,))


@case
def named_tuple_results(torch):
    Plain = classes(torch)[0]
    r = torch.ones(2, 2).as_subclass(Plain).max(0)
    return (
        type(r).__name__,
        type(r.values).__name__,
        type(r.indices).__name__,
        type(torch.linalg.qr(torch.ones(2, 2).as_subclass(Plain)).Q).__name__,
    )


@case
def new_ones_of_likes(torch):
    class G(torch.Tensor):
        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            if func is torch.Tensor.new_ones:
                return "ones"
            return super().__torch_function__(func, types, args, kwargs)

    x = torch.ones(1).as_subclass(G)
    return x.new_ones(2), type(x.new_zeros(2)).__name__


@case
def subclass_with_own_operators(torch):
    class S(torch.Tensor):
        def __add__(self, o):
            return "own"

        def __radd__(self, o):
            return "rown"

        @property
        def shape(self):
            return "shape"

        def sum(self):
            return "sum"

    s = torch.ones(2).as_subclass(S)
    return s + 1, 1 + s, torch.ones(2) + s, s.shape, s.sum(), torch.sum(s).item(), type(s * 2).__name__


@case
def super_calls(torch):
    log = []

    class S(torch.Tensor):
        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            log.append(func.__name__)
            return super().__torch_function__(func, types, args, kwargs)

        def add(self, o):
            return super().add(o)

        def backward(self, *a, **k):
            log.append("own backward")
            return super().backward(*a, **k)

    s = torch.ones(2).as_subclass(S).requires_grad_()
    log.clear()
    s.add(1).sum().backward()
    return log, s.grad.tolist()
