"""Tensors of the same memory: detached ones, `.data`, `set_`, `resize_`, `swap_tensors`, storages."""

from __future__ import annotations

from .programs import case, matrix, start, tried


@case
def detach_shares_the_version_and_data_does_not(torch):
    _, x = start(torch)
    detached, data, view = x.detach(), x.data, x[0].detach()
    versions = []
    for one in (x, detached, data, view, detached[0], data[0]):
        one.add_(1)
        versions.append([other._version for other in (x, detached, data, view)])
    fresh = x.data
    return versions, fresh._version, x, [one._is_view() for one in (detached, data, view)], detached._base is None


@case
def data_assigned(torch):
    w, x = matrix(torch, 2, 3).requires_grad_(), start(torch)[1]
    view = w.detach()[0]
    other = torch.zeros(4, dtype=torch.float64)
    w.data = other
    w.data.add_(1)
    return [
        w, other, view, w._version, w.is_leaf, tried(lambda: setattr(w, "data", 3)),
        tried(lambda: setattr(w, "data", torch.zeros(2, dtype=torch.int64))), (w * 2).sum().backward(), w.grad,
        tried(lambda: setattr(x, "data", matrix(torch, 2, 2))), x.shape, x.requires_grad,
    ]  # fmt: skip


@case
def data_assigned_between_saving_and_backward(torch):
    w, x = start(torch)
    y = x * x
    x.data = torch.zeros(2, 3, dtype=torch.float64)
    y.sum().backward()
    return w.grad, x


@case
def parameter_data(torch):
    p = torch.nn.Parameter(torch.ones(3, dtype=torch.float64))
    p.data = torch.zeros(2, dtype=torch.float64)
    p.data[0] = 5
    p.data += 1
    return p, p._version, type(p).__name__


@case
def set_to_a_tensor(torch):
    x, y = torch.zeros(3, dtype=torch.float64), matrix(torch, 2, 2)
    found = [x.set_(y) is x, x.is_set_to(y), x.data_ptr() == y.data_ptr(), x._version, y._version, x._is_view()]
    x.add_(1)
    return [*found, y, y._version, x.set_().shape, tried(x.set_, torch.zeros(3)), tried(x.set_, torch.arange(3))]


@case
def set_to_a_part(torch):
    x, y = torch.zeros(3, dtype=torch.float64), matrix(torch)
    return [
        x.set_(y, 1, (2, 2), (3, 1)).clone(), x.storage_offset(), x.set_(y.untyped_storage(), 2, (2,), (4,)).clone(),
        x.set_(y.untyped_storage()).shape, x.set_(source=y, storage_offset=3, size=(3,), stride=(1,)).clone(), x._version,
    ]  # fmt: skip


@case
def set_and_gradients(torch):
    w, x = start(torch)
    c = matrix(torch, 2, 3)
    refused = [tried(w.set_, c), tried(w[0].set_, c)]
    y = x * x
    with torch.no_grad():
        w.set_(c)
        x.set_(c)
    return refused, w.is_leaf, w.requires_grad, w._version, tried(y.sum().backward)


@case
def set_recorded(torch):
    w, x = start(torch)
    c = matrix(torch, 2, 3)
    x.set_(c)
    c.set_(w)
    return c.requires_grad, type(x.grad_fn).__name__, tried(x.sum().backward)


@case
def set_of_a_view(torch):
    base = matrix(torch)
    view, other = base[0], base[1]
    view.set_(matrix(torch, 2, 2))
    view.add_(1)
    found = [view._base is base, view._version, base._version, base]
    base.set_(torch.zeros(2, dtype=torch.float64))
    return *found, other, other._base is base


@case
def resized(torch):
    x = matrix(torch, 2, 3)
    view = x[0, 1:]
    found = [x.resize_(2, 2).clone(), x._version, x.resize_(3, 2).clone(), x.resize_((2,)).clone(), x.resize_(6).clone()]
    view.resize_(3)
    view.mul_(10)
    found += [view, x, view.storage_offset()]
    return *found, x.resize_as_(view).clone(), x.resize_(2, 3).t().resize_(2, 2).clone(), x._version


