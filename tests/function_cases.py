"""Programs with custom functions, whose outcome in PyTorch is stored (see references/make_function_facts.py)."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

FACTS = Path(__file__).parent / "references" / "function_facts.json"

CASES: dict[str, Any] = {}


def case(program):
    CASES[program.__name__] = program
    return program


def function_outcome(torch: Any, name: str) -> Any:
    """What a program gives: its result as plain data, or the type and the first words of its error."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return {"result": plain(torch, CASES[name](torch))}
    except Exception as error:
        return {"error": type(error).__name__, "message": key_phrase(str(error))}


def key_phrase(message: str) -> str:
    """The first words of a message, up to where the two sides differ."""
    message = message.replace("MineBackward", "Mine")
    for mark in ("[torch.", " of Mine is a view", ". Make an input", ". Keep it", " as gradient", " You can ask", " 0 of type"):
        message = message.split(mark)[0]
    return message.strip()


def plain(torch: Any, value: Any) -> Any:
    """Tensors as lists, with what made them."""
    if isinstance(value, torch.Tensor):
        return [value.detach().tolist(), value.requires_grad, type(value.grad_fn).__name__ if value.grad_fn is not None else None]
    if isinstance(value, (tuple, list)):
        return [plain(torch, one) for one in value]
    if isinstance(value, dict):
        return {key: plain(torch, one) for key, one in value.items()}
    return value


def leaf(torch, *values):
    return torch.tensor(values or (1.0, 2.0, 3.0), dtype=torch.float64, requires_grad=True)


def make(torch, forward, backward, setup=None, **more):
    """A custom function of the given methods."""
    members = {"forward": staticmethod(forward), "backward": staticmethod(backward)}
    if setup is not None:
        members["setup_context"] = staticmethod(setup)
    members |= {key: staticmethod(value) if callable(value) and not isinstance(value, type) else value for key, value in more.items()}
    return type("Mine", (torch.autograd.Function,), members)


def double(torch):
    return make(torch, lambda ctx, x: x * 2, lambda ctx, g: g * 2)


def square(torch):
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return g * 2 * x

    return make(torch, forward, backward)


# --- styles, arguments, outputs ---------------------------------------------------------------------------------------------------------


@case
def ctx_in_forward(torch):
    x = leaf(torch)
    y = square(torch).apply(x)
    y.sum().backward()
    return y, x.grad, y.grad_fn.name(), type(y.grad_fn).__mro__[1].__name__ == "Node"


@case
def separate_setup(torch):
    def setup(ctx, inputs, output):
        x, n = inputs
        ctx.save_for_backward(x, output)
        ctx.n = n

    def backward(ctx, g):
        x, y = ctx.saved_tensors
        return g * ctx.n * y / x, None

    f = make(torch, lambda x, n: x ** n, backward, setup)
    x = leaf(torch)
    y = f.apply(x, 3)
    y.sum().backward()
    return y, x.grad


@case
def several_outputs(torch):
    def forward(ctx, x, y):
        ctx.save_for_backward(x, y)
        return x * y, x + y, 7, "name", None

    def backward(ctx, *g):
        x, y = ctx.saved_tensors
        return g[0] * y + g[1], g[0] * x + g[1], None if [one is None for one in g[2:]] == [True, True, True] else "bad"

    def backward2(ctx, *g):
        return backward(ctx, *g)[:2]

    x, y = leaf(torch), leaf(torch, 4.0, 5.0, 6.0)
    outs = make(torch, forward, backward2).apply(x, y)
    outs[0].sum().backward()
    return list(outs), x.grad, y.grad, type(outs).__name__, outs[1].output_nr


@case
def grads_of_unused_outputs(torch):
    seen = []

    def backward(ctx, *g):
        seen.append([None if one is None else (one.tolist(), str(one.dtype)) for one in g])
        return g[0] * 2

    f = make(torch, lambda ctx, x: (x * 2, x.to(torch.float32)[:2], x.long(), x > 1, 3), backward)
    x = leaf(torch)
    out = f.apply(x)
    out[0].sum().backward()
    return seen, out, x.grad


@case
def unmaterialized(torch):
    seen = []

    def forward(ctx, x):
        ctx.set_materialize_grads(False)
        return x * 2, x * 3, x.long()

    def backward(ctx, *g):
        seen.append([one is None for one in g])
        return g[1] * 3

    x = leaf(torch)
    make(torch, forward, backward).apply(x)[1].sum().backward()
    return seen, x.grad


@case
def list_output(torch):
    out = make(torch, lambda ctx, x: [x * 2, x * 3], lambda ctx, a, b: a).apply(leaf(torch))
    return type(out).__name__, out


@case
def one_tuple(torch):
    out = make(torch, lambda ctx, x: (x * 2,), lambda ctx, a: a).apply(leaf(torch))
    return type(out).__name__, out


