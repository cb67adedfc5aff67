"""Programs with `autograd.grad` and `backward` (see facts.py): every argument, and what is freed and kept."""

from __future__ import annotations

import pickle
import warnings
from collections import OrderedDict

from facts import Programs, key_phrase, leaf

PROGRAMS = case = Programs("pass")


def grad(torch, *args, **options):
    return list(torch.autograd.grad(*args, **options))


def attempt(function, *args, **options):
    """What a call gives, or the type and the first words of its error."""
    try:
        return function(*args, **options)
    except Exception as error:
        return [type(error).__name__, key_phrase(str(error)).split(", but got")[0].split(". If you are using")[0]]


# --- outputs and inputs -----------------------------------------------------------------------------------------------------------


@case
def sequences_of_every_kind(torch):
    x = leaf(torch)
    y = (x * x).sum()
    return [attempt(grad, torch, outputs, inputs, retain_graph=True)
            for outputs in (y, (y,), [y], iter([y]))
            for inputs in (x, (x,), [x], {"a": x}.values())]  # fmt: skip


@case
def duplicated_inputs(torch):
    x = leaf(torch)
    return grad(torch, (x * x).sum(), (x, x))


@case
def duplicated_outputs(torch):
    x = leaf(torch)
    y = (x * x).sum()
    return grad(torch, (y, y), x)


@case
def inputs_that_are_outputs(torch):
    x = leaf(torch)
    y = (x * x).sum()
    return grad(torch, y, (y, x), retain_graph=True), grad(torch, (y, y * 2), (y,), retain_graph=True), grad(torch, x.sum(), x)


@case
def a_leaf_by_itself(torch):
    x = torch.tensor(2.0, requires_grad=True)
    x.backward()
    return x.grad, grad(torch, x, x), grad(torch, (x, x), x)


@case
def inner_inputs(torch):
    x = leaf(torch)
    y = x * x
    z = y * 3
    return grad(torch, z.sum(), (z, y, x), allow_unused=True)


@case
def an_input_after_the_output(torch):
    x = leaf(torch)
    y = x * x
    z = y * 3
    return grad(torch, y.sum(), z, allow_unused=True)


@case
def unused_inputs(torch):
    x, other = leaf(torch), leaf(torch)
    y = (x * x).sum()
    choices = ({}, {"allow_unused": True}, {"allow_unused": False}, {"materialize_grads": True}, {"allow_unused": None},
               {"materialize_grads": True, "allow_unused": True}, {"materialize_grads": True, "allow_unused": False},
               {"only_inputs": True}, {"create_graph": True, "materialize_grads": True})  # fmt: skip
    return [attempt(grad, torch, y, (x, other), retain_graph=True, **options) for options in choices]


@case
def unused_in_the_middle(torch):
    x, one, two = leaf(torch), leaf(torch), leaf(torch)
    return grad(torch, x.sum(), (one, x, two))


@case
def only_inputs_false(torch):
    x = leaf(torch)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = grad(torch, x.sum(), x, only_inputs=False)
    return found, [[one.category.__name__, str(one.message)] for one in caught], x.grad


@case
def inputs_without_gradient(torch):
    x = leaf(torch)
    return [attempt(grad, torch, (x * x).sum(), given, **options)
            for given in (torch.ones(3), x.detach(), (x, torch.ones(1)), torch.tensor([1, 2]), 3, None, (None,), (x, 3), [], ())
            for options in ({}, {"allow_unused": True})]  # fmt: skip


@case
def outputs_without_gradient(torch):
    x = leaf(torch)
    return [attempt(grad, torch, given, x)
            for given in (torch.ones(()), (x.sum(), torch.ones(())), (x > 1).sum(), x.argmax(), 3, None, (None,), [], ())
            ]  # fmt: skip


@case
def outputs_of_several_elements(torch):
    x = leaf(torch)
    y = x * x
    return [attempt(grad, torch, given, x, retain_graph=True)
            for given in (y, (y.sum(), y), y[:1], y[:1].reshape(1, 1), y[:0], y.sum() * (1 + 1j))]  # fmt: skip


