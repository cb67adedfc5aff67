"""grad, vjp, jvp: arguments, results, errors."""

from __future__ import annotations

from facts import leaf

from .programs import case, refused, vector


@case
def grad_of_a_scalar(torch):
    return torch.func.grad(torch.sin)(torch.tensor(0.5, dtype=torch.float64))


@case
def grad_twice(torch):
    return torch.func.grad(torch.func.grad(torch.sin))(torch.tensor(0.5, dtype=torch.float64))


@case
def grad_argnums(torch):
    x, y = vector(torch), vector(torch) + 1
    def f(a, b):
        return (a * b * b).sum()
    return [torch.func.grad(f, argnums=n)(x, y) for n in (0, 1, -1, -2, (0,), (1, 0), (0, -1), (-1, -2))]


@case
def grad_argnums_list(torch):
    x = vector(torch)
    return torch.func.grad(lambda a, b: (a * b).sum(), argnums=[0, 1])(x, x)


@case
def grad_argnums_too_large(torch):
    return torch.func.grad(torch.sum, argnums=1)(vector(torch))


@case
def grad_argnums_too_small(torch):
    return torch.func.grad(torch.sum, argnums=-2)(vector(torch))


@case
def grad_argnums_none_left(torch):
    return torch.func.grad(torch.sum, argnums=())(vector(torch))


@case
def grad_argnums_twice(torch):
    return torch.func.grad(lambda a, b: (a * b).sum(), argnums=(0, 0))(vector(torch), vector(torch))


@case
def grad_argnums_same_counted_from_the_end(torch):
    return torch.func.grad(lambda a, b: (a * b).sum(), argnums=(1, -1))(vector(torch), vector(torch))


@case
def grad_argnums_of_another_type(torch):
    return torch.func.grad(torch.sum, argnums="0")(vector(torch))


@case
def grad_argnums_with_a_float(torch):
    return torch.func.grad(lambda a, b: (a * b).sum(), argnums=(0, 1.0))(vector(torch), vector(torch))


@case
def grad_of_containers(torch):
    def f(d, k):
        return (d["a"] * d["b"][0]).sum() * k
    return torch.func.grad(f)({"a": vector(torch), "b": [vector(torch) + 1, vector(torch)]}, 3.0)


@case
def grad_keywords(torch):
    return torch.func.grad(lambda x, *, scale: (x * scale).sum())(vector(torch), scale=vector(torch))


@case
def grad_has_aux(torch):
    return torch.func.grad(lambda x: (x.square().sum(), {"twice": x * 2, "n": 3}), has_aux=True)(vector(torch))


@case
def grad_aux_that_is_no_tensor(torch):
    return torch.func.grad(lambda x: (x.square().sum(), 3), has_aux=True)(vector(torch))


@case
def grad_and_value_of_two(torch):
    x = vector(torch)
    return torch.func.grad_and_value(lambda a, b: (a * b).sum(), argnums=(0, 1))(x, x + 1)


@case
def grad_and_value_aux(torch):
    return torch.func.grad_and_value(lambda x: (x.square().sum(), x * 2), has_aux=True)(vector(torch))


@case
def grad_no_aux_given(torch):
    return torch.func.grad(torch.sum, has_aux=True)(vector(torch))


@case
def grad_aux_of_three(torch):
    return torch.func.grad(lambda x: (x.sum(), x, x), has_aux=True)(vector(torch))


@case
def grad_of_a_vector(torch):
    return torch.func.grad(torch.sin)(vector(torch))


@case
def grad_of_one_element(torch):
    return torch.func.grad(lambda x: x.sum(0, keepdim=True))(vector(torch))


@case
def grad_of_a_number(torch):
    return torch.func.grad(lambda x: 3.0)(vector(torch))


@case
def grad_of_a_tuple(torch):
    return torch.func.grad(lambda x: (x.sum(), x.sum()))(vector(torch))


@case
def grad_at_integers(torch):
    return torch.func.grad(lambda x: x.sum())(torch.tensor([1, 2]))


@case
def grad_at_a_number(torch):
    return torch.func.grad(lambda x: x * x)(3.0)


