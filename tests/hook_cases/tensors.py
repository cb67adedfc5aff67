"""Hooks of tensors and leaves: order, what they return, removal, changes in place."""

from __future__ import annotations

import copy

from facts import leaf

from .programs import case


@case
def order_all(torch):
    log = []
    x = leaf(torch)
    y = x * x
    y.register_hook(lambda g: log.append("t1"))
    y.grad_fn.register_prehook(lambda g: log.append("pre1"))
    y.register_hook(lambda g: log.append("t2"))
    y.retain_grad()
    y.grad_fn.register_hook(lambda a, b: log.append("post"))
    acc = torch.autograd.graph.get_gradient_edge(x).node
    acc.register_prehook(lambda g: log.append("accpre"))
    acc.register_hook(lambda a, b: log.append(("accpost", len(a), len(b))))
    x.register_hook(lambda g: log.append("x1"))
    x.register_post_accumulate_grad_hook(lambda t: log.append("postacc"))
    x.register_hook(lambda g: log.append("x2"))
    y.sum().backward()
    return log, y.grad


@case
def retain_before_hook(torch):
    x = leaf(torch)
    y = x * 2
    y.retain_grad()
    y.register_hook(lambda g: g * 10)
    y.sum().backward()
    return y.grad, x.grad


@case
def retain_between_hooks(torch):
    x = leaf(torch)
    y = x * 2
    y.register_hook(lambda g: g * 10)
    y.retain_grad()
    y.register_hook(lambda g: g * 10)
    y.retain_grad()
    y.sum().backward()
    return y.grad, x.grad


@case
def grad_hook_on_y(torch):
    x = leaf(torch)
    y = x * 2
    z = y * 3
    y.register_hook(lambda g: g * 10)
    a, b = torch.autograd.grad(z.sum(), [x, y])
    return a, b


@case
def grad_hook_on_y_only(torch):
    x = leaf(torch)
    y = x * 2
    z = y * 3
    y.register_hook(lambda g: g * 10)
    return torch.autograd.grad(z.sum(), y)


@case
def grad_prehook_on_y(torch):
    x = leaf(torch)
    y = x * 2
    z = y * 3
    log = []

    def pre(g):
        log.append("pre")
        return (g[0] * 10,)

    y.grad_fn.register_prehook(pre)
    r = torch.autograd.grad(z.sum(), [x, y], retain_graph=True)
    r2 = torch.autograd.grad(z.sum(), [y])
    return r, r2, log


@case
def grad_posthook(torch):
    x = leaf(torch)
    y = x * 2
    z = y * 3
    log = []
    z.grad_fn.register_hook(lambda a, b: log.append(("z", a, b)))
    y.grad_fn.register_hook(lambda a, b: log.append(("y", a, b)))
    r2 = torch.autograd.grad(z.sum(), [y])
    return r2, log


@case
def leaf_hook_in_grad(torch):
    x = leaf(torch)
    log = []
    x.register_hook(lambda g: g * 5)
    x.register_post_accumulate_grad_hook(lambda t: log.append("pa"))
    torch.autograd.graph.get_gradient_edge(x).node.register_prehook(lambda g: log.append("pre"))
    torch.autograd.graph.get_gradient_edge(x).node.register_hook(lambda g, h: log.append("post"))
    return torch.autograd.grad((x * 2).sum(), x), log


@case
def leaf_prehook_in_grad_held(torch):
    x = leaf(torch)
    log = []
    node = torch.autograd.graph.get_gradient_edge(x).node

    def pre(g):
        log.append("pre")
        return (g[0] * 7,)

    node.register_prehook(pre)
    node.register_hook(lambda g, h: log.append("post"))
    y = x * 2
    a = torch.autograd.grad(y.sum(), x, retain_graph=True)
    y.sum().backward()
    return a, x.grad, log


@case
def leaf_hook_inputs(torch):
    x = leaf(torch)
    w = leaf(torch, 4.0, 5.0, 6.0)
    log = []
    x.register_hook(lambda g: log.append("x"))
    w.register_hook(lambda g: log.append("w"))
    w.register_post_accumulate_grad_hook(lambda g: log.append("pw"))
    x.register_post_accumulate_grad_hook(lambda g: log.append("px"))
    (x * w).sum().backward(inputs=[x])
    return log, x.grad, w.grad


@case
def nonleaf_hook_inputs(torch):
    x = leaf(torch)
    y = x * 2
    log = []
    y.register_hook(lambda g: log.append("y"))
    y.grad_fn.register_prehook(lambda g: log.append("pre"))
    y.grad_fn.register_hook(lambda a, b: log.append("post"))
    (y * 3).sum().backward(inputs=[y])
    return log, x.grad, y.grad


@case
def inplace_hook_moves(torch):
    x = leaf(torch)
    log = []
    y = x * 2
    y.register_hook(lambda g: log.append(("old", g.tolist())))
    y.mul_(3)
    y.register_hook(lambda g: log.append(("new", g.tolist())))
    y.retain_grad()
    y.exp_()
    y.register_hook(lambda g: log.append(("newer", g.tolist())))
    y.sum().backward()
    return log, y.grad


@case
def inplace_backward_hooks_attr(torch):
    x = leaf(torch)
    y = x * 2
    y.register_hook(lambda g: None)
    a = y._backward_hooks is None
    y.mul_(3)
    b = y._backward_hooks is None
    y.register_hook(lambda g: None)
    return a, b, len(y._backward_hooks)


