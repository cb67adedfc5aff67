"""Hooks of modules in backward passes."""

from __future__ import annotations

import collections

from facts import leaf

from .programs import case, net


@case
def full_backward_values(torch):
    m = net(torch)
    log = []
    m.register_full_backward_hook(lambda m, gi, go: log.append((gi, go)))
    x = leaf(torch)
    m(x).sum().backward()
    return log, x.grad


@case
def full_backward_replace(torch):
    m = net(torch)
    m.register_full_backward_hook(lambda m, gi, go: (gi[0] * 10,))
    x = leaf(torch)
    m(x).sum().backward()
    return x.grad, m.weight.grad


@case
def full_backward_replace_single(torch):
    m = net(torch)
    m.register_full_backward_hook(lambda m, gi, go: gi[0] * 10)
    x = leaf(torch)
    m(x).sum().backward()
    return x.grad


@case
def full_backward_pre_replace(torch):
    m = net(torch)
    m.register_full_backward_pre_hook(lambda m, go: (go[0] * 10,))
    x = leaf(torch)
    m(x).sum().backward()
    return x.grad, m.weight.grad


@case
def full_backward_pre_replace_single(torch):
    m = net(torch)
    m.register_full_backward_pre_hook(lambda m, go: go[0] * 10)
    x = leaf(torch)
    m(x).sum().backward()
    return x.grad


@case
def full_backward_wrong_n(torch):
    m = net(torch)
    m.register_full_backward_hook(lambda m, gi, go: (gi[0], gi[0]))
    m(leaf(torch)).sum().backward()


@case
def full_backward_pre_wrong_n(torch):
    m = net(torch)
    m.register_full_backward_pre_hook(lambda m, gi: (gi[0], gi[0]))
    m(leaf(torch)).sum().backward()


@case
def full_backward_no_input_grad(torch):
    m = net(torch)
    log = []
    m.register_full_backward_hook(lambda m, gi, go: log.append((gi, go)))
    m(torch.ones(3, dtype=torch.float64)).sum().backward()
    return log, m.weight.grad


@case
def full_backward_no_input_grad_ret(torch):
    m = net(torch)
    m.register_full_backward_hook(lambda m, gi, go: (go[0],))
    m(torch.ones(3, dtype=torch.float64)).sum().backward()


@case
def full_backward_dict_out(torch):
    class M(torch.nn.Module):
        def forward(self, x):
            return {"a": x * 2}

    m = M()
    log = []
    m.register_full_backward_hook(lambda m, gi, go: log.append((gi, go)))
    x = leaf(torch)
    m(x)["a"].sum().backward()
    return log


@case
def full_backward_list_out(torch):
    class M(torch.nn.Module):
        def forward(self, x):
            return [x * 2]

    m = M()
    log = []
    m.register_full_backward_hook(lambda m, gi, go: log.append((gi, go)))
    x = leaf(torch)
    r = m(x)
    r[0].sum().backward()
    return log, type(r).__name__


@case
def full_backward_kwargs(torch):
    class M(torch.nn.Module):
        def forward(self, x, k=None):
            return x * k

    m = M()
    log = []
    m.register_full_backward_hook(lambda m, gi, go: log.append((gi, go)))
    x = leaf(torch)
    w = leaf(torch)
    m(x, k=w).sum().backward()
    return log, w.grad


@case
def full_backward_nest_in(torch):
    class M(torch.nn.Module):
        def forward(self, x):
            return x[0] * x[1]

    m = M()
    log = []
    m.register_full_backward_hook(lambda m, gi, go: log.append((gi, go)))
    x = leaf(torch)
    w = leaf(torch)
    m((x, w)).sum().backward()
    return log, w.grad


@case
def full_backward_inplace_in(torch):
    class M(torch.nn.Module):
        def forward(self, x):
            return x.mul_(2)

    m = M()
    m.register_full_backward_hook(lambda m, gi, go: None)
    m(leaf(torch) * 1).sum().backward()


@case
def full_backward_inplace_out(torch):
    m = net(torch)
    m.register_full_backward_hook(lambda m, gi, go: None)
    y = m(leaf(torch))
    y.add_(1)
    y.sum().backward()


