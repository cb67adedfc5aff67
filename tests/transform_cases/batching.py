"""vmap: dimensions, containers, chunks, randomness, what happens inside, errors."""

from __future__ import annotations

from facts import leaf

from .programs import batch, case, refused, vector

BRANCHES = "attempting to use a Tensor in some data-dependent control flow. We don't support that yet"
WRITES = "vmap: inplace arithmetic(self, *extra_args) is not possible because there exists a Tensor `other` in extra_args"


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


@case
def item_inside(torch):
    return torch.vmap(lambda x: x.sum().item())(batch(torch))


@case
def float_inside(torch):
    return torch.vmap(lambda x: x * float(x.sum()))(batch(torch))


@case
def branch_inside(torch):
    return refused(lambda: torch.vmap(lambda x: x if x.sum() > 0 else -x)(batch(torch)), BRANCHES)


@case
def branch_on_what_is_not_batched(torch):
    k = torch.tensor(2.0)
    return torch.vmap(lambda x: x if k > 0 else -x)(batch(torch))


@case
def item_of_what_is_not_batched(torch):
    k = torch.tensor(2.0)
    return torch.vmap(lambda x: x * k.item())(batch(torch))


@case
def while_inside(torch):
    def f(x):
        while x.sum() < 3:
            x = x + 1
        return x

    return refused(lambda: torch.vmap(f)(batch(torch)), BRANCHES)


@case
def mask_inside(torch):
    return torch.vmap(lambda x: x[x > 0])(batch(torch))


@case
def nonzero_inside(torch):
    return torch.vmap(torch.nonzero)(batch(torch))


@case
def unique_inside(torch):
    return refused(lambda: torch.vmap(torch.unique)(batch(torch)))


@case
def masked_select_inside(torch):
    return torch.vmap(lambda x: torch.masked_select(x, x > 0))(batch(torch))


@case
def allclose_inside(torch):
    return refused(lambda: torch.vmap(lambda x: torch.allclose(x, x))(batch(torch)))


@case
def where_inside(torch):
    return torch.vmap(lambda x: torch.where(x > 0, x, -2 * x))(batch(torch))


@case
def in_place_captured(torch):
    held = torch.zeros(3, dtype=torch.float64)

    def f(x):
        held.copy_(x)
        return x

    return refused(lambda: torch.vmap(f)(batch(torch)), WRITES)


@case
def in_place_captured_item(torch):
    held = torch.zeros(3, dtype=torch.float64)

    def f(x):
        held[0] = x.sum()
        return x

    return refused(lambda: torch.vmap(f)(batch(torch)), WRITES)


@case
def in_place_captured_by_a_number(torch):
    held = torch.zeros(3, dtype=torch.float64)

    def f(x):
        held.add_(1)
        return x * held

    return torch.vmap(f)(batch(torch)), held


@case
def in_place_inside(torch):
    def f(x):
        y = x.new_zeros(3)
        y.add_(x)
        y[0] = x[1]
        y[1:] *= 2
        return y

    return torch.vmap(f)(batch(torch))


@case
def in_place_on_the_input(torch):
    x = batch(torch)
    torch.vmap(lambda x: x.add_(1))(x)
    return x


@case
def random_refused(torch):
    return torch.vmap(lambda x: x + torch.rand(3))(batch(torch))


@case
def random_refused_in_place(torch):
    return torch.vmap(lambda x: x.clone().normal_())(batch(torch))


@case
def random_refused_dropout(torch):
    return torch.vmap(lambda x: torch.nn.functional.dropout(x))(batch(torch))


@case
def random_same(torch):
    torch.manual_seed(1)
    return torch.vmap(lambda x: x + torch.rand(3, dtype=torch.float64), randomness="same")(batch(torch))


@case
def random_different(torch):
    torch.manual_seed(1)
    return torch.vmap(lambda x: x + torch.rand(3, dtype=torch.float64), randomness="different")(batch(torch))


@case
def random_same_of_batched(torch):
    draw = torch.vmap(lambda x: torch.bernoulli(x.abs()), randomness="same")
    return refused(lambda: draw(batch(torch)), "Vmap does not currently support same randomness with a batched tensor input.")


@case
def random_like(torch):
    torch.manual_seed(1)
    return torch.vmap(lambda x: torch.rand_like(x), randomness="different")(batch(torch))


@case
def random_dropout_same(torch):
    torch.manual_seed(1)
    out = torch.vmap(lambda x: torch.nn.functional.dropout(x * 0 + 1, 0.5), randomness="same")(batch(torch))
    return bool((out == out[0]).all())


@case
def random_nested(torch):
    torch.manual_seed(1)
    def f(x):
        return x * 0 + torch.rand((), dtype=torch.float64)
    v = torch.vmap
    return [v(v(f, randomness=a), randomness=b)(batch(torch)) for a in ("same", "different") for b in ("same", "different")]


