"""Blocks in which saved tensors may be changed in place."""

from __future__ import annotations

from facts import leaf

from .programs import case


@case
def mutation_nested(torch):
    G = torch.autograd.graph
    with G.allow_mutation_on_saved_tensors(), G.allow_mutation_on_saved_tensors():
        pass


@case
def mutation_view(torch):
    G = torch.autograd.graph
    with G.allow_mutation_on_saved_tensors():
        x = leaf(torch)
        a = x * 1
        y = a * a
        a[:1].mul_(100)
        b = a.view(3, 1)
        z = b * b
        a.zero_()
        (y.sum() + z.sum()).backward()
    return x.grad


@case
def mutation_leaf_nograd(torch):
    G = torch.autograd.graph
    with G.allow_mutation_on_saved_tensors():
        x = leaf(torch)
        y = x * x
        with torch.no_grad():
            x.mul_(100)
        y.sum().backward()
    return x.grad


@case
def mutation_out(torch):
    G = torch.autograd.graph
    with G.allow_mutation_on_saved_tensors():
        w = torch.ones(3, dtype=torch.float64)
        x = leaf(torch)
        y = x * w
        torch.add(w, 5, out=w)
        y.sum().backward()
    return x.grad, w


@case
def mutation_setitem(torch):
    G = torch.autograd.graph
    with G.allow_mutation_on_saved_tensors():
        x = leaf(torch)
        a = x.clone()
        y = a.sin()
        a[0] = 5.0
        y.sum().backward()
    return x.grad


@case
def mutation_twice(torch):
    G = torch.autograd.graph
    with G.allow_mutation_on_saved_tensors():
        x = leaf(torch)
        a = x.clone()
        y = a.sin()
        a.mul_(2)
        z = a.sin()
        a.mul_(2)
        (y + z + a).sum().backward()
    return x.grad


@case
def mutation_result_saved(torch):
    G = torch.autograd.graph
    with G.allow_mutation_on_saved_tensors():
        x = leaf(torch)
        a = x.exp()
        a.mul_(3)
        a.sum().backward()
    return x.grad


@case
def mutation_retain(torch):
    G = torch.autograd.graph
    with G.allow_mutation_on_saved_tensors():
        x = leaf(torch)
        a = x * 1
        y = a * a
        y.sum().backward(retain_graph=True)
        a.add_(10)
        y.sum().backward()
    return x.grad


@case
def mutation_optim(torch):
    G = torch.autograd.graph
    with G.allow_mutation_on_saved_tensors():
        w = leaf(torch)
        x = leaf(torch)
        opt = torch.optim.SGD([w], lr=1.0)
        first = (w * x).sum()
        second = (w * w * x).sum()
        first.backward()
        opt.step()
        second.backward()
    return x.grad, w.grad
