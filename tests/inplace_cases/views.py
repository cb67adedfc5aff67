"""Changes of views, of what has views, and of views made where nothing was recorded."""

from __future__ import annotations

from .programs import case, matrix, names, start, tried

MODES = ("no_grad", "inference_mode")


@case
def views_made_without_grad(torch):
    found = []
    for mode in MODES:
        w, x = start(torch)
        with getattr(torch, mode)():
            views = [w[0], x[0], x[0][1:], x.unbind()[0], x.view(6)]
        found.append([
            [(view.requires_grad, view.is_leaf, view.grad_fn, view._base is not None, view.is_inference()) for view in views],
            [(view * 2).requires_grad for view in views], [(view * 2).grad_fn.next_functions for view in views[:2]],
            [tried(view.mul_, 2) for view in views], [view.grad for view in views], tried(views[0].numpy),
            [one.requires_grad for one in (views[0].detach(), views[0].data, views[0].clone(), views[0][:1])],
        ])  # fmt: skip
    return found


@case
def gradients_end_at_views_made_without_grad(torch):
    w, x = start(torch)
    with torch.no_grad():
        view = w[0]
    (view * view).sum().backward()
    (view * 2 + w[1]).sum().backward()
    return w.grad, view.grad


@case
def views_of_views_made_without_grad(torch):
    w, x = start(torch)
    with torch.no_grad():
        view = x[0]
    part = view[1:]
    return part.requires_grad, part.is_leaf, type(part.grad_fn).__name__, names(part.grad_fn), tried(part.mul_, 2)


@case
def the_base_of_views_made_without_grad_changes(torch):
    found = []
    for mode in MODES:
        _, x = start(torch)
        with getattr(torch, mode)():
            view = x[0]
        x.mul_(2)
        found.append([view.requires_grad, tried(lambda view=view: view.grad_fn), tried(lambda view=view: view * 2)])
    return found


@case
def plain_views_made_without_grad(torch):
    c = matrix(torch)
    v = torch.ones(3, dtype=torch.float64, requires_grad=True)
    with torch.no_grad():
        view = c[0]
    view.mul_(2)
    return c, tried(view.mul_, v), view.requires_grad, c.requires_grad, c


@case
def changes_without_grad_inside(torch):
    w, x = start(torch)
    with torch.no_grad():
        w[0].mul_(2)
        w.t()[0].add_(1)
        x[1].zero_()
        w.t_()
    return w, w.is_leaf, w._version, x, x._version


@case
def inference_tensors_keep_no_views(torch):
    with torch.inference_mode():
        i = matrix(torch)
        view = i[0]
        view.add_(1)
    found = [i.clone(), view._is_view(), view._base, view.is_inference(), i[1].is_inference(), tried(lambda: view._version)]
    return *found, tried(i.detach_).is_inference(), [tried(change) for change in (lambda: view.add_(1), lambda: i.set_(view), i.t_)]


@case
def views_of_several(torch):
    w, x = start(torch)
    c = matrix(torch, 2, 3)
    v = torch.ones(3, dtype=torch.float64, requires_grad=True)
    splits = (lambda x: x.unbind(), lambda x: x.split(1), lambda x: x.chunk(2), lambda x: x.split_with_sizes([1, 1]), list)
    return [
        [tried(split(x)[0].mul_, 2) for split in splits], [tried(split(w)[1].mul_, 2) for split in splits],
        [tried(split(x)[0][..., 1:].zero_) for split in splits], [tried(split(c)[0].mul_, 1) for split in splits],
        [tried(split(matrix(torch, 2, 3))[0].mul_, v)[0] for split in splits], tried(lambda: x.tensor_split(2)[0].mul_(2)),
        tried(lambda: x.hsplit(3)[0].mul_(2)), tried(lambda: x.vsplit(2)[0].mul_(2)), x.unbind()[0].clone().mul_(2),
    ]  # fmt: skip


