"""Where a subclass is kept: results, copies, gradients, parameters."""

from __future__ import annotations

import copy

from .programs import case, classes


def kinds(values):
    return [type(value).__name__ for value in values]


@case
def results(torch):
    Plain, _, _ = classes(torch)
    x = torch.tensor([1.0, 2.0]).as_subclass(Plain)
    return kinds(
        [
            x + 1,
            1 + x,
            x * x,
            x.add_(1),
            x[0],
            x[x > 0],
            x.view(2),
            x.T,
            x.data,
            x.detach(),
            x.clone(),
            x.double(),
            x.to(torch.float32),
            x.new_zeros(2),
            x.new_tensor([1.0]),
            torch.zeros_like(x),
            torch.rand_like(x),
            torch.empty_like(x),
            torch.stack([x, x]),
            torch.cat([x, x]),
            torch.stack([x, torch.ones(2)]),
            torch.stack([torch.ones(2), x]),
            torch.where(x > 0, x, 0),
            torch.ones(2) + x,
            torch.ones(2).mul(x),
            torch.ones(2).add_(x),
            x.sum(),
            x.max(),
            x.max(0),
            x.max(0)[0],
            x.split(1)[0],
            x.unbind(),
            list(x)[0],
            torch.nn.functional.relu(x),
            torch.nn.functional.linear(x, torch.ones(2, 2)),
            torch.linalg.norm(x),
            torch.fft.fft(x),
            x.tolist(),
            x.numpy(),
            x.shape,
            torch.tensor(x),
            torch.as_tensor(x),
            x.requires_grad_(),
            x.as_subclass(torch.Tensor),
            x.cpu(),
            x.contiguous(),
            x.type_as(torch.ones(1)),
            torch.einsum("i,i", x, torch.ones(2)),
            x.var(),
            torch.equal(x, x),
            x.repeat(2),
            x.flip(0),
            torch.broadcast_tensors(x, torch.ones(2, 2))[1],
            torch.meshgrid(x, torch.ones(2), indexing="ij")[1],
            torch.nn.Identity()(x),
            torch.nn.Linear(2, 1)(x),
            torch.nn.Sequential(torch.nn.Linear(2, 1), torch.nn.ReLU())(x),
        ]
    )


@case
def deeper_wins(torch):
    Plain, Deeper, _ = classes(torch)
    p, d = (torch.ones(1).as_subclass(kind) for kind in (Plain, Deeper))
    return kinds([p + d, d + p, torch.cat([p, d]), p.add(d), p.mul_(d), d.mul_(p)])


@case
def strangers_add(torch):
    Plain, _, Other = classes(torch)
    return torch.ones(1).as_subclass(Plain) + torch.ones(1).as_subclass(Other)


@case
def strangers_in_a_function(torch):
    Plain, _, Other = classes(torch)
    try:
        torch.add(torch.ones(1).as_subclass(Plain), torch.ones(1).as_subclass(Other))
    except TypeError as error:
        return str(error).splitlines()[0][:95]


@case
def construction(torch):
    Plain, Deeper, _ = classes(torch)
    x = Plain([1.0, 2.0])
    y = Plain(torch.ones(2))
    z = Deeper(x)
    return kinds([x, y, z, Plain(3), Plain()]), x, x.is_leaf, Plain(2, 3).shape, isinstance(z, Plain), str(Plain([1]).dtype)


@case
def keyword_arguments_of_one_s_own(torch):
    class Tagged(torch.Tensor):
        @staticmethod
        def __new__(cls, x, tag, *args, **kwargs):
            return super().__new__(cls, x, *args, **kwargs)

        def __init__(self, x, tag):
            self.tag = tag

    t = Tagged([1.0, 2.0], "a")
    u = t + 1
    return t.tag, type(u).__name__, hasattr(u, "tag"), t.tolist()


@case
def make_subclass(torch):
    Plain, _, _ = classes(torch)
    source = torch.ones(2)
    x = torch.Tensor._make_subclass(Plain, source, True)
    y = torch.Tensor._make_subclass(Plain, source)
    x.detach().add_(1)
    return type(x).__name__, x, source, x.is_leaf, y.requires_grad, x.data_ptr() == source.data_ptr(), x._is_view()


@case
def make_subclass_of_integers(torch):
    return torch.Tensor._make_subclass(classes(torch)[0], torch.ones(2, dtype=torch.int64), True)


