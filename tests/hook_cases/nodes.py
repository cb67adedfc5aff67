"""Hooks of several tensors, and of nodes; what nodes show."""

from __future__ import annotations

from facts import leaf

from .programs import case


@case
def multi_doc(torch):
    a = leaf(torch)
    b = leaf(torch)
    c = a * b
    d = a * b
    log = []
    torch.autograd.graph.register_multi_grad_hook((a, b, c, d), lambda g: log.append([x is not None for x in g]))
    c.sum().backward(retain_graph=True)
    c.sum().backward(inputs=(a,), retain_graph=True)
    return log


@case
def multi_any(torch):
    a = leaf(torch)
    b = a * 2
    c = b * 3
    log = []
    h = torch.autograd.graph.register_multi_grad_hook((a, b, c), lambda g: log.append(g.tolist()), mode="any")
    c.sum().backward(retain_graph=True)
    torch.autograd.grad(c.sum(), b, retain_graph=True)
    torch.autograd.grad(b.sum(), [a], retain_graph=True)
    h.remove()
    c.sum().backward()
    return log, type(h).__name__, isinstance(h, torch.utils.hooks.RemovableHandle)


@case
def multi_same_tensor_twice(torch):
    a = leaf(torch)
    log = []
    torch.autograd.graph.register_multi_grad_hook((a, a), lambda g: log.append([x is not None for x in g]))
    (a * 2).sum().backward()
    return log


@case
def multi_views_of_unbind(torch):
    a = leaf(torch)
    log = []
    x, y, z = a.unbind(0)
    torch.autograd.graph.register_multi_grad_hook((x, y, z), lambda g: log.append([None if t is None else t.item() for t in g]))
    (x * 2 + y).backward(retain_graph=True)
    (z * 2).backward()
    return log


@case
def multi_nograd_any(torch):
    torch.autograd.graph.register_multi_grad_hook((leaf(torch), torch.ones(2)), print, mode="any")


@case
def multi_empty(torch):
    h = torch.autograd.graph.register_multi_grad_hook((), print)
    h.remove()
    return "ok"


@case
def multi_bad_mode(torch):
    torch.autograd.graph.register_multi_grad_hook((leaf(torch),), print, mode="both")


@case
def multi_hook_error(torch):
    a = leaf(torch)

    def f(g):
        raise ValueError("boo")

    torch.autograd.graph.register_multi_grad_hook((a,), f)
    (a * 2).sum().backward()


@case
def multi_after_error(torch):
    a = leaf(torch)
    b = a * 2
    c = a * 3
    log = []
    torch.autograd.graph.register_multi_grad_hook((b, c), lambda g: log.append(len(g)))
    bad = [True]

    def h(g):
        if bad[0]:
            raise ValueError("x")

    a2 = b * 1
    b.register_hook(h)
    try:
        (a2 + c).sum().backward(retain_graph=True)
    except ValueError:
        log.append("err")
    bad[0] = False
    (a2 + c).sum().backward()
    return log


@case
def multi_on_inplace(torch):
    a = leaf(torch)
    b = a * 2
    log = []
    torch.autograd.graph.register_multi_grad_hook((b,), lambda g: log.append(g[0].tolist()))
    b.mul_(3)
    b.sum().backward()
    return log


@case
def multi_order_with_hooks(torch):
    a = leaf(torch)
    log = []
    a.register_hook(lambda g: log.append("t"))
    torch.autograd.graph.register_multi_grad_hook((a,), lambda g: log.append("m"))
    a.register_hook(lambda g: log.append("t2"))
    a.register_post_accumulate_grad_hook(lambda g: log.append("p"))
    (a * 2).sum().backward()
    return log


@case
def multi_sees_modified(torch):
    a = leaf(torch)
    log = []
    a.register_hook(lambda g: g * 10)
    torch.autograd.graph.register_multi_grad_hook((a,), lambda g: log.append(g[0].tolist()))
    a.register_hook(lambda g: g * 10)
    (a * 2).sum().backward()
    return log, a.grad


@case
def multi_retain(torch):
    a = leaf(torch)
    b = a * 2
    log = []
    b.retain_grad()
    torch.autograd.graph.register_multi_grad_hook((b, a), lambda g: log.append((b.grad is None, a.grad is None)))
    b.sum().backward()
    return log


