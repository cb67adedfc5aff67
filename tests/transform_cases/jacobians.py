"""Jacobians, Hessians, linearize: arguments, results, errors."""

from __future__ import annotations

from .programs import batch, case, vector


@case
def jacobians(torch):
    x = vector(torch)
    def f(x):
        return torch.outer(x.sin(), x)
    return torch.func.jacrev(f)(x), torch.func.jacfwd(f)(x)


@case
def jacobians_of_trees(torch):
    tree = {"a": vector(torch), "b": [batch(torch)]}
    def f(d):
        return (d["a"] * d["b"][0], {"s": d["b"][0].sum(1)})
    return torch.func.jacrev(f)(tree), torch.func.jacfwd(f)(tree)


@case
def jacobians_argnums(torch):
    x, y = vector(torch), vector(torch) + 1
    def f(a, b):
        return a * b.sum()
    return [[j(f, argnums=n)(x, y) for n in (0, 1, (0,), (0, 1), (1, 0))] for j in (torch.func.jacrev, torch.func.jacfwd)]


@case
def jacobians_with_aux(torch):
    x = vector(torch)
    def f(x):
        return (x * x, {"a": x + 1})
    return torch.func.jacrev(f, has_aux=True)(x), torch.func.jacfwd(f, has_aux=True)(x)


@case
def jacobian_of_a_scalar(torch):
    x = vector(torch)
    return torch.func.jacrev(torch.sum)(x), torch.func.jacfwd(torch.sum)(x), torch.func.jacrev(torch.sin)(x[0])


@case
def jacobian_chunks(torch):
    x = batch(torch)
    return [torch.func.jacrev(lambda x: x.sin().sum(0), chunk_size=n)(x) for n in (1, 2, 3, 100)]


@case
def jacobian_preallocated(torch):
    x = vector(torch)
    return torch.func.jacrev(lambda x: (x.sin(), x.sum()), chunk_size=2, _preallocate_and_copy=True)(x)


@case
def jacobian_chunk_zero(torch):
    return torch.func.jacrev(torch.sin, chunk_size=0)(vector(torch))


@case
def jacrev_of_a_number(torch):
    return torch.func.jacrev(lambda x: 3.0)(vector(torch))


@case
def jacfwd_of_a_number(torch):
    return torch.func.jacfwd(lambda x: 3.0)(vector(torch))


@case
def jacrev_of_nothing(torch):
    return torch.func.jacrev(lambda x: ())(vector(torch))


@case
def jacfwd_at_integers(torch):
    return torch.func.jacfwd(lambda x: x * 2)(torch.tensor([1, 2]))


@case
def jacrev_at_integers(torch):
    return torch.func.jacrev(lambda x: x * 2)(torch.tensor([1, 2]))


@case
def jacrev_argnums_wrong(torch):
    return torch.func.jacrev(torch.sin, argnums=2)(vector(torch))


@case
def jacfwd_argnums_wrong(torch):
    return torch.func.jacfwd(torch.sin, argnums=2)(vector(torch))


@case
def jacobian_of_mixed_types(torch):
    x = vector(torch)
    def f(a, b):
        return a * b
    y = (x + 1).float()
    return [str(one.dtype) for j in (torch.func.jacrev, torch.func.jacfwd) for one in j(f, (0, 1))(x, y)]


@case
def jacobian_complex(torch):
    z = vector(torch) * (1 + 2j)
    return torch.func.jacrev(lambda z: z * z)(z), torch.func.jacfwd(lambda z: z * z)(z)


@case
def jacobian_random_inside(torch):
    return torch.func.jacfwd(lambda x: x * torch.rand(3, dtype=torch.float64))(vector(torch))


@case
def jacobian_random_inside_allowed(torch):
    torch.manual_seed(0)
    def f(x):
        return x * torch.rand(3, dtype=torch.float64)
    return torch.func.jacfwd(f, randomness="same")(vector(torch)), torch.func.jacfwd(f, randomness="different")(vector(torch))


@case
def jacrev_random_inside(torch):
    torch.manual_seed(0)
    return torch.func.jacrev(lambda x: x * torch.rand(3, dtype=torch.float64))(vector(torch))


@case
def hessians(torch):
    x = vector(torch)
    def f(x):
        return (x.exp() * x.sum()).sum()
    h = torch.func
    return [h.hessian(f)(x), h.jacfwd(h.jacfwd(f))(x), h.jacrev(h.jacrev(f))(x), h.jacrev(h.jacfwd(f))(x), h.jacrev(h.grad(f))(x)]


@case
def hessian_argnums(torch):
    x, y = vector(torch), vector(torch) + 1
    return torch.func.hessian(lambda a, b: (a * b * b).sum(), argnums=(0, 1))(x, y)


@case
def hessian_tree(torch):
    return torch.func.hessian(lambda d: (d["a"] * d["a"] * d["b"]).sum())({"a": vector(torch), "b": vector(torch) + 1})


@case
def hessian_of_a_vector(torch):
    return torch.func.hessian(lambda x: x**3)(vector(torch))


@case
def hvp(torch):
    x, v = vector(torch), torch.ones(3, dtype=torch.float64)
    def f(x):
        return x.sin().sum() * x.sum()
    forward_over_reverse = torch.func.jvp(torch.func.grad(f), (x,), (v,))[1]
    _, pull = torch.func.vjp(torch.func.grad(f), x)
    return forward_over_reverse, pull(v)[0]


@case
def linearized(torch):
    x = vector(torch)
    out, push = torch.func.linearize(lambda x: x.sin() * x.sum(), x)
    return out, push(x), push(torch.ones_like(x)), torch.func.vmap(push)(torch.eye(3, dtype=torch.float64))


@case
def linearized_once(torch):
    runs = []

    def f(x):
        runs.append(1)
        return x.sin() * x

    x = vector(torch)
    _, push = torch.func.linearize(f, x)
    before = len(runs)
    push(x), push(x)
    return len(runs) - before


@case
def linearized_of_several(torch):
    x = vector(torch)
    out, push = torch.func.linearize(lambda a, b: {"p": a * b["c"], "q": (a.sum(),)}, x, {"c": x + 1})
    return out, push(x, {"c": x * 2})


@case
def linearized_with_a_constant(torch):
    x = vector(torch)
    out, push = torch.func.linearize(lambda x: (x * 2, torch.ones(2)), x)
    return out, push(x)


@case
def linearized_wrong_tangent(torch):
    _, push = torch.func.linearize(torch.sin, vector(torch))
    return push(vector(torch)[:2])


@case
def linearized_wrong_structure(torch):
    _, push = torch.func.linearize(torch.sin, vector(torch))
    return push((vector(torch),))


@case
def linearized_wrong_type(torch):
    _, push = torch.func.linearize(torch.sin, vector(torch))
    return push(vector(torch).float())