@case
def leaf_views(torch):
    c = matrix(torch)
    view = c[0].requires_grad_()
    (view * 2).sum().backward()
    w, _ = start(torch)
    return [
        view, view.is_leaf, view._is_view(), c.requires_grad, view.grad, tried(view.mul_, 2), tried(view[1:].mul_, 2), c.add_(1),
        tried(w.mul_, 2), tried(w[0].mul_, 2), tried(w.view(6)[1:].mul_, 2), tried(w.detach().requires_grad_().mul_, 2),
    ]  # fmt: skip


@case
def views_detached_in_place(torch):
    w, x = start(torch)
    c = matrix(torch)
    view = x[0]
    refused = [tried(one.detach_) for one in (view, w[0], c[0], c.view(9), c.expand(2, 3, 3), x.unbind()[0])]
    x.detach_()
    return refused, x, x.is_leaf, x._version, view.requires_grad, tried(view.mul_, 2)


@case
def siblings_take_their_history_on_demand(torch):
    w, x = start(torch)
    first, second, turned, part = x[0], x[:, 1], x.t(), x[0][1:]
    before = [type(one.grad_fn).__name__ for one in (first, second, turned, part)]
    second.mul_(3)
    after = [(type(one.grad_fn).__name__, names(one.grad_fn)) for one in (x, first, second, turned, part)]
    part.mul_(second.sum())
    (turned.sum() + first.sum() * 2).backward()
    return before, after, x.grad_fn.name(), names(x.grad_fn), w.grad, [one._version for one in (x, first, part)]


@case
def a_plain_base_gains_history(torch):
    c, v = matrix(torch, 2, 3), torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64, requires_grad=True)
    view, other = c[0], c[1]
    view.mul_(v)
    states = [(one.requires_grad, one.is_leaf, type(one.grad_fn).__name__) for one in (c, view, other)]
    edges = names(c.grad_fn)
    c.add_(v)
    (other * v).sum().backward()
    return states, edges, c, v.grad


@case
def many_changes_of_parts(torch):
    w, x = start(torch)
    v = torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64, requires_grad=True)
    x[0] = v
    x[0, 1] = v[2] * 2
    x[:, 2] = 5
    x[x > 4] = v[0]
    x[[0, 1], [0, 1]] = v[:2]
    x[..., None][0] = v[:, None]
    x[torch.tensor([True, False])] += v
    x[1:] *= 2
    x[0] **= 2
    x.view(6)[::2].sin_()
    x.t().unsqueeze(0)[0, 1].clamp_(max=1)
    x.diagonal().add_(v[:2])
    x.unfold(1, 2, 2)[0].mul_(v[1])
    x.sum().backward()
    return x, w.grad, v.grad, x._version


@case
def values_without_derivative(torch):
    found = {}
    for name in ("eq", "ne", "lt", "le", "gt", "ge"):
        w, x = start(torch)
        getattr(x, f"{name}_")(2)
        x.sum().backward()
        found[name] = [x.requires_grad, w.grad]
    for name in ("normal_", "uniform_", "random_", "exponential_", "cauchy_", "log_normal_", "bernoulli_", "zero_", "floor_"):
        w, x = start(torch)
        getattr(x, name)()
        x.sum().backward()
        found[name] = [x.requires_grad, type(x.grad_fn).__name__, w.grad]
    w, x = start(torch)
    x[0].normal_()
    x.sum().backward()
    return found, w.grad


@case
def second_orders_of_what_saves_its_result(torch):
    found = {}
    for name in ("exp_", "sigmoid_", "tanh_", "sqrt_", "reciprocal_", "square_", "relu_"):
        w = (matrix(torch, 2, 3) / 4).requires_grad_()
        x = w * 1
        part = x[1:]
        getattr(part, name)()
        part[:, 1:].sigmoid_()
        (g,) = torch.autograd.grad((x * x).sum(), w, create_graph=True)
        (g * g).sum().backward()
        found[name] = [g.detach(), w.grad]
    return found


