"""Gradient edges as outputs and inputs of passes."""

from __future__ import annotations

from facts import leaf

from .programs import case


@case
def edge_basics(torch):
    a = leaf(torch)
    y = a * 2
    e = torch.autograd.graph.get_gradient_edge(y)
    return (
        type(e).__name__,
        e._fields,
        len(e),
        e.output_nr,
        e.node is y.grad_fn,
        e[0] is y.grad_fn,
        e.ownership_token is None,
        isinstance(e, tuple),
    )


@case
def edge_leaf(torch):
    a = leaf(torch)
    e = torch.autograd.graph.get_gradient_edge(a)
    return type(e.node).__name__, e.output_nr, len(e)


@case
def edge_eq_hash(torch):
    a = leaf(torch)
    y = a * 2
    e = torch.autograd.graph.get_gradient_edge(y)
    f = torch.autograd.graph.get_gradient_edge(y)
    return e == f, hash(e) == hash(f), e in {f}


@case
def edge_by_hand(torch):
    a = leaf(torch)
    y = a * 2
    z = y * y
    e = torch.autograd.graph.GradientEdge(y.grad_fn, 0)
    return torch.autograd.grad(z.sum(), e)


@case
def edge_by_hand_out(torch):
    a = leaf(torch)
    y = (a * 2).sum()
    e = torch.autograd.graph.GradientEdge(y.grad_fn, 0)
    return torch.autograd.grad(e, a)


@case
def edge_by_hand_out_vec(torch):
    a = leaf(torch)
    y = a * 2
    e = torch.autograd.graph.GradientEdge(y.grad_fn, 0)
    return torch.autograd.grad(e, a)


@case
def edge_by_hand_out_grad(torch):
    a = leaf(torch)
    y = a * 2
    e = torch.autograd.graph.GradientEdge(y.grad_fn, 0)
    return torch.autograd.grad(e, a, grad_outputs=(torch.ones(3, dtype=torch.float64),))


@case
def edge_by_hand_badshape(torch):
    a = leaf(torch)
    y = a * 2
    e = torch.autograd.graph.GradientEdge(y.grad_fn, 0)
    return torch.autograd.grad(e, a, grad_outputs=(torch.ones(2, dtype=torch.float64),))


@case
def edge_get_badshape(torch):
    a = leaf(torch)
    y = a * 2
    e = torch.autograd.graph.get_gradient_edge(y)
    return torch.autograd.grad(e, a, grad_outputs=(torch.ones(2, dtype=torch.float64),))


@case
def edge_get_badtype(torch):
    a = leaf(torch)
    y = a * 2
    e = torch.autograd.graph.get_gradient_edge(y)
    return torch.autograd.grad(e, a, grad_outputs=(torch.ones(3),))


@case
def edge_vec_noshape(torch):
    a = leaf(torch)
    y = a * 2
    e = torch.autograd.graph.get_gradient_edge(y)
    return torch.autograd.grad(e, a)


@case
def edge_multi_out(torch):
    a = leaf(torch)
    x, y, z = a.unbind(0)
    e = torch.autograd.graph.get_gradient_edge(y)
    return e.output_nr, torch.autograd.grad((y * 5).sum(), e), torch.autograd.grad(e, a)


@case
def edge_by_hand_unbind(torch):
    a = leaf(torch)
    x, y, z = a.unbind(0)
    e = torch.autograd.graph.GradientEdge(y.grad_fn, 2)
    return torch.autograd.grad(e, a)


@case
def edge_from_next_functions(torch):
    a = leaf(torch)
    y = a * 2
    z = y * y
    e = torch.autograd.graph.GradientEdge(*z.grad_fn.next_functions[0])
    return torch.autograd.grad(z.sum(), e)


@case
def edge_from_next_functions_leaf(torch):
    a = leaf(torch)
    y = a * 2
    e = torch.autograd.graph.GradientEdge(*y.grad_fn.next_functions[0])
    return torch.autograd.grad(y.sum(), e)


@case
def edge_backward(torch):
    a = leaf(torch)
    y = (a * 2).sum()
    e = torch.autograd.graph.get_gradient_edge(y)
    del y
    torch.autograd.backward(e)
    return a.grad


@case
def edge_backward_inputs(torch):
    a = leaf(torch)
    b = leaf(torch)
    y = (a * b).sum()
    e = torch.autograd.graph.get_gradient_edge(a)
    y.backward(inputs=[e])
    return a.grad, b.grad


@case
def edge_backward_inputs_nonleaf(torch):
    a = leaf(torch)
    b = a * 2
    y = (b * b).sum()
    e = torch.autograd.graph.get_gradient_edge(b)
    y.backward(inputs=[e])
    return a.grad, b.grad


@case
def edge_backward_inputs_single(torch):
    a = leaf(torch)
    b = leaf(torch)
    y = (a * b).sum()
    e = torch.autograd.graph.get_gradient_edge(a)
    y.backward(inputs=e)
    return a.grad, b.grad


@case
def edge_nograd(torch):
    torch.autograd.graph.get_gradient_edge(torch.ones(2))


@case
def edge_nottensor(torch):
    torch.autograd.graph.get_gradient_edge(3)


@case
def edge_materialize(torch):
    a = leaf(torch)
    b = leaf(torch)
    e = torch.autograd.graph.get_gradient_edge(b * 2)
    return torch.autograd.grad((a * 2).sum(), e, allow_unused=True, materialize_grads=True)


@case
def edge_unused(torch):
    a = leaf(torch)
    b = leaf(torch)
    e = torch.autograd.graph.get_gradient_edge(b * 2)
    return torch.autograd.grad((a * 2).sum(), e, allow_unused=True)


@case
def edge_unused_err(torch):
    a = leaf(torch)
    b = leaf(torch)
    e = torch.autograd.graph.get_gradient_edge(b * 2)
    return torch.autograd.grad((a * 2).sum(), e)


@case
def edge_isgradsbatched(torch):
    a = leaf(torch)
    y = a * 2
    e = torch.autograd.graph.get_gradient_edge(y)
    return torch.autograd.grad(e, a, grad_outputs=torch.eye(3, dtype=torch.float64), is_grads_batched=True)


@case
def edge_create_graph(torch):
    a = leaf(torch)
    y = a * a * a
    e = torch.autograd.graph.get_gradient_edge(y)
    (g,) = torch.autograd.grad(e, a, grad_outputs=torch.ones(3, dtype=torch.float64), create_graph=True)
    return g, torch.autograd.grad(g.sum(), a)


@case
def edge_freed(torch):
    a = leaf(torch)
    y = a * a
    e = torch.autograd.graph.get_gradient_edge(y)
    y.sum().backward()
    torch.autograd.grad(e, a, grad_outputs=torch.ones(3, dtype=torch.float64))


@case
def edge_mixed(torch):
    a = leaf(torch)
    y = a * a
    z = a * 2
    e = torch.autograd.graph.get_gradient_edge(y)
    return torch.autograd.grad([e, z], [a], [torch.ones(3, dtype=torch.float64)] * 2)


@case
def increment_version(torch):
    a = torch.ones(3)
    b = a[:1]
    torch.autograd.graph.increment_version(a)
    torch.autograd.graph.increment_version([a, b])
    return a._version, b._version


@case
def increment_bad(torch):
    torch.autograd.graph.increment_version(3)


@case
def increment_bad2(torch):
    torch.autograd.graph.increment_version([3])
