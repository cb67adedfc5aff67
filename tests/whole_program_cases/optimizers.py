"""Optimizers that users write, and how they use those that there are."""

from __future__ import annotations

import warnings

from .programs import case, seeded


@case
def an_optimizer_around_another(torch):
    """Lookahead, as its authors wrote it: a subclass that does not call `Optimizer.__init__`."""

    class Lookahead(torch.optim.Optimizer):
        def __init__(self, optimizer, k, alpha):
            self.optimizer, self.k, self.alpha = optimizer, k, alpha
            self.param_groups, self.state = optimizer.param_groups, {}
            self.count = 0

        def step(self, closure=None):
            loss = self.optimizer.step(closure)
            self.count += 1
            for group in self.param_groups if self.count % self.k == 0 else ():
                for fast in group["params"]:
                    slow = self.state.setdefault(fast, fast.data.clone())
                    slow += (fast.data - slow) * self.alpha
                    fast.data.copy_(slow)
            return loss

    draw = seeded(torch)
    w, x = draw(3).requires_grad_(), draw(8, 3)
    optimizer = Lookahead(torch.optim.SGD([w], 0.1, momentum=0.9), 2, 0.5)
    found = []
    for _ in range(5):
        loss = (x @ w - 1).square().mean()
        w.grad = None
        loss.backward()
        optimizer.step()
        found.append(loss.item())
    return [*found, w]


@case
def numbers_from_what_requires_a_gradient(torch):
    """L-BFGS and `float` without recording say nothing of it; otherwise there is a warning."""
    w = torch.ones(2, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([w], line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        loss = (w - torch.arange(2)).square().sum()
        loss.backward()
        return loss

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        loss = optimizer.step(closure)
        with torch.no_grad():
            float(w[0])
            float(w.sum())
    return [loss, w, [str(one.message)[:40] for one in caught]]
