"""vmap: dimensions, containers, chunks, randomness, errors of arguments."""

from __future__ import annotations

from .programs import batch, case, vector


@case
def dims_of_inputs(torch):
    x = torch.arange(24.0).reshape(2, 3, 4)
    return [torch.vmap(lambda x: x.sum(-1), in_dims=d)(x) for d in (0, 1, 2, -1, -2, -3)]


@case
def dims_of_outputs(torch):
    x = torch.arange(24.0).reshape(2, 3, 4)
    return [torch.vmap(lambda x: x * 2, out_dims=d)(x) for d in (0, 1, 2, -1, -2, -3)]


@case
def dims_nested(torch):
    x = batch(torch)
    def f(d, y, k):
        return d["a"] * d["b"][0] + y * k
    return torch.vmap(f, in_dims=({"a": 0, "b": [1]}, None, None))({"a": x, "b": [x.T]}, x[0], 2.0)


@case
def dims_as_a_list(torch):
    x = batch(torch)
    return torch.vmap(torch.mul, in_dims=[0, 0])(x, x)


@case
def dims_of_outputs_as_a_list(torch):
    return torch.vmap(lambda x: [x, x * 2], out_dims=[0, 1])(batch(torch))


@case
def dims_of_outputs_one_for_all(torch):
    return torch.vmap(lambda x: (x, {"a": x * 2}), out_dims=1)(batch(torch))


@case
def dims_of_outputs_of_a_dict(torch):
    return torch.vmap(lambda x: {"a": x * 2, "b": x}, out_dims={"a": 1, "b": 0})(batch(torch))


@case
def dims_none_in_the_middle(torch):
    x = batch(torch)
    return torch.vmap(lambda a, b, c: a + b * c, in_dims=(0, None, 1))(x, x[0], x.T)


@case
def dims_of_outputs_none(torch):
    return torch.vmap(lambda x: (x, torch.ones(2)), out_dims=(0, None))(batch(torch))


@case
def dims_of_outputs_none_for_a_number(torch):
    return torch.vmap(lambda x: (x, 3.0), out_dims=(0, None))(batch(torch))


@case
def keywords_are_mapped(torch):
    x = batch(torch)
    return torch.vmap(lambda x, *, y: x * y)(x, y=x)


@case
def keyword_that_is_no_tensor(torch):
    return torch.vmap(lambda x, *, k: x * k)(batch(torch), k=2.0)


@case
def keywords_alone(torch):
    return torch.vmap(lambda *, y: y * 2)(y=batch(torch))


@case
def unbatched_outputs(torch):
    return torch.vmap(lambda x: torch.ones(2))(batch(torch))


@case
def nested(torch):
    x = torch.arange(24.0, dtype=torch.float64).reshape(2, 3, 4)
    v = torch.vmap
    return [v(v(torch.sum))(x), v(v(v(torch.sin)))(x), v(v(torch.dot, (0, None)), (None, 0))(x[0], x[1]),
            v(v(lambda a: a.cumsum(0), in_dims=1), in_dims=2, out_dims=1)(x)]  # fmt: skip


@case
def pairwise(torch):
    x = batch(torch)
    def f(a, b):
        return ((a - b) ** 2).sum()
    return torch.vmap(torch.vmap(f, (None, 0)), (0, None))(x, x + 1)


@case
def chunks(torch):
    x = batch(torch)
    return [torch.vmap(lambda x: (x.sin(), x.sum()), out_dims=(1, 0), chunk_size=n)(x) for n in (1, 2, 3, 4, 9)]


@case
def chunk_none(torch):
    return torch.vmap(torch.sin, chunk_size=None)(batch(torch))


@case
def chunk_zero(torch):
    return torch.vmap(torch.sin, chunk_size=0)(batch(torch))


@case
def chunk_negative(torch):
    return torch.vmap(torch.sin, chunk_size=-1)(batch(torch))


@case
def chunks_in_place(torch):
    x = batch(torch)
    torch.vmap(lambda x: x.mul_(2), chunk_size=2)(x)
    return x