@case
def unpacking_an_empty_request(torch):
    x = leaf(torch)
    return attempt(grad, torch, (x * x).sum(), [])


# --- cotangents -------------------------------------------------------------------------------------------------------------------


def cotangents(torch):
    one = torch.ones(3, dtype=torch.float64)
    return [one, (one,), [one], None, (None,), one.float(), one.long(), one.bool(), one * 1j, one[:2], one.reshape(3, 1),
            one.sum(), one.half(), one.clone().requires_grad_(), 1.0, (1.0,), "one", (), one.numpy(), [1.0, 1.0, 1.0], iter([one])
            ]  # fmt: skip


@case
def cotangents_of_grad(torch):
    x = leaf(torch)
    y = x * x
    return [attempt(grad, torch, y, x, one, retain_graph=True) for one in cotangents(torch)]


@case
def cotangents_of_backward(torch):
    def run(given):
        x = leaf(torch)
        torch.autograd.backward(x * x, given)
        return x.grad

    return [attempt(run, one) for one in cotangents(torch)]


@case
def gradient_of_a_tensor_backward(torch):
    def run(given):
        x = leaf(torch)
        (x * x).backward(given)
        return x.grad

    return [attempt(run, one) for one in cotangents(torch)]


@case
def cotangents_of_several(torch):
    x = leaf(torch)
    y, z, one = x * x, x.sum(), torch.ones(3, dtype=torch.float64)
    return [attempt(grad, torch, (y, z), x, given, retain_graph=True)
            for given in ((one, None), (None, None), [one], one, None, (one, z.detach()), [one, 2.0])]  # fmt: skip


@case
def cotangent_of_a_complex_output(torch):
    x = leaf(torch)
    y, one = x * (1 + 2j), torch.ones(3, dtype=torch.float64)
    return [attempt(grad, torch, y, x, given, retain_graph=True)
            for given in (one, one * 1j, (one * 1j).to(torch.complex64), None, one.float())]  # fmt: skip


@case
def cotangent_of_float32(torch):
    x = torch.ones(3, requires_grad=True)
    found = grad(torch, x * x, x, torch.ones(3, dtype=torch.float64))
    return found, found[0].dtype


@case
def cotangent_with_a_history(torch):
    x, v = leaf(torch), leaf(torch)
    (plain,) = grad(torch, x * x, x, v)
    (recorded,) = grad(torch, x * x, x, v, create_graph=True)
    return plain, recorded, grad(torch, recorded.sum(), (x, v))


@case
def cotangent_is_not_changed(torch):
    x, v = leaf(torch), torch.ones(3, dtype=torch.float64)
    (x + 0).backward(v)
    (x + 0).backward(v)
    x.grad.add_(1)
    return v, x.grad


@case
def grad_is_not_the_cotangent(torch):
    x, v = leaf(torch), torch.ones(3, dtype=torch.float64)
    x.backward(v)
    x.grad.mul_(3)
    return v, x.grad, x.grad is v


@case
def expanded_cotangent(torch):
    x = leaf(torch)
    x.backward(torch.ones((), dtype=torch.float64).expand(3))
    x.grad.mul_(torch.tensor([1.0, 2.0, 3.0]))
    return x.grad, x.grad.stride()


# --- batches of cotangents --------------------------------------------------------------------------------------------------------


@case
def batched_cotangents(torch):
    x, other = leaf(torch), leaf(torch)
    y, eye = x * x, torch.eye(3, dtype=torch.float64)
    options = {"is_grads_batched": True, "retain_graph": True}
    return [
        attempt(grad, torch, y, x, eye, **options),
        attempt(grad, torch, (y, y.sum()), x, (eye, torch.ones(3, dtype=torch.float64)), **options),
        attempt(grad, torch, y, x, eye[0], **options),
        attempt(grad, torch, y, x, None, **options),
        attempt(grad, torch, y, (x, other), eye, **options),
        attempt(grad, torch, y, (x, other), eye, allow_unused=True, **options),
        attempt(grad, torch, y, (x, other), eye, materialize_grads=True, **options),
        [one.detach() for one in grad(torch, y, x, eye, create_graph=True, **options)],
        attempt(grad, torch, y, x, eye.float(), **options),
        attempt(grad, torch, y, x, 3.0, **options),
    ]