@case
def number_output(torch):
    return make(torch, lambda ctx, x: 3, lambda ctx, a: a).apply(leaf(torch))


@case
def none_output(torch):
    return make(torch, lambda ctx, x: None, lambda ctx, a: a).apply(leaf(torch))


@case
def dict_output(torch):
    return make(torch, lambda ctx, x: {"a": x * 2}, lambda ctx, a: a).apply(leaf(torch))


@case
def nested_tuple_output(torch):
    return make(torch, lambda ctx, x: (x * 2, (x * 3, x)), lambda ctx, *a: a[0]).apply(leaf(torch))


@case
def integer_output_only(torch):
    return make(torch, lambda ctx, x: x.long(), lambda ctx, a: a).apply(leaf(torch))


@case
def tensors_in_lists_are_not_inputs(torch):
    seen = []

    def forward(ctx, items, x, scale):
        seen.append(ctx.needs_input_grad)
        return x * scale * len(items)

    x = leaf(torch)
    y = make(torch, forward, lambda ctx, g: (None, g, None)).apply([x, x], x, 2)
    y.sum().backward()
    return seen, x.grad


@case
def needs_input_grad(torch):
    seen = []

    def forward(ctx, *args):
        seen.append(ctx.needs_input_grad)
        return args[0] * 1

    def backward(ctx, g):
        seen.append(ctx.needs_input_grad)
        return g, None, None, None, None

    x = leaf(torch)
    f = make(torch, forward, backward)
    f.apply(x, 2, x.detach(), x * 2, None).sum().backward()
    with torch.no_grad():
        f.apply(x, 2, x.detach(), x * 2, None)
    return seen


@case
def no_arguments(torch):
    return make(torch, lambda ctx: torch.ones(2), lambda ctx, g: ()).apply()


@case
def keyword_arguments(torch):
    f = make(torch, lambda ctx, x, scale=1: x * scale, lambda ctx, g: (g, None))
    return f.apply(leaf(torch), scale=2)


@case
def keyword_arguments_with_setup(torch):
    def setup(ctx, inputs, output):
        ctx.count = len(inputs)

    f = make(torch, lambda x, scale=1: x * scale, lambda ctx, g: (g * ctx.count, None), setup)
    return f.apply(leaf(torch), scale=2)


@case
def defaults_with_setup(torch):
    seen = []

    def setup(ctx, inputs, output):
        seen.append(len(inputs))

    f = make(torch, lambda x, scale=3: x * scale, lambda ctx, g: (g * 3, None), setup)
    x = leaf(torch)
    f.apply(x).sum().backward()
    return seen, x.grad


@case
def unused_trailing_nones(torch):
    x = leaf(torch)
    make(torch, lambda ctx, x: x * 2, lambda ctx, g: (g, None, None)).apply(x).sum().backward()
    return x.grad


@case
def next_functions_of_arguments(torch):
    x = leaf(torch)
    y = make(torch, lambda ctx, a, b, c, d: a * c, lambda ctx, g: (g, None, g, None)).apply(x * 2, 3, x, x.detach())
    return [(None if node is None else node.name(), number) for node, number in y.grad_fn.next_functions]


@case
def no_grad_inside_forward(torch):
    seen = []

    def forward(ctx, x):
        seen.append(torch.is_grad_enabled())
        seen.append((x * 2).requires_grad)
        with torch.enable_grad():
            z = x * 2
        seen.append(z.requires_grad)
        return z

    x = leaf(torch)
    y = make(torch, forward, lambda ctx, g: g).apply(x)
    return seen, y


@case
def grad_mode_in_backward(torch):
    seen = []

    def backward(ctx, g):
        seen.append((torch.is_grad_enabled(), g.requires_grad))
        return g

    x = leaf(torch)
    y = make(torch, lambda ctx, x: x * 2, backward).apply(x)
    y.sum().backward(retain_graph=True)
    torch.autograd.grad(y.sum(), x, create_graph=True)
    with torch.no_grad():
        torch.autograd.grad(y.sum(), x, create_graph=True)
    return seen


@case
def no_gradients_asked(torch):
    f = square(torch)
    y = f.apply(torch.ones(2))
    with torch.no_grad():
        z = f.apply(leaf(torch))
    return y, z


@case
def instance_cannot_be_called(torch):
    return double(torch)()(leaf(torch))


@case
def forward_missing(torch):
    return type("Mine", (torch.autograd.Function,), {}).apply(leaf(torch))


@case
def backward_missing(torch):
    f = type("Mine", (torch.autograd.Function,), {"forward": staticmethod(lambda ctx, x: x * 2)})
    f.apply(leaf(torch)).sum().backward()


@case
def vjp_in_place_of_backward(torch):
    f = type("Mine", (torch.autograd.Function,), {"forward": staticmethod(lambda ctx, x: x * 2), "vjp": staticmethod(lambda ctx, g: g * 5)})
    x = leaf(torch)
    f.apply(x).sum().backward()
    return x.grad