@case
def full_backward_gradfn(torch):
    m = net(torch)
    m.register_full_backward_hook(lambda m, gi, go: None)
    return m(leaf(torch)).grad_fn.name()


@case
def full_backward_only_output_used_none(torch):
    class M(torch.nn.Module):
        def forward(self, x):
            return x * 2, x * 3

    m = M()
    log = []
    m.register_full_backward_hook(lambda m, gi, go: log.append((gi, go)))
    m.register_full_backward_pre_hook(lambda m, go: log.append(go))
    x = leaf(torch)
    a, b = m(x)
    b.sum().backward()
    return log


@case
def full_backward_input_is_output(torch):
    m = torch.nn.Identity()
    log = []
    m.register_full_backward_hook(lambda m, gi, go: log.append((gi, go)))
    x = leaf(torch)
    m(x).sum().backward()
    return log, x.grad


@case
def full_backward_escape(torch):
    keep = []

    class M(torch.nn.Module):
        def forward(self, x):
            keep.append(x)
            return x * 2

    m = M()
    m.register_full_backward_hook(lambda m, gi, go: None)
    x = leaf(torch)
    m(x)
    keep[0].sum().backward()


@case
def full_backward_twice(torch):
    m = net(torch)
    log = []
    m.register_full_backward_hook(lambda m, gi, go: log.append((gi, go)))
    x = leaf(torch)
    y = m(m(x.reshape(1, 3)).sum().reshape(1, 1).expand(1, 3))
    y.sum().backward()
    return log


@case
def full_backward_retain(torch):
    m = net(torch)
    log = []
    m.register_full_backward_hook(lambda m, gi, go: log.append((gi, go)))
    x = leaf(torch)
    y = m(x)
    y.sum().backward(retain_graph=True)
    y.sum().backward()
    return log


@case
def full_backward_create_graph(torch):
    class M(torch.nn.Module):
        def forward(self, x):
            return x**3

    m = M()
    log = []
    m.register_full_backward_hook(lambda m, gi, go: log.append((gi, go)))
    x = leaf(torch)
    y = m(x)
    (g,) = torch.autograd.grad(y.sum(), x, create_graph=True)
    (h,) = torch.autograd.grad(g.sum(), x)
    return log, g, h


@case
def nonfull_returns(torch):
    class M(torch.nn.Module):
        def forward(self, x):
            return x * 2

    m = M()
    m.register_backward_hook(lambda m, gi, go: tuple(None if g is None else g * 10 for g in gi))
    x = leaf(torch)
    m(x).sum().backward()
    return x.grad


@case
def nonfull_many_in(torch):
    class M(torch.nn.Module):
        def forward(self, x, y):
            return (x * 2 + y * 3).exp()

    m = M()
    m.register_backward_hook(lambda m, gi, go: None)
    x = leaf(torch)
    m(x, x * 1).sum().backward()
    return x.grad


@case
def nonfull_list_out(torch):
    class M(torch.nn.Module):
        def forward(self, x):
            return [x * 2]

    m = M()
    m.register_backward_hook(lambda m, gi, go: None)
    x = leaf(torch)
    m(x)[0].sum().backward()
    return x.grad


@case
def nonfull_multi_out(torch):
    class M(torch.nn.Module):
        def forward(self, x):
            return x * 2, x * 3

    m = M()
    m.register_backward_hook(lambda m, gi, go: None)
    x = leaf(torch)
    m(x)[0].sum().backward()
    return x.grad


@case
def mixed(torch):
    m = net(torch)
    m.register_backward_hook(lambda m, gi, go: None)
    m.register_full_backward_hook(lambda m, gi, go: None)


@case
def mixed2(torch):
    m = net(torch)
    m.register_full_backward_hook(lambda m, gi, go: None)
    m.register_backward_hook(lambda m, gi, go: None)


@case
def global_mixed(torch):
    M = torch.nn.modules.module
    h = M.register_module_full_backward_hook(lambda m, gi, go: None)
    try:
        M.register_module_backward_hook(lambda m, gi, go: None)
    finally:
        h.remove()


@case
def weight_hook(torch):
    m = net(torch)
    m.weight.register_hook(lambda g: g * 0)
    m(leaf(torch)).sum().backward()
    return m.weight.grad