@case
def as_subclass_keeps_history(torch):
    Plain, _, _ = classes(torch)
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    y = x.as_subclass(Plain)
    (y**2).sum().backward()
    return x.grad, type(x.grad).__name__, y.requires_grad, y.is_leaf, type(y.grad_fn).__name__


@case
def as_subclass_of_no_class(torch):
    return torch.ones(1).as_subclass(3)


@case
def as_subclass_of_another_class(torch):
    return torch.ones(1).as_subclass(int)


@case
def gradients(torch):
    Plain, _, _ = classes(torch)
    x = torch.tensor([1.0, 2.0]).as_subclass(Plain).requires_grad_()
    y = (x * x).sum()
    y.backward()
    first = torch.autograd.grad((x * x).sum(), x)
    second = torch.autograd.grad((x**3).sum(), x, create_graph=True)
    return x.is_leaf, kinds([y, x.grad, *first, *second]), x.grad.tolist(), type(x.grad_fn).__name__


@case
def hooks_see(torch):
    Plain, _, _ = classes(torch)
    seen = []
    x = torch.tensor([1.0, 2.0]).as_subclass(Plain).requires_grad_()
    x.register_hook(lambda g: seen.append(type(g).__name__))
    y = x * 2
    y.register_hook(lambda g: seen.append(type(g).__name__))
    y.sum().backward()
    return seen