@case
def both_vjp_and_backward(torch):
    f = make(torch, lambda ctx, x: x * 2, lambda ctx, g: g, vjp=lambda ctx, g: g)
    x = leaf(torch)
    f.apply(x).sum().backward()
    return x.grad


# --- saving -----------------------------------------------------------------------------------------------------------------------------


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


# --- mark_dirty -------------------------------------------------------------------------------------------------------------------------


def in_place(torch, seen=None):
    def forward(ctx, x):
        x.mul_(2)
        ctx.mark_dirty(x)
        return x

    return make(torch, forward, lambda ctx, g: g * 2)


@case
def dirty_intermediate(torch):
    x = leaf(torch)
    z = x * 3
    out = in_place(torch).apply(z)
    out.sum().backward()
    return out is z, z, x.grad, z._version


@case
def dirty_leaf(torch):
    return in_place(torch).apply(leaf(torch))


@case
def dirty_leaf_in_no_grad(torch):
    x = leaf(torch)
    with torch.no_grad():
        out = in_place(torch).apply(x)
    return out is x, x, x._version


@case
def dirty_plain_tensor(torch):
    x = torch.ones(2)
    out = in_place(torch).apply(x)
    return out is x, x, x._version


@case
def dirty_view(torch):
    x = leaf(torch)
    z = x * 3
    v = z[1:]
    out = in_place(torch).apply(v)
    z.sum().backward()
    return out is v, z, v, x.grad


@case
def dirty_view_read_through_view(torch):
    x = leaf(torch)
    z = x * 3
    v = z[1:]
    out = in_place(torch).apply(v)
    (out * out).sum().backward()
    return x.grad


@case
def dirty_view_of_leaf(torch):
    return in_place(torch).apply(leaf(torch)[1:])


@case
def dirty_base_of_views(torch):
    x = leaf(torch)
    z = x * 3
    v = z[1:]
    in_place(torch).apply(z)
    v.sum().backward()
    return v, x.grad


@case
def dirty_not_an_input(torch):
    def forward(ctx, x):
        y = x * 2
        ctx.mark_dirty(y)
        return y

    out = make(torch, forward, lambda ctx, g: g * 2).apply(leaf(torch))
    return out


@case
def dirty_not_returned(torch):
    def forward(ctx, x):
        x.mul_(2)
        ctx.mark_dirty(x)
        return x * 1

    return make(torch, forward, lambda ctx, g: g).apply(leaf(torch) * 2)


@case
def dirty_number(torch):
    def forward(ctx, x):
        ctx.mark_dirty(3)
        return x * 1

    return make(torch, forward, lambda ctx, g: g).apply(leaf(torch) * 2)


@case
def dirty_view_among_several_outputs(torch):
    def forward(ctx, x, y):
        x.mul_(2)
        ctx.mark_dirty(x)
        return x, y * 2

    z = leaf(torch) * 3
    return make(torch, forward, lambda ctx, g, h: (g, h)).apply(z[1:], z)


@case
def dirty_among_several_outputs(torch):
    def forward(ctx, x, y):
        x.mul_(y)
        ctx.mark_dirty(x)
        return x, y * 2

    x = leaf(torch)
    z = x * 3
    a, b = make(torch, forward, lambda ctx, g, h: (g, h)).apply(z, x)
    (a + b).sum().backward()
    return a, b, x.grad, a is z


@case
def dirty_without_marking(torch):
    x = leaf(torch)
    z = x * 1
    out = make(torch, lambda ctx, x: x.mul_(2), lambda ctx, g: g * 2).apply(z)
    out.sum().backward()
    return out is z, x.grad, z._version, type(z.grad_fn).__name__


@case
def dirty_gains_history(torch):
    def forward(ctx, x, y):
        x.mul_(y)
        ctx.mark_dirty(x)
        return x

    y = leaf(torch)
    x = torch.ones(3, dtype=torch.float64)
    out = make(torch, forward, lambda ctx, g: (None, g)).apply(x, y)
    out.sum().backward()
    return out is x, x, y.grad


@case
def dirty_view_gains_history(torch):
    def forward(ctx, x, y):
        x.copy_(y)
        ctx.mark_dirty(x)
        return x

    y = leaf(torch)
    base = torch.ones(2, 3, dtype=torch.float64)
    make(torch, forward, lambda ctx, g: (None, g * 5)).apply(base[0], y)
    base.sum().backward()
    return base, y.grad


@case
def dirty_saved_output(torch):
    def forward(ctx, x):
        x.exp_()
        ctx.mark_dirty(x)
        ctx.save_for_backward(x)
        return x

    x = leaf(torch)
    make(torch, forward, lambda ctx, g: g * ctx.saved_tensors[0]).apply(x * 1).sum().backward()
    return x.grad


