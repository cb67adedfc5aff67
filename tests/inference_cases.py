"""Programs with inference mode (see facts.py): what its tensors may and may not do."""

from __future__ import annotations

import copy
import pickle

from facts import Programs, key_phrase, leaf

PROGRAMS = case = Programs("inference")


def attempt(function, *args, **options):
    """What a call gives, or the type and the first words of its error."""
    try:
        return function(*args, **options)
    except Exception as error:
        return [type(error).__name__, key_phrase(str(error)).split("You can make a clone")[0].strip()]


def about(tensor):
    """What a tensor says of itself."""
    return [tensor.is_inference(), tensor.requires_grad, tensor.is_leaf, tensor._is_view()]


def made(torch):
    """An inference tensor, a normal one, a leaf, and a tensor of the graph."""
    with torch.inference_mode():
        s = torch.ones(3, dtype=torch.float64)
    w = leaf(torch)
    return s, torch.ones(3, dtype=torch.float64), w, w * 2


@case
def what_is_made_inside(torch):
    s, n, w, h = made(torch)
    with torch.inference_mode():
        found = [s * 2, n * 2, w * 2, h * 2, n.clone(), n.detach(), n + s, n[1:].clone(), torch.zeros(2), torch.tensor([1.0]),
                 torch.tensor(1.0), n.sum(), n.sort()[0], n > 0, n.to(torch.float32), n.contiguous(), n.data,
                 torch.as_tensor(n.numpy()), torch.from_numpy(n.numpy()), torch.cat([n, s]), n.new_zeros(2), torch.ones_like(n),
                 torch.nn.Parameter(n)]  # fmt: skip
        found = [about(one) for one in found]
        same = n.to(torch.float64) is n, n.contiguous() is n
    return found, same


@case
def views_made_inside(torch):
    s, n, w, h = made(torch)
    with torch.inference_mode():
        found = [about(one) for one in (s[1:], n[1:], s.view(3), n.view(1, 3), n.t(), n.detach()[1:], s.unbind()[0], n.unbind()[0])]
        nested = about(n[1:][1:])
    return found, nested


@case
def views_made_outside(torch):
    s, n, w, h = made(torch)
    return [about(one) for one in (s[1:], s.view(3), s.detach(), s.data, s.t(), s.unbind()[0], s.expand(2, 3), s.reshape(3, 1))]


@case
def results_outside(torch):
    s, n, w, h = made(torch)
    found = [s * 2, s + n, s.clone(), s.detach().clone(), s.to(torch.float32), s.contiguous(), torch.cat([s, n]), s.sum(), s > 0,
             copy.copy(s), copy.deepcopy(s), torch.empty_like(s), s.new_ones(2)]  # fmt: skip
    return [about(one) for one in found]


@case
def changes_inside(torch):
    def run(tensor, change):
        with torch.inference_mode():
            eval(change, {"torch": torch, "t": tensor})
        return [tensor, *about(tensor)]

    changes = [
        "t.add_(1)", "t.mul_(2)", "t.zero_()", "t[0:1].fill_(5)", "t.__setitem__(0, 7)", "torch.add(t, 1, out=t)",
        "t.copy_(torch.zeros(3))", "t.data.add_(1)",
    ]  # fmt: skip
    return [attempt(run, tensor, change) for number in range(4) for change in changes for tensor in [made(torch)[number]]]


@case
def changes_outside(torch):
    changes = [
        "t.add_(1)", "t[0:1].fill_(5)", "t.__setitem__(0, 7)", "torch.add(t, 1, out=t)", "t.copy_(torch.zeros(3))", "t.t_()",
        "t.unsqueeze_(0)", "t.detach_()", "t.requires_grad_()", "t.requires_grad_(False)", "t.retain_grad()",
        "t.register_hook(lambda g: None)", "t.clone().add_(1)", "t.normal_()", "t.squeeze_()", "t.transpose_(0, 0)",
        "t.numpy().fill(3)", "t.index_fill_(0, torch.tensor([0]), 2.0)", "t._version",
    ]  # fmt: skip

    def run(change, **options):
        s = made(torch)[0]
        with torch.set_grad_enabled(options.get("grad", True)):
            eval(change, {"torch": torch, "t": s})
        return s.requires_grad, s.is_inference()

    return [attempt(run, change, grad=grad) for grad in (True, False) for change in changes]


