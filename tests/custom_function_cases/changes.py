"""In-place changes, views, and outputs without derivative."""

from __future__ import annotations

from facts import leaf

from .programs import case, make

# --- mark_dirty -------------------------------------------------------------------------------------------------------------------


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


# --- returning inputs and views ---------------------------------------------------------------------------------------------------


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


# --- mark_non_differentiable ------------------------------------------------------------------------------------------------------


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