@case
def grad_with_a_number_in_a_list(torch):
    return torch.func.grad(lambda xs: (xs[0] * xs[1]).sum())([vector(torch), 2.0])


@case
def grad_of_integers(torch):
    return torch.func.grad(lambda x: (x > 0).sum())(vector(torch))


@case
def grad_of_complex(torch):
    return torch.func.grad(lambda x: (x * (1 + 2j)).sum())(vector(torch).to(torch.complex128))


@case
def grad_of_a_real_of_complex(torch):
    return torch.func.grad(lambda z: (z * z.conj()).real.sum())(vector(torch) * (1 + 2j))


@case
def grad_of_what_does_not_depend(torch):
    return torch.func.grad(lambda x, y: y.sum(), argnums=(0, 1))(vector(torch), vector(torch))


@case
def grad_detached(torch):
    return torch.func.grad(lambda x: (x.detach() * x).sum())(vector(torch))


@case
def grad_under_no_grad_outside(torch):
    x = leaf(torch)
    with torch.no_grad():
        return torch.func.grad(lambda x: (x**3).sum())(x)


@case
def grad_with_no_grad_inside(torch):
    def f(x):
        with torch.no_grad():
            c = x**2
        return (x - c).sum()

    return torch.func.grad(f)(vector(torch))


@case
def grad_of_grad_with_no_grad_inside(torch):
    def g(x):
        with torch.no_grad():
            slope = torch.func.grad(lambda y: (y**3).sum())(x)
        return (slope * x).sum()

    return torch.func.grad(g)(vector(torch))


@case
def grad_of_a_leaf_keeps_history(torch):
    x = leaf(torch)
    slope = torch.func.grad(lambda x: (x**3).sum())(x)
    (again,) = torch.autograd.grad(slope.sum(), x)
    return [slope.requires_grad, again]


@case
def grad_of_what_is_closed_over(torch):
    w = leaf(torch)
    slope = torch.func.grad(lambda x: (x * w * w).sum())(vector(torch))
    slope.sum().backward()
    return [slope.requires_grad, w.grad]


@case
def requires_grad_inside(torch):
    seen = []

    def f(x):
        seen.append([x.requires_grad, x.is_leaf, (x * 2).requires_grad])
        return x.sum()

    torch.func.grad(f)(vector(torch))
    return seen[0][0], seen[0][2]


@case
def requires_grad_method_inside(torch):
    def f(x):
        y = torch.ones(3, dtype=torch.float64)
        y.requires_grad_()
        return (x * y).sum()

    return torch.func.grad(f)(vector(torch))


@case
def backward_inside(torch):
    def f(x):
        y = (x**2).sum()
        y.backward()
        return x.grad.sum()

    return torch.func.grad(f)(vector(torch))


@case
def autograd_grad_inside(torch):
    def f(x):
        y = (x**3).sum()
        (g,) = torch.autograd.grad(y, x, create_graph=True)
        return (g * x).sum()

    return torch.func.grad(f)(vector(torch))


@case
def item_inside_grad(torch):
    return torch.func.grad(lambda x: x.sum() * x[0].item())(vector(torch))


@case
def in_place_inside_grad(torch):
    def f(x):
        y = x * 1
        y[1:] *= 3
        y.add_(x.sin())
        return (y * y).sum()

    return torch.func.grad(f)(vector(torch))


@case
def in_place_on_the_argument(torch):
    def f(x):
        x.mul_(2)
        return (x * x).sum()

    x = vector(torch)
    slope = torch.func.grad(f)(x)
    return slope, x


@case
def vjp_of_one(torch):
    x = vector(torch)
    out, pull = torch.func.vjp(lambda x: x.sin() * x.sum(), x)
    return out, pull(torch.ones_like(x)), pull(x)


@case
def vjp_of_several(torch):
    x, y = vector(torch), vector(torch) + 1
    out, pull = torch.func.vjp(lambda a, b: {"p": a * b, "q": [a.sum()]}, x, y)
    return out, pull({"p": x, "q": [torch.tensor(2.0, dtype=torch.float64)]})


