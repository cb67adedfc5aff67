"""Hooks around forward: order, keyword arguments, errors, registration, removal."""

from __future__ import annotations

import copy
import pickle

from facts import leaf

from .programs import case, net


@case
def order_forward(torch):
    m = net(torch)
    log = []
    nn = torch.nn
    g = [
        nn.modules.module.register_module_forward_pre_hook(lambda m, a: log.append("gpre")),
        nn.modules.module.register_module_forward_hook(lambda m, a, o: log.append("gpost")),
        nn.modules.module.register_module_full_backward_pre_hook(lambda m, go: log.append("gbpre")),
        nn.modules.module.register_module_full_backward_hook(lambda m, gi, go: log.append("gb")),
    ]
    m.register_forward_pre_hook(lambda m, a: log.append("p1"))
    m.register_forward_pre_hook(lambda m, a: log.append("p0"), prepend=True)
    m.register_forward_hook(lambda m, a, o: log.append("f1"))
    m.register_forward_hook(lambda m, a, o: log.append("f0"), prepend=True)
    m.register_full_backward_pre_hook(lambda m, g: log.append("bp1"))
    m.register_full_backward_pre_hook(lambda m, g: log.append("bp0"), prepend=True)
    m.register_full_backward_hook(lambda m, a, o: log.append("b1"))
    m.register_full_backward_hook(lambda m, a, o: log.append("b0"), prepend=True)
    m(leaf(torch)).sum().backward()
    for h in g:
        h.remove()
    return log


@case
def kwargs_hooks(torch):
    class M(torch.nn.Module):
        def forward(self, x, *, k=1.0):
            return x * k

    m = M()
    log = []
    m.register_forward_pre_hook(lambda m, a, k: (a, {"k": k["k"] * 2}), with_kwargs=True)
    m.register_forward_pre_hook(lambda m, a: log.append(len(a)))
    m.register_forward_hook(lambda m, a, k, o: log.append(sorted(k.items())), with_kwargs=True)
    m.register_forward_hook(lambda m, a, o: log.append(len(a)))
    return m(leaf(torch), k=3.0), log


@case
def kwargs_bad(torch):
    m = net(torch)
    m.register_forward_pre_hook(lambda m, a, k: a, with_kwargs=True)
    m(leaf(torch))


@case
def pre_returns_single(torch):
    m = net(torch)
    m.register_forward_pre_hook(lambda m, a: a[0] * 2)
    return m(leaf(torch))


@case
def pre_returns_list(torch):
    m = net(torch)
    m.register_forward_pre_hook(lambda m, a: [a[0] * 2])
    return m(leaf(torch))


@case
def forward_returns(torch):
    m = net(torch)
    m.register_forward_hook(lambda m, a, o: o * 2)
    return m(leaf(torch))


@case
def always_call(torch):
    class M(torch.nn.Module):
        def forward(self, x):
            raise ValueError("inside")

    m = M()
    log = []
    m.register_forward_hook(lambda m, a, o: log.append(("n", o)))
    m.register_forward_hook(lambda m, a, o: log.append(("a", o)), always_call=True)
    try:
        m(leaf(torch))
    except ValueError as e:
        log.append(str(e))
    return log


@case
def always_call_fails(torch):
    class M(torch.nn.Module):
        def forward(self, x):
            raise ValueError("inside")

    m = M()
    log = []

    def bad(m, a, o):
        raise RuntimeError("in hook")

    m.register_forward_hook(bad, always_call=True)
    try:
        m(leaf(torch))
    except ValueError as e:
        log.append(str(e))
    return log


@case
def always_call_hook_error_first(torch):
    m = net(torch)
    log = []

    def bad(m, a, o):
        raise RuntimeError("in hook")

    m.register_forward_hook(bad)
    m.register_forward_hook(lambda m, a, o: log.append("a"), always_call=True)
    try:
        m(leaf(torch))
    except RuntimeError as e:
        log.append(str(e))
    return log