@case
def removal_after_inplace(torch):
    x = leaf(torch)
    log = []
    y = x * 2
    h = y.register_hook(lambda g: log.append("old"))
    y.mul_(3)
    h.remove()
    y.sum().backward()
    return log


@case
def hook_removal_in_pass(torch):
    x = leaf(torch)
    log = []
    y = x * 2
    hs = []

    def first(g):
        log.append("a")
        hs[0].remove()
        hs[1].remove()

    hs.append(y.register_hook(first))
    hs.append(y.register_hook(lambda g: log.append("b")))
    y.register_hook(lambda g: log.append("c"))
    y.sum().backward(retain_graph=True)
    y.sum().backward()
    return log


@case
def hook_removal_in_pass_other_node(torch):
    x = leaf(torch)
    log = []
    y = x * 2
    z = y * 2
    h = y.register_hook(lambda g: log.append("y"))

    def first(g):
        log.append("z")
        h.remove()

    z.register_hook(first)
    z.sum().backward()
    return log


@case
def node_hook_removal_in_pass(torch):
    x = leaf(torch)
    log = []
    y = x * 2
    hs = []

    def pre(g):
        log.append("a")
        hs[0].remove()
        hs[1].remove()

    hs.append(y.grad_fn.register_prehook(pre))
    hs.append(y.grad_fn.register_prehook(lambda g: log.append("b")))
    y.sum().backward(retain_graph=True)
    y.sum().backward()
    return log


@case
def post_acc_removal_in_pass(torch):
    x = leaf(torch)
    log = []
    hs = []

    def pre(g):
        log.append("a")
        hs[0].remove()
        hs[1].remove()

    hs.append(x.register_post_accumulate_grad_hook(pre))
    hs.append(x.register_post_accumulate_grad_hook(lambda g: log.append("b")))
    (x * 2).sum().backward()
    (x * 2).sum().backward()
    return log


@case
def hook_same_twice(torch):
    x = leaf(torch)
    y = x * 2
    log = []

    def f(g):
        return log.append(1)

    y.register_hook(f)
    y.register_hook(f)
    y.sum().backward()
    return log


@case
def hook_no_grad(torch):
    torch.ones(2).register_hook(lambda g: None)


@case
def hook_leaf_then_nograd_turn(torch):
    x = leaf(torch)
    log = []
    x.register_hook(lambda g: log.append("x"))
    x.requires_grad_(False)
    x.requires_grad_(True)
    (x * 2).sum().backward()
    return log, len(x._backward_hooks)


@case
def deepcopy_with_hooks(torch):

    x = leaf(torch)
    log = []
    x.register_hook(lambda g: log.append("x"))
    z = copy.deepcopy(x)
    (z * 2).sum().backward()
    return log


@case
def deepcopy_with_retain(torch):

    x = leaf(torch)
    log = []
    x.register_post_accumulate_grad_hook(lambda g: log.append("x"))
    z = copy.deepcopy(x)
    (z * 2).sum().backward()
    return log


@case
def none_in_hook(torch):
    log = []
    x = leaf(torch)
    a, b = x.unbind(0)[:2]
    a.register_hook(lambda g: log.append(g is None))
    b.register_hook(lambda g: log.append(g is None))
    (b * 2).backward()
    return log


@case
def none_hook_returns(torch):
    x = leaf(torch)
    a, b, c = x.unbind(0)
    a.register_hook(lambda g: torch.tensor(5.0, dtype=torch.float64))
    (b * 2).backward()
    return x.grad


@case
def post_acc_returns(torch):
    x = leaf(torch)
    x.register_post_accumulate_grad_hook(lambda t: t)
    (x * 2).sum().backward()


@case
def post_acc_on_nonleaf(torch):
    (leaf(torch) * 2).register_post_accumulate_grad_hook(lambda t: t)


@case
def post_acc_nograd(torch):
    torch.ones(2).register_post_accumulate_grad_hook(lambda t: t)


@case
def hook_mode(torch):
    x = leaf(torch)
    log = []
    y = x * x
    y.register_hook(lambda g: log.append(torch.is_grad_enabled()))
    x.register_post_accumulate_grad_hook(lambda g: log.append(torch.is_grad_enabled()))
    x.register_hook(lambda g: log.append(torch.is_grad_enabled()))
    y.grad_fn.register_hook(lambda a, b: log.append(torch.is_grad_enabled()))
    y.grad_fn.register_prehook(lambda a: log.append(torch.is_grad_enabled()))
    y.sum().backward(retain_graph=True)
    y.sum().backward(create_graph=True)
    return log


@case
def hook_changes_shape(torch):
    x = leaf(torch)
    y = x * 2
    y.register_hook(lambda g: g[:1])
    y.sum().backward()


@case
def hook_changes_type(torch):
    x = leaf(torch)
    y = x * 2
    y.register_hook(lambda g: g.float())
    y.sum().backward()


@case
def hook_returns_int_tensor(torch):
    x = leaf(torch)
    y = x * 2
    y.register_hook(lambda g: torch.ones(3, dtype=torch.int64))
    y.sum().backward()


@case
def hook_lambda_name(torch):
    x = leaf(torch)
    y = x * 2

    def my_hook(g):
        return g[:1]

    y.register_hook(my_hook)
    y.sum().backward()


class _C:
    def __call__(self, g):
        return g[:1]


@case
def hook_obj_name(torch):
    x = leaf(torch)
    y = x * 2
    y.register_hook(_C())
    y.sum().backward()