@case
def vjp_has_aux(torch):
    x = vector(torch)
    out, pull, aux = torch.func.vjp(lambda x: (x * 2, {"a": x + 1}), x, has_aux=True)
    return out, pull(x), aux


@case
def vjp_of_a_tree(torch):
    out, pull = torch.func.vjp(lambda d: d["a"] * d["b"], {"a": vector(torch), "b": vector(torch) + 1})
    return pull(vector(torch))


@case
def vjp_of_a_number(torch):
    return torch.func.vjp(lambda x: 3.0, vector(torch))


@case
def vjp_of_nothing(torch):
    return torch.func.vjp(lambda x: (), vector(torch))


@case
def vjp_of_none(torch):
    return torch.func.vjp(lambda x: None, vector(torch))


@case
def vjp_wrong_structure(torch):
    pull = torch.func.vjp(torch.sin, vector(torch))[1]
    return refused(lambda: pull((vector(torch),)), "Expected pytree structure of cotangents to be the same as pytree structure")


@case
def vjp_wrong_shape(torch):
    return torch.func.vjp(torch.sin, vector(torch))[1](vector(torch)[:2])


@case
def vjp_cotangent_of_another_type(torch):
    return torch.func.vjp(torch.sin, vector(torch))[1](vector(torch).float())


@case
def vjp_without_aux(torch):
    return torch.func.vjp(torch.sin, vector(torch), has_aux=True)


@case
def vjp_of_integers(torch):
    return torch.func.vjp(lambda x: x.sum(), torch.tensor([1, 2]))


@case
def jvp_of_one(torch):
    x = vector(torch)
    return torch.func.jvp(lambda x: x.sin() * x.sum(), (x,), (torch.ones_like(x),))


@case
def jvp_of_several(torch):
    x = vector(torch)
    return torch.func.jvp(lambda a, b: (a * b, {"q": b.exp()}), (x, x + 1), (x, x * 2))


@case
def jvp_has_aux(torch):
    x = vector(torch)
    return torch.func.jvp(lambda x: (x * x, [x + 1]), (x,), (x,), has_aux=True)


@case
def jvp_of_a_tree(torch):
    x = vector(torch)
    return torch.func.jvp(lambda d: d["a"] * d["b"], ({"a": x, "b": x + 1},), ({"a": x, "b": x},))


@case
def jvp_constant_part(torch):
    x = vector(torch)
    return torch.func.jvp(lambda x: (x * 2, torch.ones(2)), (x,), (x,))


@case
def jvp_strict(torch):
    x = vector(torch)
    return torch.func.jvp(lambda x: torch.ones(2), (x,), (x,), strict=True)


@case
def jvp_primals_no_tuple(torch):
    return torch.func.jvp(torch.sin, vector(torch), vector(torch))


@case
def jvp_primals_list(torch):
    return torch.func.jvp(torch.sin, [vector(torch)], [vector(torch)])


@case
def jvp_other_structure(torch):
    return torch.func.jvp(torch.sin, (vector(torch),), (vector(torch), vector(torch)))


@case
def jvp_no_primals(torch):
    return torch.func.jvp(lambda: 3, (), ())


@case
def jvp_other_shape(torch):
    return torch.func.jvp(torch.sin, (vector(torch),), (vector(torch)[:2],))


@case
def jvp_other_type(torch):
    return torch.func.jvp(torch.sin, (vector(torch),), (vector(torch).float(),))


@case
def jvp_of_a_number(torch):
    return torch.func.jvp(lambda x: 3.0, (vector(torch),), (vector(torch),))


@case
def jvp_with_a_number(torch):
    return torch.func.jvp(lambda x, k: x * k, (vector(torch), 2.0), (vector(torch), 1.0))


@case
def jvp_of_jvp(torch):
    x = vector(torch)
    one = torch.ones_like(x)
    return torch.func.jvp(lambda y: torch.func.jvp(lambda z: z**3, (y,), (one,))[1], (x,), (one,))


@case
def jvp_backward(torch):
    x = leaf(torch)
    _, slope = torch.func.jvp(lambda y: y**3, (x,), (torch.ones_like(x),))
    slope.sum().backward()
    return slope.requires_grad, x.grad