@case
def random_nested_refused(torch):
    def f(x):
        return x * 0 + torch.rand(())
    return torch.vmap(torch.vmap(f, randomness="same"))(batch(torch))


@case
def random_chunks(torch):
    torch.manual_seed(1)
    def f(x):
        return x * 0 + torch.rand((), dtype=torch.float64)
    return [torch.vmap(f, randomness=a, chunk_size=3)(batch(torch)) for a in ("same", "different")]


@case
def no_examples(torch):
    return torch.vmap(torch.sin)(torch.zeros(0, 3))


@case
def one_example(torch):
    return torch.vmap(lambda x: x.sum())(torch.ones(1, 3))


@case
def history_goes_through(torch):
    x = leaf(torch)
    w = leaf(torch, 1.0, 2.0)
    out = torch.vmap(lambda a: (a * w).sum())(x)
    (out**2).sum().backward()
    return x.grad, w.grad, out.requires_grad


@case
def print_inside(torch):
    seen = []
    torch.vmap(lambda x: seen.append(str(x)[:14]) or x)(torch.zeros(2, 3))
    return seen


@case
def repr_of_a_batched_tensor(torch):
    seen = []
    torch.func.vmap(lambda x: seen.append(str(x)) or x)(torch.zeros(2, 3))
    return seen


@case
def factories_inside(torch):
    def f(x):
        return torch.zeros_like(x), x.new_ones(2), torch.arange(3) + x, torch.full((2,), 1.5) * x[:2], x.new_full((2,), 2.0)

    return torch.vmap(f)(batch(torch))


@case
def factory_with_batched_fill(torch):
    return refused(lambda: torch.vmap(lambda x: torch.full((2,), x.sum()))(batch(torch)))


@case
def tensor_of_batched(torch):
    return torch.vmap(lambda x: torch.stack([x.sum(), x.prod()]))(batch(torch))


@case
def index_with_batched(torch):
    x, i = batch(torch), torch.tensor([0, 1, 2, 1])
    return torch.vmap(lambda x, i: x[i])(x, i), torch.vmap(lambda i: x[0][i])(i), torch.vmap(lambda x: x[torch.tensor([2, 0])])(x)


@case
def assign_with_batched_index(torch):
    x, i = batch(torch), torch.tensor([0, 1, 2, 1])

    def f(x, i):
        y = x.clone()
        y[i] = 9.0
        return y

    return torch.vmap(f)(x, i)


@case
def iterate_inside(torch):
    return torch.vmap(lambda x: sum(one * k for k, one in enumerate(x)))(batch(torch))


@case
def unpack_inside(torch):
    def f(x):
        a, b, c = x
        return a * b + c

    return torch.vmap(f)(batch(torch))


@case
def casts_inside(torch):
    return torch.vmap(lambda x: (x.float(), x.long(), (x > 0).double()))(batch(torch))


@case
def comparisons_inside(torch):
    return torch.vmap(lambda x: (x == x.max(), x.argmax(), x.any(), torch.isnan(x)))(batch(torch))


@case
def backward_inside_vmap(torch):
    def f(x):
        y = x.sum()
        y.backward()
        return x

    return torch.vmap(f)(leaf(torch))


@case
def autograd_grad_inside_vmap(torch):
    x = leaf(torch)
    y = x**2
    return torch.vmap(lambda v: torch.autograd.grad(y, x, v, retain_graph=True)[0])(torch.eye(3, dtype=torch.float64))


@case
def size_one_is_not_broadcast(torch):
    return torch.vmap(torch.add)(batch(torch), torch.ones(1, 3))


@case
def vmap_of_a_method(torch):
    return torch.vmap(torch.Tensor.cos)(batch(torch))


@case
def vmap_of_a_partial(torch):
    from functools import partial

    return torch.vmap(partial(torch.sum, dim=-1))(batch(torch))


@case
def error_of_a_partial(torch):
    from functools import partial

    return refused(lambda: torch.vmap(partial(torch.sum, dim=-1), in_dims=(0, 0))(batch(torch)))


@case
def shape_errors_of_products(torch):
    return refused(lambda: torch.vmap(lambda x: torch.ones(2, 2, dtype=torch.float64) @ x)(batch(torch)))


@case
def dimension_errors_inside(torch):
    return torch.vmap(lambda x: x.sum(1))(batch(torch))


@case
def dimension_errors_below(torch):
    return torch.vmap(lambda x: x.sum(-2))(batch(torch))


@case
def batches_of_out(torch):
    return refused(lambda: torch.vmap(lambda x: torch.add(x, x, out=torch.zeros(3, dtype=torch.float64)))(batch(torch)))
