"""Hooks and retained gradients where graphs change: in place, during a pass, over several outputs."""

from __future__ import annotations

from facts import leaf

from .programs import case


@case
def retain_inplace_view(torch):
    x = leaf(torch)
    y = x * 2
    v = y[1:]
    v.retain_grad()
    y.retain_grad()
    v.mul_(3)
    y.sum().backward()
    return y.grad, v.grad


@case
def retain_view_base_changed(torch):
    x = leaf(torch)
    y = x * 2
    v = y[1:]
    v.retain_grad()
    v.register_hook(lambda g: g * 1)
    y.mul_(3)
    (v.sum() + y.sum()).backward()
    return v.grad, x.grad


@case
def hook_on_view_then_base(torch):
    x = leaf(torch)
    y = x * 2
    v = y.view(3)
    log = []
    v.register_hook(lambda g: log.append(("v", g.tolist())))
    y.register_hook(lambda g: log.append(("y", g.tolist())))
    y.add_(1)
    (v * 2).sum().backward()
    return log


@case
def hook_leaf_inplace_nograd_view(torch):
    x = leaf(torch)
    log = []
    x.register_hook(lambda g: log.append(g.tolist()))
    with torch.no_grad():
        x[0] = 5.0
    (x * x).sum().backward()
    return log


@case
def leaf_to_nonleaf_by_inplace(torch):
    x = torch.zeros(3, dtype=torch.float64)
    w = leaf(torch)
    log = []
    x.add_(w)
    x.register_hook(lambda g: log.append(g.tolist()))
    x.mul_(2)
    x.sum().backward()
    return log, w.grad


@case
def retain_on_leaf(torch):
    x = leaf(torch)
    x.retain_grad()
    return x.retains_grad, x.is_leaf


@case
def retain_twice(torch):
    x = leaf(torch)
    y = x * 2
    y.retain_grad()
    y.retain_grad()
    y.sum().backward()
    return y.grad


@case
def retain_after_backward(torch):
    x = leaf(torch)
    y = x * 2
    z = y.sum()
    z.backward(retain_graph=True)
    y.retain_grad()
    z.backward()
    return y.grad


@case
def retain_no_grad_tensor(torch):
    torch.ones(2).retain_grad()


@case
def retain_accumulates(torch):
    x = leaf(torch)
    y = x * 2
    y.retain_grad()
    z = y.sum()
    z.backward(retain_graph=True)
    z.backward()
    return y.grad


@case
def retain_with_hook_mod_inplace(torch):
    x = leaf(torch)
    y = x * 2
    y.retain_grad()

    def h(g):
        g.mul_(5)

    y.register_hook(h)
    y.sum().backward()
    return y.grad, x.grad


@case
def hooks_multi_output_retain(torch):
    x = leaf(torch)
    a, b = x.split([1, 2])
    a.retain_grad()
    b.retain_grad()
    log = []
    a.register_hook(lambda g: log.append(g))
    b.register_hook(lambda g: log.append(g))
    (b * 2).sum().backward()
    return a.grad, b.grad, log


@case
def grad_wrt_split_out(torch):
    x = leaf(torch)
    a, b = x.split([1, 2])
    b.register_hook(lambda g: g * 10)
    y = a.sum() * 2 + b.sum() * 3
    return torch.autograd.grad(y, [a, b], retain_graph=True), torch.autograd.grad(y, [x, b])


@case
def node_hooks_topk(torch):
    x = leaf(torch)
    v, i = x.topk(2)
    log = []
    v.grad_fn.register_hook(lambda gi, go: log.append((gi, go)))
    v.grad_fn.register_prehook(lambda go: log.append(go))
    v.sum().backward()
    return log


@case
def node_hook_inputs_none(torch):
    x = leaf(torch)
    log = []
    y = x * torch.ones(3, dtype=torch.float64)
    y.grad_fn.register_hook(lambda gi, go: log.append([g is None for g in gi]))
    y.sum().backward()
    return log


@case
def node_hook_add(torch):
    x = leaf(torch)
    w = leaf(torch)
    y = x + w
    y.grad_fn.register_hook(lambda gi, go: (gi[0] * 2, gi[1] * 3))
    y.sum().backward()
    return x.grad, w.grad


@case
def node_hook_broadcast(torch):
    x = leaf(torch)
    w = leaf(torch, 2.0)
    log = []
    y = x * w
    y.grad_fn.register_hook(lambda gi, go: log.append([tuple(g.shape) for g in gi]))
    y.sum().backward()
    return log


@case
def node_hook_matmul(torch):
    x = leaf(torch).reshape(1, 3)
    w = leaf(torch).reshape(3, 1)
    log = []
    (x @ w).grad_fn.register_hook(lambda gi, go: log.append([tuple(g.shape) for g in gi]))
    y = x @ w
    y.grad_fn.register_hook(lambda gi, go: log.append([tuple(g.shape) for g in gi]))
    y.sum().backward()
    return log


@case
def function_node_hooks(torch):
    log = []

    class F(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, y):
            return x * 2, y * 3

        @staticmethod
        def backward(ctx, a, b):
            return a * 2, b * 3

    x = leaf(torch)
    y = leaf(torch)
    a, b = F.apply(x, y)
    a.grad_fn.register_prehook(lambda go: log.append(("pre", go)))
    a.grad_fn.register_hook(lambda gi, go: log.append(("post", gi, go)))
    a.register_hook(lambda g: log.append("a"))
    b.register_hook(lambda g: log.append("b"))
    b.sum().backward()
    return log, x.grad, y.grad