@case
def multi_create_graph(torch):
    a = leaf(torch)
    b = a * a
    out = []
    torch.autograd.graph.register_multi_grad_hook((a, b), lambda g: out.extend(g))
    (b * b).sum().backward(create_graph=True)
    return [o.requires_grad for o in out]


@case
def node_eq(torch):
    a = leaf(torch)
    y = a * 2
    return (
        y.grad_fn is y.grad_fn,
        y.grad_fn == y.grad_fn,
        hash(y.grad_fn) == hash(y.grad_fn),
        y.grad_fn.next_functions[0][0] is (a * 3).grad_fn.next_functions[0][0],
    )


@case
def node_metadata_shared(torch):
    a = leaf(torch)
    y = a * 2
    y.grad_fn.metadata["a"] = 1
    return (y * 2).grad_fn.next_functions[0][0].metadata


@case
def node_input_metadata_multi(torch):
    a = leaf(torch)
    x, y, z = a.unbind(0)
    return [(tuple(m.shape), str(m.dtype)) for m in x.grad_fn._input_metadata]


@case
def node_input_metadata_max(torch):
    a = leaf(torch)
    n = a.max(0).values.grad_fn
    return [(tuple(m.shape), str(m.dtype)) for m in n._input_metadata]


@case
def node_input_metadata_fn(torch):
    class F(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2, x[:1] * 3

        @staticmethod
        def backward(ctx, a, b):
            return a

    a, b = F.apply(leaf(torch))
    return [(tuple(m.shape), str(m.dtype)) for m in a.grad_fn._input_metadata]


@case
def node_seq(torch):
    a = leaf(torch)
    y = a * 2
    z = y * 2
    acc = torch.autograd.graph.get_gradient_edge(a).node
    return z.grad_fn._sequence_nr() - y.grad_fn._sequence_nr(), acc._sequence_nr()


@case
def node_call(torch):
    a = leaf(torch)
    y = a * 2
    return y.grad_fn(torch.ones(3, dtype=torch.float64))


@case
def node_call_mul(torch):
    a = leaf(torch)
    b = leaf(torch)
    y = a * b
    return y.grad_fn(torch.ones(3, dtype=torch.float64))


@case
def node_prehook_handles(torch):
    a = leaf(torch)
    y = a * 2
    with y.grad_fn.register_prehook(lambda g: (g[0] * 5,)):
        y.sum().backward(retain_graph=True)
    y.sum().backward()
    return a.grad


@case
def acc_node_per_iteration(torch):
    a = leaf(torch)
    log = []
    for i in range(3):
        y = a * 2
        y.grad_fn.next_functions[0][0].register_hook(lambda inputs, outputs, i=i: log.append(i))
        y.sum().backward()
        del y
    return log


@case
def acc_node_held_by_graph(torch):
    a = leaf(torch)
    log = []
    y = a * 2
    y.grad_fn.next_functions[0][0].register_hook(lambda *x: log.append("p"))
    y.sum().backward(retain_graph=True)
    (a * 3).sum().backward()
    y.sum().backward(retain_graph=True)
    return log


@case
def acc_node_identity(torch):
    a = leaf(torch)
    y = a * 2
    i = id(y.grad_fn.next_functions[0][0])
    return y.grad_fn.next_functions[0][0].metadata is not None, id((a * 3).grad_fn.next_functions[0][0]) == i


@case
def acc_metadata_kept(torch):
    a = leaf(torch)
    y = a * 2
    y.grad_fn.next_functions[0][0].metadata["z"] = 1
    return (a * 3).grad_fn.next_functions[0][0].metadata


@case
def region_budget_bad(torch):
    with torch.autograd.graph.region_activation_memory_budget(2.0):
        pass


@case
def set_warn(torch):
    return torch.autograd.graph.set_warn_on_accumulate_grad_stream_mismatch(
        False
    ), torch.autograd.graph.set_warn_on_accumulate_grad_stream_mismatch(True)


@case
def set_over(torch):
    return torch.autograd.graph.set_override_stale_capture_stream(False)


@case
def set_warn_bad(torch):
    return torch.autograd.graph.set_warn_on_accumulate_grad_stream_mismatch(3)