@case
def strides_of_extents_of_one(torch):
    x = matrix(torch, 3, 4)
    made = (
        x.unsqueeze(0), x.unsqueeze(0)[..., 1:], x.t().unsqueeze(1), x.t().unsqueeze(2), x[:, None, ::2], x[::2, 0][None],
        x[::2, 0, None], x.t()[None, :, None], x[:, :1],
    )  # fmt: skip
    return [one.stride() for one in made], [x.resize_(size)._version for size in ((3, 4), (12,), (12,))]


@case
def resized_with_gradients(torch):
    w, x = start(torch)
    refused = [tried(w.resize_, 2), tried(x.resize_, 2), tried(x[0].resize_, 2), tried(w.resize_as_, x)]
    with torch.no_grad():
        refused.append(tried(w.resize_, 2, 3))
    c = matrix(torch, 2, 3)
    y = x * c
    c.resize_(6)
    return refused, tried(y.sum().backward)


@case
def swapped(torch):
    a, b = matrix(torch, 1, 2).requires_grad_(), torch.nn.Parameter(torch.zeros(3))
    (a * 3).sum().backward()
    a.mark = "a"
    torch.utils.swap_tensors(a, b)
    found = [a, b, type(a).__name__, type(b).__name__, a.grad, b.grad, hasattr(a, "mark"), b.mark]
    (b * 2).sum().backward()
    torch.utils.swap_tensors(a, b)
    return *found, a, a.grad, b, type(b).__name__


@case
def swapped_views_and_intermediates(torch):
    w, x = start(torch)
    view, other = x[0], torch.zeros(2)
    torch.utils.swap_tensors(view, other)
    found = [view._is_view(), other._base is x, view, other]
    other.mul_(2)
    x.sum().backward()
    return *found, x, w.grad


@case
def swapping_refused(torch):
    import weakref

    class Kind(torch.Tensor):
        __slots__ = ("mark",)

    a, b = torch.ones(2), torch.zeros(2)
    kept = weakref.ref(a)
    return tried(torch.utils.swap_tensors, a, b), kept() is a, tried(torch.utils.swap_tensors, b, torch.ones(2).as_subclass(Kind))


@case
def storages(torch):
    x = matrix(torch)
    row, turned, copy = x[1], x.t(), x.clone()
    whole = x.untyped_storage()
    return [
        [one.untyped_storage().data_ptr() == whole.data_ptr() for one in (row, turned, copy, x.detach(), x.data, x.view(9))],
        [(one.data_ptr() - x.data_ptr(), one.storage_offset()) for one in (row, turned, x[:, 2:])],
        row.untyped_storage()._cdata == whole._cdata, whole == row.untyped_storage(), whole.nbytes(), whole.size(), len(whole),
        [x.is_set_to(one) for one in (x, x.view(3, 3), row, turned, copy, x.detach())], x.storage().size(),
        [x.data_ptr() == one.data_ptr() for one in (x.contiguous(), x.reshape(9), turned.reshape(9), turned.contiguous())],
    ]  # fmt: skip


@case
def unsafe_splits(torch):
    w, x = start(torch)
    parts = x.unsafe_chunk(2)
    parts[0].mul_(3)
    found = [type(one.grad_fn).__name__ for one in (x.unsafe_split(1)[0], x.unsafe_split_with_sizes([2, 1], 1)[1], parts[1])]
    (parts[0].sum() + 2 * parts[1].sum()).backward()
    return found, parts, parts[0]._is_view(), x, x._version, w.grad, torch.unsafe_split(x, 2)[0]._base is None


@case
def versions_incremented(torch):
    increment = torch.autograd.graph.increment_version
    w, x = start(torch)
    view = x[0]
    increment(x)
    increment([view, w])
    increment(one for one in (w,))
    return x._version, view._version, w._version, tried(increment, 3), tried(increment, [3])


@case
def attributes(torch):
    w, x = start(torch)
    return [
        tried(lambda: setattr(w, "requires_grad", 1)), tried(lambda: setattr(x, "requires_grad", False)),
        tried(lambda: setattr(x, "requires_grad", True)), tried(lambda: setattr(torch.arange(3), "requires_grad", True)),
        tried(w.requires_grad_, 1), tried(x.requires_grad_, False), x.requires_grad_() is x, tried(torch.arange(3).requires_grad_),
        w.requires_grad_(False).requires_grad,
    ]  # fmt: skip
