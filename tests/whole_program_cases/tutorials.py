"""What PyTorch's own tutorials do."""

from __future__ import annotations

from .programs import case, seeded


def names_along(node, *path):
    """The names of the nodes on a path of input numbers."""
    names = [node.name()]
    for number in path:
        node = node.next_functions[number][0]
        names.append(node.name())
    return names


@case
def a_60_minute_blitz(torch):
    """The convolutional network, its graph followed by hand, and gradient descent by hand."""
    draw, nn = seeded(torch), torch.nn
    net = nn.Sequential(
        nn.Conv2d(1, 2, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(18, 6), nn.ReLU(), nn.Linear(6, 3)
    ).double()
    x, target = draw(2, 1, 8, 8), draw(2, 3)
    found = []
    for _ in range(3):
        net.zero_grad()
        loss = nn.MSELoss()(net(x), target)
        loss.backward()
        for parameter in net.parameters():
            parameter.data.sub_(parameter.grad.data * 0.1)
        found.append(loss)
    found.append(names_along(loss.grad_fn, 0, 0))
    found.append(names_along(loss.grad_fn, 0, 1, 0, 1))
    return [*found, net[0].bias.grad, len(loss.grad_fn.next_functions[0][0].next_functions)]


@case
def old_constructors(torch):
    """`new`, and the types that were classes of their own, as the tutorial on NumPy extensions uses them."""
    numpy = __import__("numpy")
    x = torch.arange(6.0).view(2, 3)
    calls = (
        lambda: x.new(2, 3).shape, lambda: x.new([1, 2]), lambda: x.new(torch.Size([2])).shape, lambda: x.new(),
        lambda: x.double().new([1, 2]).dtype, lambda: x.long().new([1.5, 2]), lambda: x.new(numpy.ones(3)), lambda: x.new("a"),
        lambda: x.new(1.5), lambda: x.new(torch.ones(2, dtype=torch.int64)), lambda: x.new(x).data_ptr() == x.data_ptr(),
        lambda: x.new(size=(2,)).shape, lambda: x.new([1], device="cpu"), lambda: torch.FloatTensor(x.double()),
        lambda: torch.LongTensor([[1, 2]]), lambda: torch.DoubleTensor(2).shape, lambda: torch.Tensor(x.long()).dtype,
    )  # fmt: skip
    found = []
    for call in calls:
        try:
            found.append(call())
        except TypeError as error:
            found.append(type(error).__name__)
    return found