# --- backward ---------------------------------------------------------------------------------------------------------------------


@case
def backward_of_several(torch):
    x, y = leaf(torch), leaf(torch)
    torch.autograd.backward([(x * x).sum(), x * y], [None, torch.ones(3, dtype=torch.float64)])
    return x.grad, y.grad


@case
def backward_of_nothing(torch):
    return [attempt(torch.autograd.backward, given) for given in ([], (), None, 3, [None])]


@case
def backward_of_what_needs_none(torch):
    x = leaf(torch)
    return [attempt(torch.autograd.backward, given)
            for given in (torch.ones(()), (x.sum(), torch.ones(())), torch.tensor(3), (x > 1).any())]  # fmt: skip


@case
def backward_with_inputs(torch):
    def run(pick, **options):
        x, y = leaf(torch), leaf(torch)
        inner = x * y
        out = (inner * inner).sum()
        torch.autograd.backward(out, inputs=pick(x, y, inner), **options)
        return x.grad, y.grad, inner.grad if inner.retains_grad else None

    picks = [
        lambda x, y, inner: x, lambda x, y, inner: [x], lambda x, y, inner: (x, y), lambda x, y, inner: [inner],
        lambda x, y, inner: [inner, x], lambda x, y, inner: [x, x], lambda x, y, inner: [], lambda x, y, inner: (),
        lambda x, y, inner: [leaf(torch)], lambda x, y, inner: [torch.ones(3)], lambda x, y, inner: None, lambda x, y, inner: 3,
        lambda x, y, inner: [x, None],
    ]  # fmt: skip
    return [attempt(run, pick) for pick in picks]


@case
def backward_accumulates_in_inner_inputs(torch):
    x = leaf(torch)
    y = x * x
    for _ in range(2):
        y.sum().backward(inputs=[y], retain_graph=True)
    return y.grad, x.grad, y.retains_grad


@case
def grad_variables(torch):
    def run(**options):
        x = leaf(torch)
        torch.autograd.backward(x * x, **options)
        return x.grad

    one = torch.ones(3, dtype=torch.float64)
    return [attempt(run, grad_variables=one), attempt(run, grad_tensors=one, grad_variables=one), attempt(run, grad_tensors=one)]


@case
def backward_with_create_graph(torch):
    x = leaf(torch)
    (x**3).sum().backward(create_graph=True)
    first = x.grad
    x.grad = None
    return first, grad(torch, first.sum(), x)


@case
def warnings_that_are_given_once(torch):
    def count(function):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            for _ in range(3):
                function()
        return [len(caught), [str(one.message)[:60] for one in caught[:1]]]

    def cycle():
        leaf(torch).sum().backward(create_graph=True)

    functions = (cycle, lambda: torch.ones(2, 3, 4).T, lambda: float(leaf(torch).sum()), lambda: (leaf(torch) * 2).grad)
    for function in functions:
        count(function)
    found = [torch.is_warn_always_enabled(), *(count(function) for function in functions)]
    torch.set_warn_always(True)
    found += [torch.is_warn_always_enabled(), *(count(function) for function in functions)]
    torch.set_warn_always(False)
    return [*found, attempt(torch.set_warn_always, 1), torch.is_warn_always_enabled()]


@case
def backward_within_no_grad(torch):
    x = leaf(torch)
    y = (x**3).sum()
    with torch.no_grad():
        (found,) = grad(torch, y, x, create_graph=True)
        y.backward()
    return found, x.grad


@case
def accumulation(torch):
    x = leaf(torch)
    x.grad = torch.ones(3, dtype=torch.float64)
    before = x.grad
    (x * x).sum().backward()
    kept = before is x.grad
    x.sum().backward(create_graph=True)
    return kept, before is x.grad, before, x.grad


@case
def accumulation_into_a_grad_with_history(torch):
    x = leaf(torch)
    (x**3).sum().backward(create_graph=True)
    (x * x).sum().backward()
    return x.grad