@case
def dirty_keeps_retained_grad(torch):
    x = leaf(torch)
    z = x * 3
    z.retain_grad()
    in_place(torch).apply(z)
    z.sum().backward()
    return z.grad, x.grad


@case
def dirty_second_order(torch):
    def forward(ctx, x):
        ctx.save_for_backward(x.clone())
        x.mul_(x)
        ctx.mark_dirty(x)
        return x

    x = leaf(torch)
    z = x * 1
    make(torch, forward, lambda ctx, g: g * 2 * ctx.saved_tensors[0]).apply(z)
    return torch.autograd.grad(z.sum(), x, create_graph=True)[0].tolist()


# --- returning inputs and views ---------------------------------------------------------------------------------------------------------


@case
def input_returned(torch):
    x = leaf(torch)
    y = make(torch, lambda ctx, x: x, lambda ctx, g: g * 5).apply(x)
    y.sum().backward()
    return y is x, y, x.grad, y._base is x, x.is_leaf, y.data_ptr() == x.data_ptr()


@case
def input_returned_without_grad(torch):
    x = torch.ones(2)
    y = make(torch, lambda ctx, x: x, lambda ctx, g: g * 5).apply(x)
    return y is x, y, y._base is x, y.data_ptr() == x.data_ptr()


@case
def input_returned_in_no_grad(torch):
    x = leaf(torch)
    with torch.no_grad():
        y = make(torch, lambda ctx, x: x, lambda ctx, g: g * 5).apply(x)
    return y is x, y, y.is_leaf


@case
def input_returned_among_others(torch):
    x = leaf(torch)
    y, z = make(torch, lambda ctx, x: (x, x * 2), lambda ctx, g, h: g * 5 + h * 2).apply(x)
    (y + z).sum().backward()
    return y is x, y, z, x.grad


@case
def intermediate_input_returned(torch):
    x = leaf(torch)
    a = x * 2
    y = make(torch, lambda ctx, x: x, lambda ctx, g: g * 5).apply(a)
    y.sum().backward()
    return y is a, a, y, x.grad


@case
def returned_input_changed_in_place(torch):
    x = leaf(torch)
    a = x * 2
    y = make(torch, lambda ctx, x: x, lambda ctx, g: g * 5).apply(a)
    y.mul_(2)
    y.sum().backward()
    return a, y, x.grad


@case
def returned_input_among_others_changed_in_place(torch):
    x = leaf(torch)
    a = x * 2
    y, _ = make(torch, lambda ctx, x: (x, x * 2), lambda ctx, g, h: g * 5).apply(a)
    y.mul_(2)
    y.sum().backward()
    return a, y, x.grad


@case
def view_returned(torch):
    x = leaf(torch)
    y = make(torch, lambda ctx, x: x.view(3, 1), lambda ctx, g: g.view(3)).apply(x)
    y.sum().backward()
    return y, x.grad, y._base is x


@case
def view_returned_changed_in_place(torch):
    x = leaf(torch)
    a = x * 2
    y = make(torch, lambda ctx, x: x.view(3, 1), lambda ctx, g: g.view(3)).apply(a)
    y.mul_(2)
    y.sum().backward()
    return a, y, x.grad


@case
def views_returned_changed_in_place(torch):
    x = leaf(torch)
    a = x * 2
    y, z = make(torch, lambda ctx, x: (x[:1], x[1:]), lambda ctx, g, h: torch.cat([g, h])).apply(a)
    y.mul_(2)
    y.sum().backward()
    return a, y, x.grad


@case
def view_returned_base_changed(torch):
    x = leaf(torch)
    a = x * 2
    y = make(torch, lambda ctx, x: x.view(3, 1), lambda ctx, g: g.view(3) * 100).apply(a)
    a.mul_(2)
    y.sum().backward()
    return a, y, x.grad


@case
def view_of_a_temporary_returned(torch):
    x = leaf(torch)
    y = make(torch, lambda ctx, x: (x * 2)[1:], lambda ctx, g: torch.cat([g[:1] * 0, g * 2])).apply(x)
    y.mul_(3)
    y.sum().backward()
    return y, x.grad, y._base is None


@case
def two_views_of_a_temporary_returned(torch):
    def forward(ctx, x):
        t = x * 2
        return t[:1], t[1:]

    x = leaf(torch)
    y, z = make(torch, forward, lambda ctx, g, h: torch.cat([g, h]) * 2).apply(x)
    z.mul_(3)
    (y.sum() + z.sum()).backward()
    return y, z, x.grad


@case
def same_output_twice(torch):
    def forward(ctx, x):
        y = x * 2
        return y, y

    x = leaf(torch)
    a, b = make(torch, forward, lambda ctx, g, h: g * 2 + h * 2).apply(x)
    (a * 3 + b).sum().backward()
    return a is b, a.output_nr, b.output_nr, x.grad