@case
def saving_for_backward(torch):
    def run(function):
        s, n, w, h = made(torch)
        y = eval(function, {"torch": torch, "s": s, "w": w})
        if y.requires_grad:
            y.sum().backward()
        return y.requires_grad, w.grad

    functions = [
        "s * w", "w * s", "w + s", "w @ s", "w / s", "s - w", "w.clone().mul_(s)", "w.clone().add_(s)", "w.where(s > 0, s)",
        "torch.cat([s, w])", "w * s.clone()", "w * s.detach()", "w * s[0]", "w * s.data", "torch.stack([s, w])", "w.pow(s)",
        "torch.nn.functional.linear(s, w.reshape(1, 3))", "torch.nn.functional.mse_loss(w, s)", "w[s.long()[:1]]",
        "w.gather(0, s.long())", "w.masked_fill(s > 0, 2.0)", "torch.maximum(s, w)", "torch.addcmul(w, s, s)",
        "s.expand(2, 3) * w", "w * s * 2",
    ]  # fmt: skip
    return [attempt(run, function) for function in functions]


@case
def saving_in_no_grad(torch):
    s, n, w, h = made(torch)
    with torch.no_grad():
        y = s * w
    return about(y)


@case
def custom_functions(torch):
    class Mine(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, y):
            ctx.save_for_backward(x, y)
            return x * y

        @staticmethod
        def backward(ctx, g):
            x, y = ctx.saved_tensors
            return g * y, g * x

    s, n, w, h = made(torch)
    with torch.inference_mode():
        inside = about(Mine.apply(n, w))
    return inside, attempt(lambda: Mine.apply(s, w)), about(Mine.apply(s, n))


@case
def leaves_inside(torch):
    with torch.inference_mode():
        x = torch.ones(2, requires_grad=True)
        y = x * 2
        found = [about(x), about(y), y.grad_fn, attempt(lambda: y.sum().backward()), attempt(x.requires_grad_), x.requires_grad]
    return found, attempt(lambda: (x * 2).sum().backward()), attempt(lambda: (x + 1).sum().backward()), x.grad, about(x)


@case
def backward_inside(torch):
    s, n, w, h = made(torch)
    with torch.inference_mode():
        found = attempt(lambda: h.sum().backward())
        grad = w.grad
    return found, None if grad is None else [grad, grad.is_inference()], attempt(lambda: h.sum().backward()), w.grad


@case
def grad_inside(torch):
    s, n, w, h = made(torch)
    with torch.inference_mode():
        return attempt(lambda: list(torch.autograd.grad(h.sum(), w)))


@case
def normal_tensors_changed_inside(torch):
    s, n, w, h = made(torch)
    y = h * h
    with torch.inference_mode():
        h.add_(1)
        n.add_(1)
    return h._version, n._version, attempt(y.sum().backward), h.requires_grad, h.grad_fn.name()


@case
def a_normal_view_changed_inside(torch):
    s, n, w, h = made(torch)
    v = n[1:]
    with torch.inference_mode():
        v.add_(1)
    return v, n, n._version, v._version, v.is_inference()


@case
def an_inference_view_changed_outside(torch):
    s, n, w, h = made(torch)
    with torch.inference_mode():
        v, u = s[1:], n[1:]
    return attempt(lambda: v.add_(1)), attempt(lambda: u.add_(1)), n, about(u)


@case
def switching_off_inside(torch):
    s, n, w, h = made(torch)
    with torch.inference_mode():
        with torch.inference_mode(False):
            found = [about(torch.ones(2)), about(w * 2), attempt(lambda: s.add_(1)), about(s * n)]
        with torch.enable_grad():
            found += [torch.is_grad_enabled(), about(w * 2), (w * 2).grad_fn]
    return found


@case
def copying_and_pickling(torch):
    s, n, w, h = made(torch)
    again = [copy.copy(s), copy.deepcopy(s), pickle.loads(pickle.dumps(s))]
    return [about(one) for one in again], attempt(lambda: about(torch.nn.Parameter(s)))


@case
def modules(torch):
    layer = torch.nn.Linear(3, 2, dtype=torch.float64)
    s, n, w, h = made(torch)
    with torch.inference_mode():
        y = layer(n)
        inner = torch.nn.Linear(3, 2, dtype=torch.float64)
    found = [about(y)[:3], about(inner.weight), attempt(lambda: about(layer(s)))]
    return found, attempt(lambda: inner(n).sum().backward()), attempt(lambda: layer.load_state_dict(inner.state_dict())) is not None


@case
def training_on_inference_output(torch):
    with torch.inference_mode():
        features = torch.nn.Linear(3, 3, dtype=torch.float64)(torch.ones(2, 3, dtype=torch.float64))
    head = torch.nn.Linear(3, 1, dtype=torch.float64)
    first, second = attempt(lambda: head(features).sum().backward()), attempt(lambda: head(features.clone()).sum().backward())
    return first, second, head.weight.grad is None


@case
def is_inference_as_a_function(torch):
    s, n, w, h = made(torch)
    return torch.is_inference(s), torch.is_inference(n), torch.is_inference_mode_enabled()
