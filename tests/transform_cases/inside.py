"""What a function does inside vmap: values, changes, random numbers, what is refused."""

from __future__ import annotations

from facts import leaf

from .programs import batch, case, refused

BRANCHES = "attempting to use a Tensor in some data-dependent control flow. We don't support that yet"
WRITES = "vmap: inplace arithmetic(self, *extra_args) is not possible because there exists a Tensor `other` in extra_args"


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


@case
def diagonal_of_zeros(torch):
    def embedded(zeros):
        def f(row):
            result = zeros(row)
            result.diagonal().copy_(row)
            return result

        return f

    made = embedded(lambda row: row.new_zeros(3, 3))
    found = refused(lambda: torch.vmap(embedded(lambda row: torch.zeros(3, 3, dtype=torch.float64)))(batch(torch)), WRITES)
    return torch.vmap(made)(batch(torch)), found


@case
def classes_encoded(torch):
    one_hot, classes = torch.nn.functional.one_hot, torch.tensor([1, 2])
    return torch.vmap(lambda i: one_hot(i, 4))(classes), refused(
        lambda: torch.vmap(lambda i: one_hot(i))(classes), "please provide an explicit positive num_classes argument"
    )


@case
def strided_inside(torch):
    return torch.vmap(lambda x: x.as_strided((2,), (1,)))(batch(torch))


@case
def quantiles_inside(torch):
    q = torch.tensor([0.25, 0.5, 0.5, 1.0], dtype=torch.float64)
    return torch.vmap(lambda x, q: torch.quantile(x, q))(batch(torch), q), torch.vmap(lambda x: x.median())(batch(torch))


@case
def several_results_inside(torch):
    x = batch(torch)
    f = lambda x: (x.max(0), x.topk(2), x.sort(), x.split([1, 2]), x.unbind(), x.chunk(2))  # noqa: E731 - read by vmap alone
    return [[tuple(part) for part in column] for column in torch.vmap(f)(x)]


@case
def tables_of_each_example(torch):
    table, rows = torch.arange(24, dtype=torch.float64).reshape(2, 4, 3), torch.tensor([[0, 3], [1, 1]])
    F = torch.nn.functional
    looked_up = torch.vmap(lambda t, i: F.embedding(i, t))(table, rows)
    slopes = torch.vmap(torch.func.grad(lambda t, i: (F.embedding(i, t) ** 2).sum()), (None, 0))(table[0], rows)
    return looked_up, slopes


@case
def scattered_by_each_example(torch):
    x, i = batch(torch), torch.tensor([[0, 1, 1], [2, 2, 0], [1, 0, 2], [2, 1, 0]])
    return [
        torch.vmap(f)(x, i)
        for f in (
            lambda x, i: x.gather(0, i), lambda x, i: x.scatter(0, i, x * 2), lambda x, i: x.scatter_add(0, i, x),
            lambda x, i: x.index_select(0, i), lambda x, i: x.index_add(0, i, x), lambda x, i: x.take_along_dim(i, 0),
            lambda x, i: torch.zeros_like(x).index_put((i,), x, accumulate=True), lambda x, i: x.take(i),
        )
    ]  # fmt: skip