@case
def same_input_twice(torch):
    x = leaf(torch)
    make(torch, lambda ctx, x, y: x * y, lambda ctx, g: (g, g * 10)).apply(x, x).sum().backward()
    return x.grad


@case
def constant_returned(torch):
    c = torch.ones(3, dtype=torch.float64)
    y = make(torch, lambda ctx, x: c, lambda ctx, g: g).apply(leaf(torch))
    return y is c, y, c.requires_grad


@case
def outside_leaf_returned(torch):
    w = leaf(torch)
    y = make(torch, lambda ctx, x: w, lambda ctx, g: g).apply(leaf(torch))
    return y is w, y.requires_grad


# --- mark_non_differentiable --------------------------------------------------------------------------------------------------------------


@case
def non_differentiable(torch):
    seen = []

    def forward(ctx, x):
        top, place = x.max(0)
        mask = x * 0
        ctx.mark_non_differentiable(place, mask)
        return top, place, mask

    def backward(ctx, g, h, k):
        seen.append([None if one is None else (one.tolist(), str(one.dtype)) for one in (g, h, k)])
        return torch.ones(3, dtype=torch.float64) * g

    x = leaf(torch)
    out = make(torch, forward, backward).apply(x)
    out[0].backward()
    return seen, out, x.grad


@case
def non_differentiable_only(torch):
    def forward(ctx, x):
        y = x * 2
        ctx.mark_non_differentiable(y)
        return y

    y = make(torch, forward, lambda ctx, g: g).apply(leaf(torch))
    return y, y.is_leaf


@case
def non_differentiable_only_backward(torch):
    def forward(ctx, x):
        y = x * 2
        ctx.mark_non_differentiable(y)
        return y

    make(torch, forward, lambda ctx, g: g).apply(leaf(torch)).sum().backward()


@case
def non_differentiable_twice_marked(torch):
    def forward(ctx, x):
        a, b = x * 2, x * 3
        ctx.mark_non_differentiable(a)
        ctx.mark_non_differentiable(b)
        return a, b

    return make(torch, forward, lambda ctx, g, h: g).apply(leaf(torch))


@case
def non_differentiable_number(torch):
    def forward(ctx, x):
        ctx.mark_non_differentiable(3)
        return x * 2

    return make(torch, forward, lambda ctx, g: g).apply(leaf(torch))


@case
def non_differentiable_input(torch):
    def forward(ctx, x):
        ctx.mark_non_differentiable(x)
        return x

    x = leaf(torch)
    y = make(torch, forward, lambda ctx, g: g).apply(x)
    return y is x, y


@case
def non_differentiable_dirty(torch):
    def forward(ctx, x):
        x.mul_(2)
        ctx.mark_dirty(x)
        ctx.mark_non_differentiable(x)
        return x

    x = leaf(torch)
    z = x * 1
    y = make(torch, forward, lambda ctx, g: g).apply(z)
    return y is z, y


# --- wrong returns of backward ------------------------------------------------------------------------------------------------------------


@case
def too_few_gradients(torch):
    x = leaf(torch)
    make(torch, lambda ctx, x, y: x * y, lambda ctx, g: g).apply(x, x).sum().backward()


@case
def too_many_gradients(torch):
    x = leaf(torch)
    make(torch, lambda ctx, x: x * 2, lambda ctx, g: (g, g)).apply(x).sum().backward()


@case
def gradient_is_a_number(torch):
    make(torch, lambda ctx, x: x * 2, lambda ctx, g: 3).apply(leaf(torch)).sum().backward()


@case
def gradient_is_a_string(torch):
    x = leaf(torch)
    make(torch, lambda ctx, x, y: x * y, lambda ctx, g: (g, "no")).apply(x, x).sum().backward()


@case
def gradient_for_a_number(torch):
    x = leaf(torch)
    make(torch, lambda ctx, x, n: x * n, lambda ctx, g: (g, g)).apply(x, 2).sum().backward()


@case
def gradient_for_a_constant_tensor(torch):
    x = leaf(torch)
    make(torch, lambda ctx, x, n: x * n, lambda ctx, g: (g, g)).apply(x, x.detach()).sum().backward()
    return x.grad


@case
def gradient_for_a_constant_tensor_is_text(torch):
    x = leaf(torch)
    make(torch, lambda ctx, x, n: x * n, lambda ctx, g: (g, "no")).apply(x, x.detach()).sum().backward()
    return x.grad


@case
def gradient_of_wrong_shape(torch):
    make(torch, lambda ctx, x: x * 2, lambda ctx, g: torch.ones(5)).apply(leaf(torch)).sum().backward()


@case
def gradient_of_expandable_shape(torch):
    x = leaf(torch)
    make(torch, lambda ctx, x: x * 2, lambda ctx, g: g.sum()).apply(x).sum().backward()
    return x.grad


@case
def gradient_of_summable_shape(torch):
    x = leaf(torch)
    make(torch, lambda ctx, x: x * 2, lambda ctx, g: torch.ones(4, 3, dtype=torch.float64)).apply(x).sum().backward()
    return x.grad