@case
def always_call_itself_errors(torch):
    m = net(torch)
    log = []

    def bad(m, a, o):
        log.append("x")
        raise RuntimeError("in hook")

    m.register_forward_hook(bad, always_call=True)
    try:
        m(leaf(torch))
    except RuntimeError as e:
        log.append(str(e))
    return log


@case
def global_kwargs(torch):
    M = torch.nn.modules.module
    log = []
    h = M.register_module_forward_hook(lambda m, a, k, o: log.append((len(a), len(k))), with_kwargs=True)
    try:
        net(torch)(leaf(torch))
        net(torch)(input=leaf(torch))
    finally:
        h.remove()
    return log


@case
def global_always(torch):
    M = torch.nn.modules.module
    log = []

    class Mo(torch.nn.Module):
        def forward(self, x):
            raise ValueError("in")

    h = M.register_module_forward_hook(lambda m, a, o: log.append(o), always_call=True)
    try:
        try:
            Mo()(leaf(torch))
        except ValueError:
            log.append("err")
    finally:
        h.remove()
    return log


@case
def global_reg(torch):
    M = torch.nn.modules.module
    log = []
    hs = [
        M.register_module_parameter_registration_hook(lambda m, n, p: log.append(("p", n))),
        M.register_module_buffer_registration_hook(lambda m, n, p: log.append(("b", n))),
        M.register_module_module_registration_hook(lambda m, n, p: log.append(("m", n))),
    ]
    try:
        torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.BatchNorm1d(2))
    finally:
        for h in hs:
            h.remove()
    return log


@case
def removal(torch):
    m = net(torch)
    log = []
    h = m.register_forward_hook(lambda m, a, o: log.append(1))
    m(leaf(torch))
    h.remove()
    m(leaf(torch))
    h.remove()
    return log, len(m._forward_hooks)


@case
def removal_inside(torch):
    m = net(torch)
    log = []
    hs = []
    hs.append(m.register_forward_hook(lambda m, a, o: (log.append(1), hs[0].remove(), None)[2]))
    m(leaf(torch))
    m(leaf(torch))
    return log


@case
def removal_inside_next(torch):
    m = net(torch)
    log = []
    hs = []
    hs.append(m.register_forward_hook(lambda m, a, o: (log.append(1), hs[1].remove(), None)[2]))
    hs.append(m.register_forward_hook(lambda m, a, o: log.append(2)))
    m(leaf(torch))
    m(leaf(torch))
    return log


@case
def added_inside(torch):
    m = net(torch)
    log = []

    def f(m, a, o):
        log.append("f")
        m.register_forward_hook(lambda m, a, o: log.append("new"))

    m.register_forward_hook(f)
    m(leaf(torch))
    return log


@case
def deepcopy(torch):

    m = net(torch)
    log = []
    m.register_forward_hook(lambda m, a, o: log.append(1))
    copy.deepcopy(m)(leaf(torch))
    return log


@case
def state_dict_hooks(torch):
    m = net(torch)
    log = []
    m.register_state_dict_pre_hook(lambda m, p, k: log.append("pre"))
    m.register_state_dict_post_hook(lambda m, sd, p, lm: log.append("post"))
    m.register_load_state_dict_pre_hook(lambda m, sd, p, *a: log.append("lpre"))
    m.register_load_state_dict_post_hook(lambda m, ik: log.append("lpost"))
    m.load_state_dict(m.state_dict())
    return log


@case
def deepcopy_nonleaf(torch):
    x = leaf(torch)
    copy.deepcopy(x * 2)


@case
def pickle_handle(torch):
    m = torch.nn.Linear(1, 1)
    h = m.register_forward_hook(print)
    h2 = pickle.loads(pickle.dumps(h))
    return h2.id == h.id


@case
def module_deepcopy_hooks_independent(torch):
    log = []
    m = torch.nn.Linear(1, 1)
    h = m.register_forward_hook(lambda *a: log.append(1))
    c = copy.deepcopy(m)
    h.remove()
    c(torch.ones(1))
    m(torch.ones(1))
    return log