# --- what is kept and freed -------------------------------------------------------------------------------------------------------

KEPT = [
    "(x * x).sum()", "(x * 2).sum()", "(x + 1).sum()", "x.exp().sum()", "x.sum()", "x.mean()", "x @ x", "(x**2).sum()", "x[1]",
    "x[1:].sum()", "x.unsqueeze(0).sum()", "x.relu().sum()", "x.max()", "x.where(x > 1, x * 2).sum()", "x.reshape(3, 1).sum()",
    "x.sort()[0].sum()", "x.cumsum(0).sum()", "(-x).sum()", "x.abs().sum()", "x.clamp(0, 2).sum()", "x.softmax(0)[0]", "x.prod()",
    "x.norm()", "(x / 2).sum()", "(2 / x).sum()", "(x - x).sum()", "x.expand(2, 3).sum()", "x.clone().sum()", "x.float().sum()",
    "x.reshape(1, 3).t().sum()", "x.flip(0).sum()", "x.roll(1).sum()", "x.gather(0, (x * 0).long()).sum()", "x.var()",
    "x.sqrt().sum()", "x.sigmoid().sum()", "x[x > 1].sum()", "x[[0, 0]].sum()", "x.clone().mul_(3).sum()",
    "x.lerp(x * 2, 0.5).sum()", "x.square().sum()", "x.repeat(2).sum()", "x.diag().sum()", "x.outer(x).sum()", "x.logsumexp(0)",
    "x.amax()", "x.unbind()[0]", "x.chunk(2)[0].sum()",
]  # fmt: skip


@case
def second_passes(torch):
    """Which graphs can be differentiated a second time."""
    found = {}
    for expression in KEPT:
        y = eval(expression, {"x": leaf(torch)})
        y.backward()
        found[expression] = attempt(y.backward)
    return found


@case
def second_pass_by_grad(torch):
    x = leaf(torch)
    y = (x * x).sum()
    grad(torch, y, x)
    return attempt(grad, torch, y, x), attempt(y.backward)


@case
def retained_graphs(torch):
    x = leaf(torch)
    y = (x * x).sum()
    y.backward(retain_graph=True)
    y.backward(retain_graph=True)
    y.backward()
    return x.grad, attempt(y.backward)


@case
def create_graph_retains(torch):
    x = leaf(torch)
    y = (x * x).sum()
    first, second = grad(torch, y, x, create_graph=True), grad(torch, y, x, create_graph=True)
    return first, second, grad(torch, y, x, create_graph=True, retain_graph=False), attempt(grad, torch, y, x)


@case
def what_is_shared_is_freed(torch):
    x = leaf(torch)
    shared = x * x
    one, two = shared.sum(), (shared * 2).sum()
    one.backward()
    return attempt(two.backward), x.grad


@case
def what_is_not_needed_is_not_freed(torch):
    x, w = leaf(torch), leaf(torch)
    inner = x * x
    y = inner * w
    (found,) = grad(torch, y.sum(), inner)
    return found, grad(torch, inner.sum(), x), attempt(grad, torch, y.sum(), w)


@case
def saved_attributes_after_the_pass(torch):
    x = leaf(torch)
    y = x * x
    z = y.exp()
    z.sum().backward()
    saved = [(y, "_saved_self"), (z, "_saved_result"), (y, "_saved_other")]
    return [attempt(getattr, made.grad_fn, name) for made, name in saved]


@case
def derivatives_of_powers(torch):
    """Derivative after derivative until there are none."""
    found = {}
    for n in (0, 1, 2, 3, 4, 2.0, -1):
        x = leaf(torch)
        y, orders = x**n, []
        while y.requires_grad and len(orders) < 6:
            (y,) = torch.autograd.grad(y.sum(), x, create_graph=True)
            orders.append([y.detach().tolist(), y.requires_grad])
        found[str(n)] = orders
    return found


# --- edges ------------------------------------------------------------------------------------------------------------------------