@case
def gradient_of_other_type(torch):
    x = leaf(torch)
    make(torch, lambda ctx, x: x * 2, lambda ctx, g: g.float()).apply(x).sum().backward()
    return str(x.grad.dtype)


@case
def gradients_in_a_list(torch):
    x = leaf(torch)
    make(torch, lambda ctx, x, y: x * y, lambda ctx, g: [g, g]).apply(x, x).sum().backward()
    return x.grad


@case
def error_in_backward(torch):
    def backward(ctx, g):
        raise KeyError("mine")

    make(torch, lambda ctx, x: x * 2, backward).apply(leaf(torch)).sum().backward()


@case
def error_in_forward(torch):
    def forward(ctx, x):
        raise KeyError("mine")

    make(torch, forward, lambda ctx, g: g).apply(leaf(torch))


@case
def returns_its_own_cotangent(torch):
    x, y = leaf(torch), leaf(torch)
    make(torch, lambda ctx, x, y: x + y, lambda ctx, g: (g, g)).apply(x, y).sum().backward()
    x.grad.mul_(2)
    return x.grad, y.grad


@case
def changes_its_cotangent(torch):
    x, y = leaf(torch), leaf(torch)
    a = x * 1
    b = make(torch, lambda ctx, x: x * 2, lambda ctx, g: g.clone().mul_(2)).apply(a)
    (a + b).sum().backward()
    return x.grad


# --- once_differentiable, higher orders, nesting -----------------------------------------------------------------------------------------


def once(torch):
    from importlib import import_module

    mark = import_module(f"{torch.__name__}.autograd.function").once_differentiable

    def forward(ctx, x, y):
        ctx.save_for_backward(x, y)
        return x * y

    @mark
    def backward(ctx, g):
        x, y = ctx.saved_tensors
        return g * y, g * x

    return make(torch, forward, backward)


@case
def once_first_order(torch):
    x = leaf(torch)
    once(torch).apply(x, x * 2).sum().backward()
    return x.grad


@case
def once_second_order(torch):
    x = leaf(torch)
    (g,) = torch.autograd.grad(once(torch).apply(x, x.detach()).sum(), x, create_graph=True)
    return g.requires_grad


@case
def once_second_order_asked(torch):
    x = leaf(torch)
    y = once(torch).apply(x * x, x.detach())
    (g,) = torch.autograd.grad((y * y).sum(), x, create_graph=True)
    g.sum().backward()


@case
def once_grad_fn(torch):
    x = leaf(torch)
    y = once(torch).apply(x * x, x.detach())
    seen = []
    x.register_hook(lambda g: seen.append(g.requires_grad))
    torch.autograd.grad((y * y).sum(), x, create_graph=True)
    return seen


@case
def double_backward_through_backward(torch):
    x = leaf(torch)
    y = square(torch).apply(square(torch).apply(x))
    orders = [y.sum()]
    for _ in range(3):
        orders.append(torch.autograd.grad(orders[-1], x, create_graph=True)[0].sum())
    return [one.item() for one in orders]


@case
def backward_uses_another_function(torch):
    inner = square(torch)

    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x * x / 3

    x = leaf(torch)
    f = make(torch, forward, lambda ctx, g: g * inner.apply(ctx.saved_tensors[0]))
    (g,) = torch.autograd.grad(f.apply(x).sum(), x, create_graph=True)
    (h,) = torch.autograd.grad(g.sum(), x)
    return g, h


@case
def backward_inside_backward(torch):
    def forward(ctx, x):
        with torch.enable_grad():
            ctx.x = x.detach().requires_grad_()
            ctx.y = (ctx.x ** 3).sum()
        return ctx.y.detach()

    def backward(ctx, g):
        with torch.enable_grad():
            ctx.y.backward()
        return ctx.x.grad * g

    x = leaf(torch)
    make(torch, forward, backward).apply(x * 2).backward()
    return x.grad


@case
def deep_reentrance(torch):
    f = None

    def forward(ctx, x, depth):
        ctx.depth = depth
        with torch.enable_grad():
            ctx.x = x.detach().requires_grad_()
            ctx.y = ctx.x * 1.5 if depth == 0 else f.apply(ctx.x * 1.5, depth - 1)
        return ctx.y.detach()

    def backward(ctx, g):
        ctx.y.backward(g)
        return ctx.x.grad, None

    f = make(torch, forward, backward)
    x = leaf(torch)
    f.apply(x, 20).sum().backward()
    return x.grad


@case
def reentrant_on_the_same_leaf(torch):
    w = leaf(torch)

    def backward(ctx, g):
        with torch.enable_grad():
            (w * 10).sum().backward()
        return g

    make(torch, lambda ctx, x: x * 1, backward).apply(w).sum().backward()
    return w.grad