@case
def views_by_strides_of_overlapping_views(torch):
    w, x = start(torch)
    for view in (x.expand(2, 2, 3).as_strided((2, 2), (1, 1)), x.unfold(1, 2, 1).as_strided((2, 2), (3, 1))):
        (view * view).sum().backward(retain_graph=True)
    (x.expand(2, 2, 3).as_strided((2, 2, 3), (0, 3, 1)) * torch.arange(12.0).reshape(2, 2, 3)).sum().backward()
    return w.grad


@case
def names_of_nodes(torch):
    f = torch.nn.functional
    changes = (
        lambda x: f.leaky_relu(x, inplace=True), lambda x: f.elu(x, inplace=True), lambda x: f.selu(x, inplace=True),
        lambda x: f.celu(x, inplace=True), lambda x: f.threshold(x, 1.0, 0.0, inplace=True), lambda x: f.relu(x, inplace=True),
        lambda x: f.hardtanh(x, inplace=True), lambda x: f.silu(x, inplace=True), lambda x: f.mish(x, inplace=True),
        lambda x: f.rrelu(x, inplace=True), lambda x: x.acosh_(), lambda x: x.squeeze_(), lambda x: x.squeeze_(0),
        lambda x: x.squeeze_((0,)), lambda x: x.fill_(1), lambda x: x.fill_(x[0, 0].detach()), lambda x: x.zero_(),
        lambda x: x.masked_fill_(x > 1, 1.0), lambda x: x.copy_(x.detach()), lambda x: x.clamp_(0, 1), lambda x: x.eq_(x.detach()),
        lambda x: x.sub_(1), lambda x: x.index_fill_(0, torch.tensor([0]), 1.0), lambda x: x.normal_(), lambda x: x.bernoulli_(),
    )  # fmt: skip
    return [type(change(start(torch)[1]).grad_fn).__name__ for change in changes]


@case
def frozen_after_the_forward_pass(torch):
    w, v = matrix(torch).requires_grad_(), torch.ones(3, dtype=torch.float64, requires_grad=True)
    y = (w * v).sum()
    w.requires_grad_(False)
    y.backward()
    return w.grad, v.grad, w.mul_(2), w.is_leaf


@case
def overlapping_views_follow(torch):
    w, x = start(torch)
    wide, windows = x.expand(2, 2, 3), x.unfold(1, 2, 1)
    x.mul_(2)
    (wide.sum() + 3 * windows.sum()).backward()
    return wide, windows, w.grad


@case
def restrided_in_place(torch):
    w, x = start(torch)
    versions = []
    for change in (
        lambda: x.t_(), lambda: x.unsqueeze_(0), lambda: x.squeeze_(), lambda: x.transpose_(0, 1), lambda: x.swapaxes_(0, 1),
        lambda: x.swapdims_(0, 1), lambda: x.mul_(w), lambda: x.as_strided_((2,), (1,)),
    ):  # fmt: skip
        change()
        versions.append((x._version, x.shape, type(x.grad_fn).__name__))
    x.sum().backward()
    view = (w * 1)[0]
    return versions, w.grad, tried(w.t_), tried(w[0].unsqueeze_, 0), view.unsqueeze_(0).shape, view._is_view()


@case
def mixed_types(torch):
    v = torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64, requires_grad=True)
    single = torch.zeros(2, 3)
    single[0] = v
    single[1].add_(v).mul_(v)
    half = torch.ones(3, dtype=torch.float16)
    half.mul_(v)
    (single.sum() + half.sum()).backward()
    n = torch.arange(3)
    refused = [tried(n.mul_, 1.5), tried(n.add_, v), tried(n.div_, 2), tried(single.add_, 1j), tried(n.bool().add_, 1)]
    return single.dtype, half.dtype, single.detach(), half.detach(), v.grad, refused, n.copy_(v.detach() + 0.7), n.fill_(2.7)
