"""Tensors that were saved for backward and have been changed since: by which means, and what is said."""

from __future__ import annotations

from .programs import case, matrix, start, tried


def ways(torch):
    """Changes of a tensor, by name."""

    def silently(change):
        def function(x):
            with torch.no_grad():
                change(x)

        return function

    def by_optimizer(kind):
        def function(x):
            leaf = x.detach().requires_grad_()
            leaf.grad = torch.ones_like(leaf)
            getattr(torch.optim, kind)([leaf], lr=0.1).step()

        return function

    return {
        "operation": lambda x: x.mul_(2), "operator": lambda x: x.__iadd__(1), "view": lambda x: x[0].mul_(2),
        "view of a view": lambda x: x.t()[1].zero_(), "assignment": lambda x: x.__setitem__(0, 5),
        "assignment by index": lambda x: x.__setitem__(torch.tensor([0]), 5), "by mask": lambda x: x.__setitem__(x > 2, 5),
        "without grad": silently(lambda x: x.mul_(2)), "copy": silently(lambda x: x.copy_(x + 1)),
        "out": silently(lambda x: torch.add(x, 1, out=x)), "out view": silently(lambda x: torch.add(x[0], 1, out=x[0])),
        "detached": lambda x: x.detach().mul_(2), "view of detached": lambda x: x.detach()[0].mul_(2),
        "detached view": lambda x: x[0].detach().zero_(), "data": lambda x: x.data.mul_(2),
        "view of data": lambda x: x.data[0].mul_(2), "numpy": lambda x: x.detach().numpy().fill(0),
        "random": silently(lambda x: x.uniform_()), "init": lambda x: torch.nn.init.zeros_(x),
        "counted": lambda x: torch.autograd.graph.increment_version(x), "SGD": by_optimizer("SGD"), "Adam": by_optimizer("Adam"),
        "transposed": lambda x: x.t_(), "inference": lambda x: inference(torch, x), "set": silently(lambda x: x.set_(x.clone())),
        "other storage": lambda x: setattr(x, "data", x.detach() + 1), "resized": silently(lambda x: x.detach().resize_(2)),
    }  # fmt: skip


def inference(torch, x):
    with torch.inference_mode():
        x.mul_(2)


def consequence(change, save):
    y = save(change)
    return tried(lambda: y.sum().backward())


@case
def operands(torch):
    def save(change):
        _, x = start(torch)
        y = x * x
        change(x)
        return y

    return {name: consequence(change, save) for name, change in ways(torch).items()}


@case
def results(torch):
    def save(change):
        x = start(torch)[1].exp()
        y = x * 1
        change(x)
        return y

    return {name: consequence(change, save) for name, change in ways(torch).items() if name != "transposed"}


@case
def views_of_what_changes(torch):
    def save(change):
        _, x = start(torch)
        view = x[1:]
        y = view * view
        change(x)
        return y

    return {name: consequence(change, save) for name, change in ways(torch).items() if name not in ("transposed", "set")}


@case
def leaves(torch):
    w, _ = start(torch)
    y = (w * w).sum()
    optimizer = torch.optim.SGD([w], lr=0.1)
    y.backward(retain_graph=True)
    optimizer.step()
    return tried(y.backward), w._version


# Results that PyTorch's derivatives do not need, and that may be changed therefore.
@case
def results_not_needed(torch):
    found = {}
    for name in ("add", "sub", "mul", "div", "maximum", "minimum", "atan2", "fmod", "hypot", "copysign"):
        w, x = start(torch)
        y = getattr(torch, name)(x, w + 1)
        y.mul_(2)
        y.sum().backward()
        found[name] = w.grad
    for name in ("neg", "abs", "sin", "log", "square", "floor", "clone", "expm1", "silu", "softplus"):
        w, x = start(torch)
        y = getattr(torch, name, None) or getattr(torch.nn.functional, name)
        y = y(x)
        with torch.no_grad():
            y.mul_(2)
        found[name] = tried(lambda y=y, w=w: (y.sum().backward(), w.grad))
    return found


@case
def quotients(torch):
    w, x = start(torch)
    for divisor in (2, torch.tensor(2.0), w.detach(), w + 1):
        x = x / divisor
        x += 1
    x.div_(3).add_(1)
    x.sum().backward()
    return x, w.grad


@case
def indices(torch):
    found = {}
    for name, function in {
        "max": lambda x: x.max(0), "min": lambda x: x.min(1), "sort": lambda x: x.sort(1), "topk": lambda x: x.topk(2),
        "median": lambda x: x.median(1), "mode": lambda x: x.mode(1), "kthvalue": lambda x: x.kthvalue(1),
        "cummax": lambda x: x.cummax(1),
        "max_pool2d": lambda x: torch.nn.functional.max_pool2d(x[None, None], (1, 2), return_indices=True),
    }.items():  # fmt: skip
        _, x = start(torch)
        changed = function(x)
        changed[1].fill_(0)
        w, x = start(torch)
        result = function(x)
        with torch.no_grad():
            result[0].zero_()
        found[name] = [tried(changed[0].sum().backward), tried(result[0].sum().backward), w.grad]
    return found


@case
def one_of_several_results(torch):
    found = []
    for number in (0, 1):
        w = (matrix(torch) + torch.eye(3, dtype=torch.float64) * 9).requires_grad_()
        parts = torch.linalg.qr(w * 1)
        parts[number].detach().zero_()
        found.append(tried((parts[0].sum() + parts[1].sum()).backward))
    return found


@case
def versions_preserved(torch):
    w, x = start(torch)
    y = x * x
    with torch.autograd._unsafe_preserve_version_counter(x):
        x.mul_(2)
        x.mul_(2)
    y.sum().backward()
    view = x[0]
    with torch.autograd._unsafe_preserve_version_counter((view, w)), torch.no_grad():
        view.add_(1)
        w.add_(1)
    return x._version, w._version, w.grad, tried(torch.autograd._unsafe_preserve_version_counter, 3)