@case
def nested_apply_in_forward(torch):
    inner = square(torch)
    x = leaf(torch)
    y = make(torch, lambda ctx, x: inner.apply(x) + 1, lambda ctx, g: g * 7).apply(x)
    y.sum().backward()
    return y, x.grad


@case
def gradcheck_of_a_function(torch):
    return torch.autograd.gradcheck(square(torch).apply, leaf(torch)), torch.autograd.gradgradcheck(square(torch).apply, leaf(torch))


@case
def hooks_on_the_node(torch):
    log = []
    x = leaf(torch)
    y = make(torch, lambda ctx, x: (x * 2, x * 3), lambda ctx, g, h: g * 2 + h * 3).apply(x)
    y[0].grad_fn.register_prehook(lambda g: log.append(["pre", [one.tolist() for one in g]]))
    y[0].grad_fn.register_hook(lambda i, o: log.append(["post", [one.tolist() for one in i], [one.tolist() for one in o]]))
    y[1].register_hook(lambda g: g * 10)
    (y[0] + y[1]).sum().backward()
    return log, x.grad


@case
def names_and_module(torch):
    y = square(torch).apply(leaf(torch))
    return repr(y).split("grad_fn=")[1], type(y.grad_fn).__name__, str(y.grad_fn).startswith("<torch.autograd.function.MineBackward object at")


@case
def in_place_function(torch):
    class Scale(torch.autograd.function.InplaceFunction):
        @staticmethod
        def forward(ctx, x):
            ctx.mark_dirty(x)
            return x.mul_(2)

        @staticmethod
        def backward(ctx, g):
            return g * 2

    x = leaf(torch)
    Scale.apply(x * 1).sum().backward()
    return x.grad, Scale(True).inplace


@case
def inherited_functions(torch):
    base = square(torch)
    other = type("Child", (base,), {})
    y = other.apply(leaf(torch))
    return y.grad_fn.name(), base.apply(leaf(torch)).grad_fn.name()


@case
def class_methods_in_forward(torch):
    class Counted(torch.autograd.Function):
        factor = 4

        @classmethod
        def scaled(cls, x):
            return x * cls.factor

        @classmethod
        def forward(cls, ctx, x):
            return cls.scaled(x)

        @classmethod
        def backward(cls, ctx, g):
            return g * cls.factor

    x = leaf(torch)
    Counted.apply(x).sum().backward()
    return x.grad


@case
def complex_function(torch):
    z = torch.tensor([1 + 2j, 3 - 1j], dtype=torch.complex128, requires_grad=True)

    def forward(ctx, z):
        ctx.save_for_backward(z)
        return z * z

    f = make(torch, forward, lambda ctx, g: g * 2 * ctx.saved_tensors[0].conj())
    f.apply(z).abs().sum().backward()
    return [[one.real, one.imag] for one in z.grad.tolist()], torch.autograd.gradcheck(f.apply, z)


@case
def retain_grad_on_output(torch):
    x = leaf(torch)
    a, b = make(torch, lambda ctx, x: (x * 2, x * 3), lambda ctx, g, h: g * 2 + h * 3).apply(x)
    a.retain_grad()
    (a * 5 + b).sum().backward()
    return a.grad, x.grad


@case
def grad_with_respect_to_output(torch):
    x = leaf(torch)
    a, b = make(torch, lambda ctx, x: (x * 2, x * 3), lambda ctx, g, h: g * 2 + h * 3).apply(x)
    return torch.autograd.grad((a * b).sum(), [a, b, x])


@case
def views_as_inputs(torch):
    x = leaf(torch)
    z = x * 1
    v = z[1:]
    z.mul_(3)
    y = square(torch).apply(v)
    y.sum().backward()
    return y, x.grad


@case
def anomaly_names_the_function(torch):
    with torch.autograd.detect_anomaly():
        make(torch, lambda ctx, x: x * 2, lambda ctx, g: g * float("nan")).apply(leaf(torch)).sum().backward()


# --- forward mode -----------------------------------------------------------------------------------------------------------------------


def with_jvp(torch, jvp=None, forward=None, **more):
    def product(ctx, x, y):
        ctx.save_for_backward(x, y)
        ctx.save_for_forward(x, y)
        return x * y

    def derivative(ctx, x_t, y_t):
        x, y = ctx.saved_tensors
        return x_t * y + x * y_t

    return make(torch, forward or product, lambda ctx, g: (g * ctx.saved_tensors[1], g * ctx.saved_tensors[0]), jvp=jvp or derivative, **more)


def pushed(torch, f, x, x_t, *rest):
    fwd = torch.autograd.forward_ad
    with fwd.dual_level():
        dual = fwd.make_dual(x, x_t)
        out = f.apply(dual, *rest)
        several = out if isinstance(out, tuple) else (out,)
        return [None if not isinstance(one, torch.Tensor) else list(fwd.unpack_dual(one)) for one in several]