@case
def module_backward_order(torch):
    nn = torch.nn
    log = []
    net = nn.Sequential(nn.Linear(3, 3), nn.ReLU(), nn.Linear(3, 1)).double()
    for n, c in net.named_modules():
        c.register_full_backward_hook(lambda m, a, b, n=n: log.append(n))
        c.register_full_backward_pre_hook(lambda m, b, n=n: log.append("pre" + n))
        c.register_forward_hook(lambda m, a, b, n=n: log.append("f" + n))
    net(leaf(torch).reshape(1, 3)).sum().backward()
    return log


@case
def hook_in_nograd(torch):
    m = net(torch)
    log = []
    m.register_full_backward_hook(lambda m, a, b: log.append(1))
    with torch.no_grad():
        y = m(leaf(torch))
    return y, log


@case
def namedtuple_out(torch):

    NT = collections.namedtuple("NT", "a b")

    class M(torch.nn.Module):
        def forward(self, x):
            return NT(x * 2, x * 3)

    m = M()
    m.register_full_backward_hook(lambda m, a, b: None)
    r = m(leaf(torch))
    return type(r).__name__


@case
def forward_hook_bad_with_inputs_requiring(torch):
    m = net(torch)
    log = []
    m.register_full_backward_hook(lambda m, gi, go: log.append((gi[0] is None, go[0] is None)))
    x = leaf(torch)
    y = m(x)
    torch.autograd.grad(y.sum(), m.weight)
    return log


@case
def grad_wrt_input_only(torch):
    m = net(torch)
    log = []
    m.register_full_backward_hook(lambda m, gi, go: log.append((gi[0] is None, go[0] is None)))
    x = leaf(torch)
    y = m(x)
    torch.autograd.grad(y.sum(), x)
    return log


@case
def ints(torch):
    class M(torch.nn.Module):
        def forward(self, x, i, b):
            return x[i] * 2 * b

    m = M()
    log = []
    m.register_full_backward_hook(lambda m, gi, go: log.append([None if g is None else (g.tolist(), str(g.dtype)) for g in gi]))
    x = torch.ones(3, requires_grad=True)
    m(x, torch.tensor([0, 1]), torch.tensor([True, False])).sum().backward()
    return log


@case
def unused_input(torch):
    class M(torch.nn.Module):
        def forward(self, x, y, z):
            return x * 2

    m = M()
    log = []
    m.register_full_backward_hook(lambda m, gi, go: log.append([None if g is None else (g.tolist(), str(g.dtype)) for g in gi]))
    x = torch.ones(3, requires_grad=True)
    y = torch.ones(2, requires_grad=True)
    m(x, y, torch.ones(1)).sum().backward()
    return log, y.grad


@case
def replace_nograd(torch):
    class M(torch.nn.Module):
        def forward(self, x, y):
            return x * y

    m = M()
    m.register_full_backward_hook(lambda m, gi, go: (gi[0] * 2, gi[1]))
    x = torch.ones(3, requires_grad=True)
    m(x, torch.ones(3)).sum().backward()
    return x.grad


@case
def replace_none(torch):
    class M(torch.nn.Module):
        def forward(self, x, y):
            return x * y

    m = M()
    m.register_full_backward_hook(lambda m, gi, go: (gi[0] * 2, None))
    x = torch.ones(3, requires_grad=True)
    y = torch.ones(3, requires_grad=True)
    m(x, y).sum().backward()
    return x.grad, y.grad


@case
def out_unused(torch):
    class M(torch.nn.Module):
        def forward(self, x):
            return x * 2, x * 3, x.detach(), x.long()

    m = M()
    log = []
    m.register_full_backward_hook(lambda m, gi, go: log.append([None if g is None else g.tolist() for g in go]))
    m.register_full_backward_pre_hook(lambda m, go: log.append([None if g is None else g.tolist() for g in go]))
    x = torch.ones(3, requires_grad=True)
    m(x)[1].sum().backward()
    return log


@case
def rnn_hook(torch):
    torch.manual_seed(0)
    m = torch.nn.LSTM(2, 3)
    log = []
    m.register_full_backward_hook(lambda m, gi, go: log.append((len(gi), len(go))))
    x = torch.ones(4, 1, 2, requires_grad=True)
    o, (h, c) = m(x)
    o.sum().backward()
    return log