@case
def custom_functions(torch):
    Plain, _, _ = classes(torch)
    seen = []

    class Double(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            seen.append(type(x).__name__)
            ctx.save_for_backward(x)
            return x * 2

        @staticmethod
        def backward(ctx, g):
            seen.extend([type(g).__name__, type(ctx.saved_tensors[0]).__name__])
            return g * 2

    x = torch.tensor([1.0, 2.0]).as_subclass(Plain).requires_grad_()
    y = Double.apply(x)
    y.sum().backward()
    return seen, type(y).__name__, x.grad.tolist()


@case
def copies(torch):
    Plain, _, _ = classes(torch)
    x = torch.tensor([1.0, 2.0]).as_subclass(Plain)
    x.note = ["a"]
    twin = copy.copy(x)
    return type(twin).__name__, twin.note, twin.data_ptr() == x.data_ptr()


@case
def deepcopy_of_parameter_subclass(torch):
    class Special(torch.nn.Parameter):
        pass

    p = Special(torch.ones(2))
    q = copy.deepcopy(p)
    return kinds([p, q, p * 2, p.data, p.detach(), p.clone()]), q.requires_grad


@case
def parameters(torch):
    Plain, _, _ = classes(torch)
    p = torch.nn.Parameter(torch.ones(2).as_subclass(Plain))
    m = torch.nn.Module()
    m.p = p
    (m.p * 2).sum().backward()
    return (
        kinds([p, p * 2, p.grad, p.data]),
        isinstance(p, torch.nn.Parameter),
        isinstance(p, Plain),
        [n for n, _ in m.named_parameters()],
        p.grad.tolist(),
        repr(p),
    )


@case
def optimizers(torch):
    Plain, _, _ = classes(torch)
    found = []
    for kind in (torch.optim.SGD, torch.optim.Adam):
        p = torch.nn.Parameter(torch.tensor([1.0, 2.0], dtype=torch.float64).as_subclass(Plain))
        optimizer = kind([p], lr=0.1)
        for _ in range(3):
            optimizer.zero_grad()
            (p**2).sum().backward()
            optimizer.step()
        found.append([p.tolist(), type(p).__name__])
    return found


@case
def buffers(torch):
    m = torch.nn.Module()
    m.b = torch.nn.Buffer(torch.ones(2))
    m.c = torch.nn.Buffer(torch.ones(1), persistent=False)
    return (
        [n for n, _ in m.named_buffers()],
        list(m.state_dict()),
        isinstance(m.b, torch.nn.Buffer),
        isinstance(torch.ones(1), torch.nn.Buffer),
        type(m.b).__name__,
        isinstance(m.b, torch.Tensor),
        m.b.persistent,
    )


@case
def is_instance_of_parameter(torch):
    Plain, _, _ = classes(torch)
    p = torch.nn.Parameter(torch.ones(2).as_subclass(Plain))
    q = torch.nn.Parameter(torch.ones(2))
    return (
        isinstance(p, torch.nn.Parameter),
        type(q).__name__,
        type(q) is torch.nn.Parameter,
        issubclass(torch.nn.Parameter, torch.Tensor),
        isinstance(torch.ones(2), torch.nn.Parameter),
        kinds([q + 1, q.data, q.detach(), q[0], q.view(2), torch.zeros_like(q), q.clone()]),
    )


@case
def disabled(torch):
    class Disabled(torch.Tensor):
        __torch_function__ = torch._C._disabled_torch_function_impl

    x = torch.ones(2).as_subclass(Disabled)
    return kinds([x, x + 1, torch.add(1, x), x.clone(), x.detach(), x[0], torch.stack([x])])


@case
def contexts(torch):
    Plain, _, _ = classes(torch)
    x = torch.ones(2).as_subclass(Plain)
    with torch._C.DisableTorchFunctionSubclass():
        inside = kinds([x + 1, x.clone(), x.detach(), x[0], torch.stack([x, x])])
        enabled = torch._C._is_torch_function_enabled()
    with torch._C.DisableTorchFunction():
        both = kinds([x + 1, x.clone()])
    return inside, both, enabled, torch._C._is_torch_function_enabled(), type(x + 1).__name__


@case
def enable_reentrant_dispatch(torch):
    Plain, _, _ = classes(torch)
    with torch.overrides.enable_reentrant_dispatch():
        return type(torch.ones(2).as_subclass(Plain) + 1).__name__


@case
def attribute_of_a_class(torch):
    class Scaled(torch.Tensor):
        scale = 3

        @property
        def scaled(self):
            return self * self.scale

        def twice(self):
            return self + self

    x = torch.ones(2).as_subclass(Scaled)
    return type(x.scaled).__name__, x.scaled.tolist(), (x + 1).twice().tolist()


@case
def metaclass_and_isinstance(torch):
    Plain, Deeper, _ = classes(torch)
    x = torch.ones(2).as_subclass(Deeper)
    return (
        isinstance(x, torch.Tensor),
        isinstance(x, Plain),
        issubclass(Deeper, torch.Tensor),
        torch.is_tensor(x),
        torch.overrides.is_tensor_like(x),
        type(x).__mro__[-1] is object,
    )


@case
def setting_items(torch):
    Plain, _, _ = classes(torch)
    x = torch.zeros(3).as_subclass(Plain)
    plain = torch.zeros(3)
    x[0] = 1
    x[1:] = torch.ones(2) * 2
    plain[0] = x[1]
    x += 1
    x.data = torch.ones(3)
    return x, plain, kinds([x, plain, x.data])


@case
def no_grad_and_requires_grad(torch):
    Plain, _, _ = classes(torch)
    x = torch.ones(2).as_subclass(Plain).requires_grad_()
    with torch.no_grad():
        y = x * 2
    x.grad = torch.ones(2)
    x.grad.zero_()
    return y.requires_grad, type(y).__name__, x.grad, type(x.grad).__name__


@case
def the_gradient_is_a_subclass(torch):
    Plain, _, _ = classes(torch)
    x = torch.ones(2, requires_grad=True)
    (x * 2).sum().backward(torch.tensor(1.0).as_subclass(Plain))
    y = torch.ones(2, requires_grad=True)
    (y * 2).backward(torch.ones(2).as_subclass(Plain))
    return kinds([x.grad, y.grad])


@case
def state_dicts(torch):
    Plain, _, _ = classes(torch)
    m = torch.nn.Linear(2, 1)
    m.weight = torch.nn.Parameter(torch.ones(1, 2).as_subclass(Plain))
    n = torch.nn.Linear(2, 1)
    n.load_state_dict(m.state_dict())
    return kinds([m.state_dict()["weight"], n.weight]), n.weight.tolist(), type(m.double().weight).__name__


@case
def transforms(torch):
    Plain, _, _ = classes(torch)
    x = torch.tensor([1.0, 2.0]).as_subclass(Plain)
    return type(torch.func.grad(lambda x: (x**2).sum())(x)).__name__


@case
def printing(torch):
    Plain, _, _ = classes(torch)
    x = torch.tensor([1.0, 2.0]).as_subclass(Plain)
    return repr(x), str(x), repr(x.requires_grad_()), repr(x * 2), repr(torch.nn.Parameter(x.detach()))
