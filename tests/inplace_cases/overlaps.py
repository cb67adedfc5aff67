"""Memory that elements share: with each other, as after expand, and with those of another operand."""

from __future__ import annotations

from .programs import case, matrix, tried

# Every kind of in-place operation, on `t` with a tensor `s` of the same shape.
CHANGES = {
    "add": lambda t, s, i: t.add_(s), "sub": lambda t, s, i: t.sub_(s, alpha=2), "mul": lambda t, s, i: t.mul_(s),
    "div": lambda t, s, i: t.div_(s), "pow": lambda t, s, i: t.pow_(s), "atan2": lambda t, s, i: t.atan2_(s),
    "eq": lambda t, s, i: t.eq_(s), "logical_and": lambda t, s, i: t.logical_and_(s), "copy": lambda t, s, i: t.copy_(s),
    "addcmul": lambda t, s, i: t.addcmul_(s, s.clone()), "lerp": lambda t, s, i: t.lerp_(s, 0.5),
    "clamp": lambda t, s, i: t.clamp_(s, s.clone()), "addmm": lambda t, s, i: t.addmm_(s, s),
    "masked_fill": lambda t, s, i: t.masked_fill_(s > 0, 3.0),
    "masked_scatter": lambda t, s, i: t.masked_scatter_(s.clone() > 0, s),
    "index_add": lambda t, s, i: t.index_add_(0, i, s[:1]), "index_copy": lambda t, s, i: t.index_copy_(0, i, s[:1]),
    "index_fill": lambda t, s, i: t.index_fill_(0, i, 2.0), "index_put": lambda t, s, i: t.index_put_((i,), s[0]),
    "scatter": lambda t, s, i: t.scatter_(0, i[None], s), "scatter_number": lambda t, s, i: t.scatter_(0, i[None], 3.0),
    "scatter_add": lambda t, s, i: t.scatter_add_(0, i[None], s), "put": lambda t, s, i: t.put_(i, s.reshape(-1)[:1]),
    "assign": lambda t, s, i: t.__setitem__(slice(None), s), "assign number": lambda t, s, i: t.__setitem__(slice(None), 3),
    "assign row": lambda t, s, i: t.__setitem__(0, s[0]), "assign rows": lambda t, s, i: t.__setitem__(i, s[0]),
    "assign mask": lambda t, s, i: t.__setitem__(s.clone() > 0, 3), "fill": lambda t, s, i: t.fill_(3.0),
    "fill with tensor": lambda t, s, i: t.fill_(s[0, 0]), "zero": lambda t, s, i: t.zero_(),
    "cumsum": lambda t, s, i: t.cumsum_(0), "renorm": lambda t, s, i: t.renorm_(2, 0, 1.0), "sin": lambda t, s, i: t.sin_(),
    "relu": lambda t, s, i: t.relu_(), "clamp number": lambda t, s, i: t.clamp_(0, 1), "normal": lambda t, s, i: t.normal_() * 0,
    "bernoulli": lambda t, s, i: t.bernoulli_() * 0, "t": lambda t, s, i: t.t_(), "unsqueeze": lambda t, s, i: t.unsqueeze_(0),
    "transpose": lambda t, s, i: t.transpose_(0, 1), "squeeze": lambda t, s, i: t.squeeze_(),
}  # fmt: skip


def index(torch):
    return torch.tensor([0])


@case
def expanded_targets(torch):
    def change(function):
        return tried(function, matrix(torch)[:, :1].expand(3, 3), matrix(torch), index(torch))

    return {name: change(function) for name, function in CHANGES.items() if name != "assign mask"}


@case
def operands_that_overlap_in_part(torch):
    def change(function):
        memory = matrix(torch, 4, 3).reshape(12)
        return tried(function, memory[:9].view(3, 3), memory[3:].view(3, 3), index(torch))

    return {name: change(function) for name, function in CHANGES.items()}


@case
def operands_that_are_the_target(torch):
    def change(function):
        memory = matrix(torch)
        return tried(function, memory, memory.view(3, 3), index(torch))

    return {name: change(function) for name, function in CHANGES.items() if name not in ("masked_scatter", "addmm")}


@case
def transposed_operands(torch):
    def change(function):
        memory = matrix(torch)
        return tried(function, memory, memory.t(), index(torch))

    pointwise = ("add", "sub", "mul", "div", "pow", "atan2", "eq", "copy", "addcmul", "lerp", "clamp", "assign", "scatter")
    return {name: change(CHANGES[name]) for name in pointwise}


@case
def operands_by_keyword(torch):
    def change(function):
        memory = matrix(torch)
        return tried(function, memory, memory.t())

    return [change(function) for function in (
        lambda t, s: t.add_(other=s, alpha=2), lambda t, s: t.clamp_(min=s), lambda t, s: t.pow_(exponent=s),
        lambda t, s: t.__isub__(s),
        lambda t, s: t.sub_(s, alpha=2), lambda t, s: t.div_(s, rounding_mode="floor"), lambda t, s: t.addr_(t[0], t[0]),
        lambda t, s: t.scatter_add_(0, index(torch)[None], t), lambda t, s: torch.Tensor.add_(t, s),
    )]  # fmt: skip


@case
def parts_of_the_target(torch):
    x = matrix(torch)
    return [
        tried(lambda: x[1:].add_(x[:1])), tried(lambda: x[0].mul_(x[1])), tried(lambda: x[:, 0].mul_(x[:, 1])),
        tried(lambda: x[0].copy_(x)), tried(lambda: x[:1].add_(x)), tried(lambda: x.add_(x[0, 0])), tried(lambda: x.add_(x[0])),
        tried(lambda: x.__setitem__(slice(1, None), x[:-1])), tried(lambda: x.__iadd__(x.t())), tried(lambda: x[::2].add_(x[1:])),
        tried(lambda: x[:, ::2].add_(x[:, 1:])), x,
    ]  # fmt: skip


@case
def gradients_do_not_change_what_is_refused(torch):
    w = matrix(torch).requires_grad_()
    x = w * 1
    e = w[0].expand(3, 3) * 1
    return [
        tried(lambda: x.add_(x.t())), tried(lambda: x[0].expand(3, 3).mul_(2)), tried(lambda: x.mul_(x.view(3, 3))), e.add_(1),
        x._version,
    ]  # fmt: skip


@case
def windows_changed(torch):
    x = torch.zeros(3, dtype=torch.float64)
    windows = x.as_strided((2, 2), (1, 1))
    windows.fill_(2.0)
    windows[0] = 3
    return x, tried(lambda: windows.unsqueeze_(0).shape), x._version
