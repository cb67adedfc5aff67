"""What custom functions save, and what becomes of it."""

from __future__ import annotations

from facts import leaf

from .programs import case, double, make, square


@case
def saving_no_tensor(torch):
    def forward(ctx, x):
        ctx.save_for_backward(3)
        return x * 1

    return make(torch, forward, lambda ctx, g: g).apply(leaf(torch))


@case
def saving_a_list(torch):
    def forward(ctx, x):
        ctx.save_for_backward([x])
        return x * 1

    return make(torch, forward, lambda ctx, g: g).apply(leaf(torch))


@case
def saving_a_string(torch):
    def forward(ctx, x):
        ctx.save_for_backward(x, "x")
        return x * 1

    return make(torch, forward, lambda ctx, g: g).apply(leaf(torch))


@case
def saving_none(torch):
    def forward(ctx, x):
        ctx.save_for_backward(None, x)
        return x * 1

    def backward(ctx, g):
        none, x = ctx.saved_tensors
        return g * x if none is None else None

    x = leaf(torch)
    make(torch, forward, backward).apply(x).sum().backward()
    return x.grad


@case
def saving_twice(torch):
    def forward(ctx, x):
        ctx.save_for_backward(x, x)
        ctx.save_for_backward(x)
        return x * 1

    x = leaf(torch)
    return len(make(torch, forward, lambda ctx, g: g).apply(x).grad_fn.saved_tensors)


@case
def saved_input_is_the_same_object(torch):
    seen = []

    def backward(ctx, g):
        seen.append(ctx.saved_tensors[0] is x)
        seen.append(ctx.saved_tensors[0].grad_fn is None)
        return g

    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * 1

    x = leaf(torch)
    make(torch, forward, backward).apply(x).sum().backward()
    return seen


@case
def saved_output_has_its_history(torch):
    seen = []

    def forward(ctx, x):
        y = x.exp()
        ctx.save_for_backward(y)
        return y

    def backward(ctx, g):
        (y,) = ctx.saved_tensors
        seen.append((y.requires_grad, y.grad_fn.name(), y.grad_fn is made_by[0]))
        return g * y

    x = leaf(torch)
    out = make(torch, forward, backward).apply(x)
    made_by = [out.grad_fn]
    (first,) = torch.autograd.grad(out.sum(), x, create_graph=True)
    (second,) = torch.autograd.grad(first.sum(), x)
    return seen, first.tolist(), second.tolist()


@case
def saved_intermediate(torch):
    def forward(ctx, x):
        inner = x.exp()
        ctx.save_for_backward(inner)
        return inner * 2

    def backward(ctx, g):
        (inner,) = ctx.saved_tensors
        return g * inner * 2

    x = leaf(torch)
    y = make(torch, forward, backward).apply(x)
    (first,) = torch.autograd.grad(y.sum(), x, create_graph=True)
    return first.tolist(), first.requires_grad


@case
def saved_tensors_freed_on_access(torch):
    x = leaf(torch)
    function = square(torch)
    function.clear_saved_tensors_on_access = True
    function.apply(x).sum().backward()
    node = function.apply(x).grad_fn
    return x.grad, len(node.saved_tensors)


@case
def saved_tensors_freed_on_access_read_twice(torch):
    function = square(torch)
    function.clear_saved_tensors_on_access = True
    y = function.apply(leaf(torch)).sum()
    y.backward(retain_graph=True)
    y.backward()


@case
def gradients_in_a_box(torch):
    def backward(ctx, grads):
        seen.append((type(grads).__name__, len(grads)))
        return grads.pop() * 3 + grads.pop() * 2

    seen = []
    x = leaf(torch)
    y, z = make(torch, lambda ctx, x: (x * 2, x * 3), backward, boxed_grads_call=True).apply(x)
    (y + z * 10).sum().backward()
    return seen, x.grad


@case
def second_backward(torch):
    x = leaf(torch)
    y = square(torch).apply(x).sum()
    y.backward()
    y.backward()


@case
def second_backward_retained(torch):
    x = leaf(torch)
    y = square(torch).apply(x).sum()
    y.backward(retain_graph=True)
    y.backward()
    return x.grad


@case
def second_backward_with_nothing_saved(torch):
    x = leaf(torch)
    y = double(torch).apply(x)
    y.backward(torch.ones_like(y))
    y.backward(torch.ones_like(y))
    return x.grad


@case
def saved_after_backward(torch):
    x = leaf(torch)
    y = square(torch).apply(x)
    node = y.grad_fn
    y.sum().backward()
    return node.saved_tensors


@case
def saved_before_backward(torch):
    x = leaf(torch)
    y = square(torch).apply(x)
    return y.grad_fn.saved_tensors, y.grad_fn.saved_tensors[0] is x, y.grad_fn.needs_input_grad, len(y.grad_fn._raw_saved_tensors)


@case
def saved_variables_alias(torch):
    def backward(ctx, g):
        return g * ctx.saved_variables[0]

    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    x = leaf(torch)
    make(torch, forward, backward).apply(x).sum().backward()
    return x.grad


@case
def changed_saved_input(torch):
    x = leaf(torch)
    z = x * 1
    y = square(torch).apply(z)
    z.add_(1)
    y.sum().backward()


@case
def changed_saved_output(torch):
    def forward(ctx, x):
        y = x.exp()
        ctx.save_for_backward(y)
        return y

    y = make(torch, forward, lambda ctx, g: g * ctx.saved_tensors[0]).apply(leaf(torch))
    y.mul_(2)
    y.sum().backward()


@case
def changed_saved_but_unread(torch):
    x = leaf(torch)

    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * 2

    z = x * 1
    y = make(torch, forward, lambda ctx, g: g).apply(z)
    z.add_(1)
    y.sum().backward()
    return x.grad


@case
def changed_in_no_grad(torch):
    x = leaf(torch)
    y = square(torch).apply(x)
    with torch.no_grad():
        x.mul_(2)
    y.sum().backward()


@case
def attributes_on_ctx(torch):
    def forward(ctx, x):
        ctx.note, ctx.plain = {"a": 1}, x
        return x * 2

    x = leaf(torch)
    y = make(torch, forward, lambda ctx, g: g * ctx.note["a"]).apply(x)
    node = y.grad_fn
    y.sum().backward()
    y.sum().backward()
    return node.note, x.grad, node.metadata


@case
def unpacking_in_setup(torch):
    def setup(ctx, inputs, output):
        ctx.save_for_backward(*inputs)
        seen.append(len(ctx.to_save) if hasattr(ctx, "to_save") else None)

    seen = []
    make(torch, lambda x: x * 2, lambda ctx, g: g, setup).apply(leaf(torch))
    return seen


@case
def saved_tensors_hooks(torch):
    log = []

    def pack(tensor):
        log.append("pack")
        return tensor.detach() * 10

    def unpack(tensor):
        log.append("unpack")
        return tensor / 10

    x = leaf(torch)
    with torch.autograd.graph.saved_tensors_hooks(pack, unpack):
        y = square(torch).apply(x)
    y.sum().backward()
    return log, x.grad


@case
def saved_tensors_hooks_without_gradients(torch):
    log = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: log.append(1), lambda t: t):
        square(torch).apply(leaf(torch).detach())
    return log


@case
def raw_saved_register_hooks(torch):
    x = leaf(torch)
    y = square(torch).apply(x)
    y.grad_fn._raw_saved_tensors[0].register_hooks(lambda t: 3, lambda v: torch.full((3,), float(v), dtype=torch.float64))
    y.sum().backward()
    return x.grad