@case
def hook_deletes_handle_in_other_tensor(torch):
    x = leaf(torch)
    y = x * 2
    z = y * 3
    log = []
    hs = {}
    hs["y"] = y.register_hook(lambda g: log.append("y"))
    z.register_hook(lambda g: (hs["y"].remove(), log.append("z"), None)[2])
    z.sum().backward()
    return log


@case
def hook_registers_on_earlier(torch):
    x = leaf(torch)
    y = x * 2
    z = y * 3
    log = []
    z.register_hook(lambda g: (y.register_hook(lambda g: log.append("y")), None)[1])
    z.sum().backward()
    return log


@case
def hook_registers_on_leaf_during(torch):
    x = leaf(torch)
    y = x * 2
    log = []
    y.register_hook(lambda g: (x.register_hook(lambda g: log.append("x")), None)[1])
    y.sum().backward()
    return log


@case
def hook_post_acc_during(torch):
    x = leaf(torch)
    y = x * 2
    log = []
    y.register_hook(lambda g: (x.register_post_accumulate_grad_hook(lambda g: log.append("x")), None)[1])
    y.sum().backward()
    return log


@case
def retain_during(torch):
    x = leaf(torch)
    y = x * 2
    z = y * 3
    z.register_hook(lambda g: y.retain_grad())
    z.sum().backward()
    return y.grad


@case
def optimizer_in_backward(torch):
    ps = [leaf(torch) for _ in range(2)]
    opts = {p: torch.optim.SGD([p], lr=0.1) for p in ps}

    def h(p):
        opts[p].step()
        opts[p].zero_grad()

    for p in ps:
        p.register_post_accumulate_grad_hook(h)
    (ps[0] * ps[1]).sum().backward()
    return [p for p in ps], [p.grad for p in ps]


@case
def shared_leaf_post_acc_count(torch):
    w = leaf(torch)
    n = []
    w.register_post_accumulate_grad_hook(lambda p: n.append(p.grad.clone()))
    y = w * 2 + w * 3
    y = y * w
    y.sum().backward()
    return n


@case
def post_acc_multiple_passes(torch):
    w = leaf(torch)
    n = []
    w.register_post_accumulate_grad_hook(lambda p: n.append(p.grad.clone()))
    for _ in range(2):
        (w * 2).sum().backward()
    return n


@case
def hook_raise_state(torch):
    w = leaf(torch)
    y = w * 2
    h = y.register_hook(lambda g: 1 / 0)
    try:
        y.sum().backward(retain_graph=True)
    except ZeroDivisionError:
        pass
    h.remove()
    y.sum().backward()
    return w.grad


@case
def hook_in_hook_backward(torch):
    w = leaf(torch)
    v = leaf(torch)
    log = []

    def h(g):
        with torch.enable_grad():
            (v * v).sum().backward()
        log.append(v.grad.tolist())

    w.register_hook(h)
    (w * 2).sum().backward()
    return log, w.grad


@case
def hook_same_graph_backward(torch):
    w = leaf(torch)
    y = w * w
    z = y.sum()
    u = (w * 3).sum()
    y.register_hook(lambda g: u.backward())
    z.backward()
    return w.grad


@case
def multi_hook_grad_mode(torch):
    w = leaf(torch)
    log = []
    torch.autograd.graph.register_multi_grad_hook((w,), lambda g: log.append(torch.is_grad_enabled()))
    (w * 2).sum().backward()
    return log


@case
def is_node_instances(torch):
    x = leaf(torch)
    N = torch.autograd.graph.Node

    class F(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return g

    return (
        isinstance((x * 2).grad_fn, N),
        isinstance(F.apply(x).grad_fn, N),
        isinstance(torch.autograd.graph.get_gradient_edge(x).node, N),
        isinstance(3, N),
        issubclass(int, N),
    )


@case
def fn_node_attrs(torch):
    class F(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.foo = 3
            ctx.save_for_backward(x)
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return g

    y = F.apply(leaf(torch))
    n = y.grad_fn
    n.metadata["a"] = 1
    return n.foo, n.name(), n.metadata, len(n.next_functions), n.saved_tensors[0], n._sequence_nr() >= 0


@case
def hooks_grads_batched(torch):
    x = leaf(torch)
    y = x * x
    log = []
    y.register_hook(lambda g: log.append(tuple(g.shape)))
    r = torch.autograd.grad(y, x, torch.eye(3, dtype=torch.float64), is_grads_batched=True)
    return log, r


@case
def complex_hook(torch):
    x = torch.tensor([1 + 2j], requires_grad=True)
    y = x * x
    y.register_hook(lambda g: g * 2)
    y.abs().sum().backward()
    return x.grad


@case
def param_hook_module(torch):
    torch.manual_seed(0)
    m = torch.nn.Linear(2, 2)
    log = []
    for n, p in m.named_parameters():
        p.register_hook(lambda g, n=n: log.append(n))
    m(torch.ones(1, 2)).sum().backward()
    return sorted(log)