@case
def jvp_of_a_function(torch):
    x = leaf(torch).detach()
    return pushed(torch, with_jvp(torch), x, x * 0 + 1, x * 2)


@case
def jvp_materializes(torch):
    seen = []

    def jvp(ctx, *t):
        seen.append([None if one is None else one.tolist() for one in t])
        return t[0]

    f = make(torch, lambda ctx, x, y, n: x * y, lambda ctx, g: (g, g, None), jvp=jvp)
    x = leaf(torch).detach()
    pushed(torch, f, x, x * 0 + 1, x * 2, 3)
    return seen


@case
def jvp_unmaterialized(torch):
    seen = []

    def forward(ctx, x, y, n):
        ctx.set_materialize_grads(False)
        return x * y

    def jvp(ctx, *t):
        seen.append([None if one is None else one.tolist() for one in t])
        return t[0]

    f = make(torch, forward, lambda ctx, g: (g, g, None), jvp=jvp)
    x = leaf(torch).detach()
    pushed(torch, f, x, x * 0 + 1, x * 2, 3)
    return seen


@case
def jvp_missing(torch):
    x = leaf(torch).detach()
    return pushed(torch, square(torch), x, x * 0 + 1)


@case
def jvp_missing_but_no_tangent(torch):
    fwd = torch.autograd.forward_ad
    with fwd.dual_level():
        return square(torch).apply(leaf(torch))


@case
def jvp_wrong_count(torch):
    x = leaf(torch).detach()
    return pushed(torch, with_jvp(torch, lambda ctx, a, b: (a, b)), x, x * 0 + 1, x)


@case
def jvp_not_a_tensor(torch):
    x = leaf(torch).detach()
    return pushed(torch, with_jvp(torch, lambda ctx, a, b: 3), x, x * 0 + 1, x)


@case
def jvp_of_wrong_shape(torch):
    x = leaf(torch).detach()
    return pushed(torch, with_jvp(torch, lambda ctx, a, b: a[:1]), x, x * 0 + 1, x)


@case
def jvp_of_other_type(torch):
    x = leaf(torch).detach()
    return pushed(torch, with_jvp(torch, lambda ctx, a, b: a.float()), x, x * 0 + 1, x)


@case
def jvp_several(torch):
    f = make(
        torch, lambda ctx, x: (x * 2, x.long(), 5, x * 3), lambda ctx, *g: g[0], jvp=lambda ctx, t: (t * 2, None, None, t * 3)
    )
    x = leaf(torch).detach()
    return pushed(torch, f, x, x * 0 + 1)


@case
def jvp_with_setup(torch):
    def setup(ctx, inputs, output):
        ctx.save_for_forward(*inputs, output)

    f = make(torch, lambda x: x.exp(), lambda ctx, g: g, setup, jvp=lambda ctx, t: t * ctx.saved_tensors[1])
    x = leaf(torch).detach()
    return pushed(torch, f, x, x * 0 + 1)


@case
def jvp_in_place(torch):
    def forward(ctx, x):
        ctx.mark_dirty(x)
        return x.mul_(2)

    def jvp(ctx, t):
        return t.mul_(2)

    fwd = torch.autograd.forward_ad
    x = leaf(torch).detach()
    with fwd.dual_level():
        dual = fwd.make_dual(x, x * 0 + 1)
        out = make(torch, forward, lambda ctx, g: g * 2, jvp=jvp).apply(dual)
        return out is dual, list(fwd.unpack_dual(out))


@case
def jvp_in_place_not_in_place(torch):
    def forward(ctx, x):
        ctx.mark_dirty(x)
        return x.mul_(2)

    x = leaf(torch).detach()
    return pushed(torch, make(torch, forward, lambda ctx, g: g * 2, jvp=lambda ctx, t: t * 2), x, x * 0 + 1)


@case
def jvp_of_a_view(torch):
    f = make(torch, lambda ctx, x: x.view(3, 1), lambda ctx, g: g.view(3), jvp=lambda ctx, t: t.view(3, 1))
    x = leaf(torch).detach()
    return pushed(torch, f, x, x * 0 + 1)


@case
def jvp_of_a_view_that_is_none(torch):
    f = make(torch, lambda ctx, x: x.view(3, 1), lambda ctx, g: g.view(3), jvp=lambda ctx, t: (t * 2).view(3, 1))
    x = leaf(torch).detach()
    return pushed(torch, f, x, x * 0 + 1)


@case
def jvp_then_backward(torch):
    fwd = torch.autograd.forward_ad
    x = leaf(torch)
    with fwd.dual_level():
        dual = fwd.make_dual(x, torch.ones_like(x))
        out = with_jvp(torch).apply(dual, x.detach() * 2)
        tangent = fwd.unpack_dual(out).tangent
        return torch.autograd.grad(tangent.sum(), x, allow_unused=True), out.requires_grad, tangent.requires_grad