@case
def gradient_edges(torch):
    edge_of = torch.autograd.graph.get_gradient_edge
    x = leaf(torch)
    y = x * x
    z = (y * 3).sum()
    e = edge_of(y)
    found = [
        attempt(grad, torch, z, e, retain_graph=True), attempt(grad, torch, z, (e, x), retain_graph=True),
        attempt(grad, torch, z, edge_of(x), retain_graph=True), attempt(grad, torch, edge_of(z), x, retain_graph=True),
        attempt(grad, torch, e, x, torch.ones(3, dtype=torch.float64), retain_graph=True),
        attempt(grad, torch, e, x, retain_graph=True),
        attempt(grad, torch, z, e, materialize_grads=True, retain_graph=True),
        attempt(torch.autograd.backward, edge_of(z), retain_graph=True), x.grad,
        attempt(torch.autograd.backward, e, torch.ones(3, dtype=torch.float64), retain_graph=True), x.grad,
        attempt(edge_of, torch.ones(1)), attempt(edge_of, 3),
    ]  # fmt: skip
    x.grad = None
    torch.autograd.backward(z, inputs=edge_of(x), retain_graph=True)
    return found, x.grad, e.output_nr, type(e).__name__, isinstance(e, tuple)


@case
def edge_of_one_of_several_outputs(torch):
    x = leaf(torch)
    a, b = x.split([1, 2])
    e = torch.autograd.graph.get_gradient_edge(b)
    return e.output_nr, grad(torch, (a.sum() + (b * b).sum()), e), type(e.node).__name__


# --- what a tensor says -----------------------------------------------------------------------------------------------------------


@case
def grad_of_what_needs_none(torch):
    x = torch.ones(3)
    x.grad = torch.ones(3)
    kept = x.grad
    del x.grad
    return kept, x.grad


@case
def grad_of_itself(torch):
    x = leaf(torch)
    x.grad = x
    return x.grad


@case
def requires_grad_method(torch):
    y = leaf(torch) * 2
    tensors = (y, torch.ones(1), torch.tensor(1))
    return [attempt(tensor.requires_grad_, *args) for tensor in tensors for args in ((), (True,), (False,))]


@case
def detaching(torch):
    x = leaf(torch)
    y = x * 2
    alias = y.detach()
    again = y.detach_()
    view = (x * 2)[1:]
    return alias, again is y, y.requires_grad, y.grad_fn, attempt(view.detach_), attempt(x.detach_), x.requires_grad


@case
def hooks_and_retained_grads_in_passes_with_inputs(torch):
    x = leaf(torch)
    y = x * x
    y.retain_grad()
    seen = []
    y.register_hook(lambda g: seen.append(g.tolist()))
    z = (y * 2).sum()
    first = grad(torch, z, x, retain_graph=True)
    between = y.grad
    second = grad(torch, z, y, retain_graph=True)
    z.backward()
    return first, between, second, y.grad, seen


@case
def accessing_grad_of_an_inner_tensor_warns(torch):
    y = leaf(torch) * 2
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = y.grad
    return found, [[one.category.__name__, str(one.message)[:120]] for one in caught]


# --- the type of gradients --------------------------------------------------------------------------------------------------------


@case
def assigning_grad(torch):
    def run(value):
        x = leaf(torch)
        x.grad = value
        return x.grad

    one = torch.ones(3, dtype=torch.float64)
    values = (one, None, one.float(), one[:2], 3, [1.0], one.clone().requires_grad_(), one.long(), one.bool(), one * 1j, one.half())
    return [attempt(run, value) for value in values]


def with_grad_dtype(torch, kind):
    x = torch.ones(3, requires_grad=True)
    x.grad_dtype = kind
    return x


@case
def setting_grad_dtype(torch):
    def run(tensor, kind):
        tensor.grad_dtype = kind
        return str(tensor.grad_dtype)

    kinds = (torch.float64, None, torch.float32, torch.int64, 3, "float")
    makers = (lambda: leaf(torch), lambda: leaf(torch) * 2, lambda: torch.ones(3), lambda: torch.tensor(1))
    found = [attempt(run, make(), kind) for make in makers for kind in kinds]
    return found, [attempt(lambda make=make: str(make().grad_dtype)) for make in makers]


