"""What nodes show of what they saved, and hooks on single saved tensors."""

from __future__ import annotations

from facts import leaf

from .programs import case


@case
def saved_identity(torch):
    x = leaf(torch)
    y = x * x
    z = x * 1
    e = z.exp()
    return (
        y.grad_fn._saved_self is x,
        z.exp().grad_fn._saved_result.requires_grad,
        e.grad_fn._saved_result is e,
        (z * z).grad_fn._saved_self is z,
    )


@case
def saved_identity_eq(torch):
    x = leaf(torch)
    z = x * 1
    w = (z * z).grad_fn._saved_self
    return w.grad_fn is z.grad_fn, w._version


@case
def saved_after_free(torch):
    x = leaf(torch)
    y = x * x
    y.sum().backward()
    return y.grad_fn._saved_self


@case
def raw_after_free(torch):
    x = leaf(torch)
    y = x * x
    y.sum().backward()
    y.grad_fn._raw_saved_self.register_hooks(lambda t: t, lambda t: t)


@case
def raw_twice(torch):
    x = leaf(torch)
    y = x * x
    s = y.grad_fn._raw_saved_self
    s.register_hooks(lambda t: t, lambda t: t)
    s.register_hooks(lambda t: t, lambda t: t)


@case
def raw_none(torch):
    x = leaf(torch)
    y = x * torch.ones(3, dtype=torch.float64)
    y.grad_fn._raw_saved_self.register_hooks(lambda t: t, lambda t: t)


@case
def saved_none(torch):
    x = leaf(torch)
    y = x * torch.ones(3, dtype=torch.float64)
    return y.grad_fn._saved_self, y.grad_fn._saved_other


@case
def saved_scalar(torch):
    x = leaf(torch)
    y = x * 3
    return [n for n in dir(y.grad_fn) if "saved" in n], y.grad_fn._saved_other, y.grad_fn._saved_self


@case
def saved_bad(torch):
    x = leaf(torch)
    return (x * 3).grad_fn._saved_foo


@case
def savedtensor_ctor(torch):
    type((leaf(torch) * leaf(torch)).grad_fn._raw_saved_self)()


@case
def raw_pack_error(torch):
    x = leaf(torch)
    y = x * x
    y.grad_fn._raw_saved_self.register_hooks(lambda t: 1 / 0, lambda t: t)


@case
def raw_inplace_pack(torch):
    x = leaf(torch)
    a = x * 1
    y = a * a
    y.grad_fn._raw_saved_self.register_hooks(lambda t: t.mul_(2), lambda t: t)


@case
def grad_fn_of_unpacked(torch):
    x = leaf(torch)
    y = x * 1
    with torch.autograd.graph.saved_tensors_hooks(lambda t: t.detach(), lambda a: a):
        z = y * y
    s = z.grad_fn._saved_self
    return s.grad_fn is y.grad_fn, s.requires_grad


@case
def savedtensor_hooks_then_double(torch):
    x = leaf(torch)
    y = x * x * x
    y.grad_fn._raw_saved_self.register_hooks(lambda t: t * 2, lambda t: t / 2)
    y.grad_fn._raw_saved_other.register_hooks(lambda t: t * 2, lambda t: t / 2)
    (g,) = torch.autograd.grad(y.sum(), x, create_graph=True)
    return g, torch.autograd.grad(g.sum(), x)
