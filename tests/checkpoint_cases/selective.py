"""Selective checkpoints: what policies are asked and told, and what is kept; passes that share their second runs."""

from __future__ import annotations

from facts import leaf

from .programs import case


def matrices(torch):
    torch.manual_seed(0)
    make = lambda: torch.rand(3, 3, dtype=torch.float64, requires_grad=True)  # noqa: E731
    return make(), make()


def selected(torch, policy, function, *args, **options):
    """A checkpointed call under a policy, or with a list of operations to keep."""
    from functools import partial

    tools = torch.utils.checkpoint
    contexts = partial(tools.create_selective_checkpoint_contexts, policy, **options)
    return tools.checkpoint(function, *args, use_reentrant=False, context_fn=contexts)


def asked(torch, function, *args):
    """The names of the operations that a policy is asked about in forward and in backward."""
    log = []

    def policy(ctx, op, *args, **kwargs):
        log.append((str(op), ctx.is_recompute, ctx.op_output.shape if isinstance(ctx.op_output, torch.Tensor) else None))
        return torch.utils.checkpoint.CheckpointPolicy.PREFER_RECOMPUTE

    out = selected(torch, policy, function, *args)
    log.append("backward")
    out.sum().backward()
    return log, [arg.grad for arg in args]


@case
def names_of_products(torch):
    x, w = matrices(torch)
    return asked(torch, lambda x, w: (x @ w).mm(w).matmul(x) + x.mv(w[0]) + x[0].dot(w[0]), x, w)[0][:3]


@case
def names_of_a_network(torch):
    x, w = matrices(torch)
    F = torch.nn.functional
    return asked(torch, lambda x, w: F.gelu(F.relu(x * 2 - x / 3)).softmax(-1).exp() ** 2, x, w)


@case
def names_of_reductions(torch):
    x, _ = matrices(torch)
    return asked(torch, lambda x: x.sum() + x.sum(0).mean() + x.mean(1).max() + x.amax(0).min() + x.prod(), x)


@case
def names_of_shapes(torch):
    x, _ = matrices(torch)
    def part(x):
        joined = torch.cat([x.transpose(0, 1).sin(), x]).permute(1, 0)
        return joined.contiguous().reshape(-1).clone().unsqueeze(0).squeeze(0)

    return asked(torch, part, x)


@case
def a_list_keeps_results(torch):
    x, w = matrices(torch)
    out = []
    for ops in ([], [torch.ops.aten.mm.default], [torch.ops.aten.mm.default, torch.ops.aten.exp.default]):
        y = selected(torch, ops, lambda x, w: (x @ w).exp() @ w, x, w)
        out.append(torch.autograd.grad(y.sum(), (x, w)))
    return out


@case
def every_second_product(torch):
    x, w = matrices(torch)
    P = torch.utils.checkpoint.CheckpointPolicy
    seen = []

    def policy(ctx, op, *args, **kwargs):
        if op == torch.ops.aten.mm.default:
            seen.append(op)
            return P.MUST_SAVE if len(seen) % 2 else P.PREFER_RECOMPUTE
        return P.PREFER_RECOMPUTE

    y = selected(torch, policy, lambda x, w: (((x @ w).sin() @ w).cos() @ w).exp(), x, w)
    return torch.autograd.grad(y.sum(), (x, w)), len(seen)


@case
def policies_may_return_booleans(torch):
    out = []
    for value in (True, False, None):
        x, w = matrices(torch)
        y = selected(torch, lambda ctx, op, *args, value=value, **kwargs: value, lambda x, w: (x @ w).exp(), x, w)
        out.append(torch.autograd.grad(y.sum(), (x, w)))
    return out


@case
def kept_results_must_not_change(torch):
    def changed(x, w):
        y = x @ w
        y.add_(1)
        return y.sin()

    y = selected(torch, [torch.ops.aten.mm.default], changed, *matrices(torch), allow_cache_entry_mutation=False)
    try:
        y.sum().backward()
    except RuntimeError as error:
        return str(error)[:63]


@case
def kept_results_serve_once(torch):
    y = selected(torch, [torch.ops.aten.mm.default], lambda x, w: (x @ w).sin(), *matrices(torch))
    y.sum().backward(retain_graph=True)
    y.sum().backward()


@case
def list_of_a_function(torch):
    torch.utils.checkpoint.create_selective_checkpoint_contexts([3])


@case
def list_of_a_packet(torch):
    try:
        torch.utils.checkpoint.create_selective_checkpoint_contexts([torch.ops.aten.mm])
    except ValueError as error:
        return "Please update the OpOverloadPacket to a specific OpOverload." in str(error)


@case
def neither_a_list_nor_a_function(torch):
    torch.utils.checkpoint.create_selective_checkpoint_contexts((torch.ops.aten.mm.default,))


@case
def overloads(torch):
    mm = torch.ops.aten.mm
    op = mm.default
    x, w = matrices(torch)
    return (
        str(op), repr(op), op.name(), torch.ops.aten.add.Tensor.name(), op.namespace, op.__name__, str(mm), repr(mm),
        op is mm.default, op == torch.ops.aten.mm.default, op in {mm.default}, op.overloadpacket is mm, op(x, w), mm(x, w),
        torch.ops.aten.add.Tensor(x, w, alpha=2), torch.ops.aten.t.default(x), torch.ops.aten.relu(x),
        torch.ops.aten.sum.dim_IntList(x, [0], True),
    )  # fmt: skip


@case
def operation_that_is_not_there(torch):
    return torch.ops.aten.nothing_of_this_name


@case
def ignored_operations(torch):
    return torch.ops.aten.detach.default in torch.utils.checkpoint.SAC_IGNORED_OPS


def two_results(torch, block):
    x, runs = leaf(torch), []

    def part(x):
        runs.append(1)
        return x.exp().sin(), x.cos().tan()

    a, b = torch.utils.checkpoint.checkpoint(part, x, use_reentrant=False)
    with block:
        a.sum().backward()
        b.sum().backward()
    return x.grad, len(runs)


@case
def each_pass_runs_the_part_again(torch):
    from contextlib import nullcontext

    return two_results(torch, nullcontext())


@case
def passes_of_a_group_run_it_once(torch):
    return two_results(torch, torch.utils.checkpoint.GraphExecGroup())


@case
def passes_of_a_group_may_not_overlap(torch):
    y = torch.utils.checkpoint.checkpoint(lambda x: x.exp().sin(), leaf(torch), use_reentrant=False)
    with torch.utils.checkpoint.GraphExecGroup():
        y.sum().backward(retain_graph=True)
        y.sum().backward()


@case
def groups_do_not_nest(torch):
    group = torch.utils.checkpoint.GraphExecGroup
    try:
        with group(), group():
            pass
    except RuntimeError as error:
        return str(error)[:50]