@case
def chunks_with_unbatched(torch):
    return torch.vmap(lambda x, y: x * y, in_dims=(0, None), chunk_size=3)(batch(torch), vector(torch))


@case
def name_of_the_result(torch):
    def mine(x):
        "documented"
        return x

    f = torch.vmap(mine)
    return f.__name__, f.__doc__


@case
def shapes_inside(torch):
    seen = []

    def f(x):
        seen.append([tuple(x.shape), x.dim(), x.numel(), x.size(0), len(x), x.ndim, x.stride(), x.is_contiguous()])
        return x

    torch.vmap(f)(torch.zeros(2, 3, 4))
    torch.vmap(f, in_dims=2)(torch.zeros(2, 3, 4))
    return seen


@case
def no_inputs(torch):
    return torch.vmap(lambda: 3)()


@case
def in_dims_none(torch):
    return torch.vmap(torch.sin, in_dims=None)(batch(torch))


@case
def in_dims_word(torch):
    return torch.vmap(torch.sin, in_dims="a")(batch(torch))


@case
def in_dims_other_structure(torch):
    def f(x):
        return x

    return torch.vmap(f, in_dims=(0, 0))(batch(torch))


@case
def in_dims_all_none(torch):
    def f(x, y):
        return x

    return torch.vmap(f, in_dims=(None, None))(batch(torch), batch(torch))


@case
def in_dims_float(torch):
    def f(x):
        return x

    return torch.vmap(f, in_dims=(0.5,))(batch(torch))


@case
def in_dims_too_large(torch):
    def f(x):
        return x

    return torch.vmap(f, in_dims=2)(batch(torch))


@case
def in_dims_too_small(torch):
    def f(x):
        return x

    return torch.vmap(f, in_dims=-3)(batch(torch))


@case
def in_dims_of_a_scalar(torch):
    def f(x):
        return x

    return torch.vmap(f)(torch.tensor(1.0))


@case
def in_dims_of_a_number(torch):
    def f(x, k):
        return x * k

    return torch.vmap(f)(batch(torch), 3)


@case
def in_dims_nested_structure(torch):
    def f(d):
        return d["a"]

    return torch.vmap(f, in_dims=({"b": 0},))({"a": batch(torch)})


@case
def sizes_differ(torch):
    def f(x, y):
        return x

    return torch.vmap(f)(batch(torch), batch(torch)[:2])


@case
def keyword_sizes_differ(torch):
    def f(x, y):
        return x

    return torch.vmap(f)(batch(torch), y=batch(torch)[:2])


@case
def returns_a_number(torch):
    def f(x):
        return 3.0

    return torch.vmap(f)(batch(torch))


@case
def returns_none(torch):
    def f(x):
        return None

    return torch.vmap(f)(batch(torch))


@case
def returns_a_number_among_tensors(torch):
    def f(x):
        return x, 3.0

    return torch.vmap(f)(batch(torch))


@case
def returns_batched_where_none_is_expected(torch):
    def f(x):
        return x

    return torch.vmap(f, out_dims=None)(batch(torch))


@case
def out_dims_other_structure(torch):
    def f(x):
        return x, x

    return torch.vmap(f, out_dims=(0, 0, 0))(batch(torch))


@case
def out_dims_for_a_single_tensor_in_a_tuple(torch):
    def f(x):
        return x

    return torch.vmap(f, out_dims=(1,))(batch(torch))


@case
def out_dims_two_for_a_single_tensor(torch):
    def f(x):
        return x

    return torch.vmap(f, out_dims=(0, 0))(batch(torch))


@case
def out_dims_word(torch):
    def f(x):
        return x

    return torch.vmap(f, out_dims="a")(batch(torch))


@case
def out_dims_too_large(torch):
    return torch.vmap(lambda x: x, out_dims=2)(batch(torch))


@case
def out_dims_too_small(torch):
    return torch.vmap(lambda x: x, out_dims=-3)(batch(torch))


@case
def no_function(torch):
    return torch.vmap(3)(batch(torch))


@case
def randomness_unknown(torch):
    return torch.vmap(torch.sin, randomness="some")(batch(torch))