@case
def gradients_in_another_type(torch):
    found = []
    for kind in (torch.float64, torch.float16, None, torch.float32):
        x = with_grad_dtype(torch, kind)
        for _ in range(2):
            (x * 2).sum().backward()
        (asked,) = torch.autograd.grad((x * 3).sum(), x)
        found.append([x.grad.tolist(), str(x.grad.dtype), asked.tolist(), str(asked.dtype)])
    return found


@case
def hooks_see_gradients_in_another_type(torch):
    seen = []
    x = with_grad_dtype(torch, torch.float64)
    x.register_hook(lambda g: seen.append(str(g.dtype)))
    x.register_post_accumulate_grad_hook(lambda tensor: seen.append(str(tensor.grad.dtype)))
    (x * 2).sum().backward()
    return seen


@case
def grad_dtype_and_a_grad_that_is_there(torch):
    x = torch.ones(3, requires_grad=True)
    x.grad = torch.ones(3)
    found = [attempt(setattr, x, "grad_dtype", kind) for kind in (torch.float64, torch.float32, None)]
    x.grad = None
    x.grad = torch.ones(3, dtype=torch.float16)
    (x * 2).sum().backward()
    return found, x.grad.tolist(), str(x.grad.dtype), attempt(setattr, x, "grad_dtype", torch.float64)


@case
def grad_dtype_belongs_to_the_tensor(torch):
    x = with_grad_dtype(torch, torch.float64)
    return str(x.detach().grad_dtype), str(torch.nn.Parameter(x).grad_dtype), str(x.double().detach().grad_dtype)


# --- attributes -------------------------------------------------------------------------------------------------------------------


@case
def attributes_deleted(torch):
    x = leaf(torch)
    x.sum().backward()
    del x.grad
    return x.grad, attempt(delattr, x, "data"), attempt(delattr, x, "requires_grad"), attempt(delattr, x, "is_leaf")[0]


@case
def pickled_with_a_history(torch):
    y = leaf(torch) * 2
    y.note = 3
    again = pickle.loads(pickle.dumps(y))
    return again, again.is_leaf, again.note


@case
def variables(torch):
    Variable = torch.autograd.Variable
    x = Variable(torch.ones(2), requires_grad=True)
    made = [x, Variable(x * 2), Variable(data=torch.ones(1)), Variable(), Variable(None)]
    refused = [attempt(Variable, 3), attempt(Variable, [1.0]), attempt(Variable, torch.ones(2).numpy())]
    return made, [one.is_leaf for one in made], isinstance(torch.ones(1), Variable), refused


@case
def a_node_called_with_too_few(torch):
    x = leaf(torch)
    return attempt(x.exp().grad_fn), attempt(x.exp().grad_fn, x, x), attempt(x.split(1)[0].grad_fn, x)


@case
def inputs_by_name(torch):
    x, y = leaf(torch), leaf(torch, 4.0, 5.0, 6.0)
    z = (x * y).sum()
    unused = {"x": x, "w": leaf(torch, 1.0)}
    z.backward(inputs={"x": x}, retain_graph=True)
    torch.autograd.backward(z, inputs={"y": y}, retain_graph=True)
    return [
        torch.autograd.grad(z, {"x": x, "y": y}, retain_graph=True),
        torch.autograd.grad(z, {"edge": torch.autograd.graph.get_gradient_edge(y)}, retain_graph=True),
        torch.autograd.grad(z, unused, allow_unused=True, retain_graph=True),
        torch.autograd.grad(z, unused, materialize_grads=True, retain_graph=True),
        torch.autograd.grad(z, {"x": x}, torch.ones(2, dtype=torch.float64), is_grads_batched=True, retain_graph=True),
        attempt(torch.autograd.grad, z, unused, retain_graph=True), attempt(torch.autograd.grad, z, {}, retain_graph=True),
        attempt(torch.autograd.grad, z, {"a": 3}), attempt(torch.autograd.grad, z, OrderedDict(x=x)),
        attempt(torch.autograd.backward, z, inputs={}), attempt(torch.autograd.backward, z, inputs=OrderedDict(x=x)),
        x.grad, y.grad,
    ]  # fmt: skip
