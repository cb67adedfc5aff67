"""What collects the programs."""

from __future__ import annotations

from facts import Programs

PROGRAMS = case = Programs("parity")


def derivatives(torch, function, *places, orders=2):
    """For each place the value and derivatives of a function there, each with whether it can be differentiated further."""
    found = []
    for place in places:
        x = torch.tensor(place, dtype=torch.float64, requires_grad=True)
        y = function(x)
        row = [y.item()]
        for _ in range(orders):
            (y,) = torch.autograd.grad(y, x, create_graph=True)
            row += [y.item(), y.requires_grad]
            if not y.requires_grad:
                break
        found.append(row)
    return found


def attempts(*calls):
    """What each call gives, or the type of its error."""
    found = []
    for call in calls:
        try:
            found.append(call())
        except Exception as error:
            found.append(type(error).__name__)
    return found
