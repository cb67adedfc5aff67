"""Transforms within each other, with modules, with `.backward()`; the programs of the tutorials."""

from __future__ import annotations

from facts import leaf

from .programs import batch, case, vector


def perceptron(torch, *widths):
    """A small network with known weights."""
    nn = torch.nn
    layers = []
    for a, b in zip(widths, widths[1:], strict=False):
        layers += [nn.Linear(a, b), nn.Tanh()]
    model = nn.Sequential(*layers[:-1]).double()
    return known(torch, model)


def known(torch, model):
    """The model with weights that depend on nothing but their places."""
    with torch.no_grad():
        for number, one in enumerate(model.parameters()):
            one.copy_(torch.sin(torch.arange(one.numel(), dtype=one.dtype) * 0.7 + number).reshape(one.shape) * 0.5)
    return model


def plain_parameters(model):
    return {name: one.detach() for name, one in model.named_parameters()}


def per_sample(torch, model, inputs, targets, **options):
    """The gradients of each sample's loss."""
    F = torch.nn.functional
    buffers = dict(model.named_buffers())

    def loss(parameters, x, t):
        out = torch.func.functional_call(model, (parameters, buffers), (x.unsqueeze(0),))
        return F.cross_entropy(out, t.unsqueeze(0))

    return torch.vmap(torch.func.grad(loss), in_dims=(None, 0, 0), **options)(plain_parameters(model), inputs, targets)


def waves(torch, *shape):
    count = 1
    for extent in shape:
        count *= extent
    return torch.cos(torch.arange(count, dtype=torch.float64) * 0.9).reshape(shape)


@case
def per_sample_gradients_of_a_perceptron(torch):
    return per_sample(torch, perceptron(torch, 3, 4, 2), batch(torch), torch.tensor([0, 1, 1, 0]))


@case
def per_sample_gradients_in_chunks(torch):
    return per_sample(torch, perceptron(torch, 3, 4, 2), batch(torch), torch.tensor([0, 1, 1, 0]), chunk_size=3)


@case
def per_sample_gradients_of_a_convolutional_network(torch):
    nn = torch.nn
    model = nn.Sequential(
        nn.Conv2d(1, 2, 3, stride=2), nn.GroupNorm(1, 2), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8, 3)
    )
    return per_sample(torch, known(torch, model.double()), waves(torch, 3, 1, 9, 9), torch.tensor([0, 1, 2]))


@case
def per_sample_gradients_of_batch_norm_in_eval(torch):
    nn = torch.nn
    model = known(torch, nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 2)).double()).eval()
    model[1].running_mean.fill_(0.25)
    return per_sample(torch, model, batch(torch), torch.tensor([0, 1, 1, 0]))


@case
def batch_norm_replaced(torch):
    nn = torch.nn
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(8, 2)).double()
    model = known(torch, torch.func.replace_all_batch_norm_modules_(model))
    return per_sample(torch, model, waves(torch, 3, 1, 4, 4), torch.tensor([0, 1, 1]))


@case
def batch_norm_replaced_itself(torch):
    norm = torch.func.replace_all_batch_norm_modules_(torch.nn.BatchNorm1d(4))
    return norm.track_running_stats, norm.running_mean, norm.running_var, norm.num_batches_tracked


@case
def per_sample_gradients_of_a_transformer_layer(torch):
    nn = torch.nn

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.TransformerEncoderLayer(4, 2, 6, 0.0, batch_first=True)
            self.out = nn.Linear(4, 2)

        def forward(self, x):
            return self.out(self.layer(x).mean(1))

    return per_sample(torch, known(torch, Model().double()), waves(torch, 3, 5, 4), torch.tensor([0, 1, 1]))


@case
def per_sample_gradients_of_an_embedding(torch):
    nn = torch.nn
    model = known(torch, nn.Sequential(nn.Embedding(5, 3), nn.Flatten(), nn.Linear(6, 2)).double())
    return per_sample(torch, model, torch.tensor([[0, 1], [4, 4], [2, 0]]), torch.tensor([0, 1, 1]))


@case
def ensemble(torch):
    models = [perceptron(torch, 3, 4, 2) for _ in range(3)]
    with torch.no_grad():
        for k, model in enumerate(models):
            for one in model.parameters():
                one.add_(k * 0.25)
    parameters, buffers = torch.func.stack_module_state(models)
    x = batch(torch)
    def run(p, b, x):
        return torch.func.functional_call(models[0], (p, b), (x,))
    same = torch.vmap(run, in_dims=(0, 0, None))(parameters, buffers, x)
    own = torch.vmap(run)(parameters, buffers, torch.stack([x, x + 1, x + 2]))
    own.square().sum().backward()
    grads = {name: one.grad for name, one in parameters.items()}
    return same.detach(), own.detach(), grads, [one.is_leaf for one in parameters.values()]


@case
def hessian_of_a_perceptron(torch):
    model = perceptron(torch, 3, 2, 1)
    x = batch(torch)
    def loss(p):
        return torch.func.functional_call(model, p, (x,)).square().mean()
    return torch.func.hessian(loss)(plain_parameters(model))


@case
def hessian_of_a_convolution(torch):
    nn = torch.nn
    model = known(torch, nn.Sequential(nn.Conv2d(1, 2, 2), nn.Sigmoid(), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(2, 1)).double())
    x = waves(torch, 2, 1, 3, 3)
    def loss(p):
        return torch.func.functional_call(model, p, (x,)).square().mean()
    return torch.func.hessian(loss)(plain_parameters(model))


@case
def hessian_of_attention(torch):
    nn = torch.nn
    model = known(torch, nn.MultiheadAttention(2, 1, batch_first=True).double())
    x = waves(torch, 1, 3, 2)
    def loss(p):
        return torch.func.functional_call(model, p, (x, x, x))[0].square().mean()
    return torch.func.hessian(loss)({"in_proj_weight": model.in_proj_weight.detach()})


@case
def jacobians_of_a_recurrent_network(torch):
    model = known(torch, torch.nn.RNN(2, 3, batch_first=True).double())
    x = waves(torch, 1, 4, 2)
    def f(p):
        return torch.func.functional_call(model, p, (x,))[0]
    return torch.func.jacrev(f)(plain_parameters(model))


@case
def tangent_kernel(torch):
    model = perceptron(torch, 3, 4, 2)
    parameters = plain_parameters(model)
    def f(p, x):
        return torch.func.functional_call(model, p, (x.unsqueeze(0),)).squeeze(0)

    def contraction(a, b):
        rows = [torch.vmap(torch.func.jacrev(f), (None, 0))(parameters, x) for x in (a, b)]
        rows = [[one.flatten(2) for one in row.values()] for row in rows]
        return torch.stack([torch.einsum("Naf,Mbf->NMab", p, q) for p, q in zip(*rows, strict=True)]).sum(0)

    def products(a, b):
        def one(x1, x2):
            _, pull = torch.func.vjp(lambda p: f(p, x1), parameters)

            def column(v):
                return torch.func.jvp(lambda p: f(p, x2), (parameters,), pull(v))[1]

            return torch.vmap(column)(torch.eye(2, dtype=torch.float64))

        return torch.vmap(torch.vmap(one, (None, 0)), (0, None))(a, b)

    return contraction(batch(torch), batch(torch)[:2]), products(batch(torch), batch(torch)[:2])


@case
def jacobian_batched(torch):
    x, w = batch(torch), torch.arange(6.0, dtype=torch.float64).reshape(2, 3) / 4
    def f(w, x):
        return torch.tanh(w @ x)
    h = torch.func
    return [torch.vmap(j(f, argnums=n), (None, 0))(w, x) for j in (h.jacrev, h.jacfwd) for n in (0, 1)]


@case
def hessian_batched(torch):
    def f(x):
        return x.sin().prod()
    return torch.vmap(torch.func.hessian(f))(batch(torch))


@case
def laplacian(torch):
    def f(x):
        return x.exp().prod()
    return torch.vmap(lambda x: torch.func.hessian(f)(x).trace())(batch(torch))


@case
def maml(torch):
    model = perceptron(torch, 3, 4, 1)
    x = batch(torch)
    y = x.sum(1, keepdim=True)

    def outer(p, x, y):
        def loss(p):
            return ((torch.func.functional_call(model, p, (x,)) - y) ** 2).mean()
        g = torch.func.grad(loss)(p)
        return loss({k: p[k] - 0.1 * g[k] for k in p})

    def tasks(p):
        return torch.vmap(outer, (None, 0, 0))(p, torch.stack([x, x + 1]), torch.stack([y, y * 2])).mean()

    return torch.func.grad(tasks)(plain_parameters(model))


@case
def training_an_ensemble(torch):
    x, y = batch(torch), batch(torch).sum(1, keepdim=True)
    start = plain_parameters(perceptron(torch, 3, 2, 1))
    stacked = {k: torch.stack([v, v * 0.5]) for k, v in start.items()}
    model = perceptron(torch, 3, 2, 1)

    def step(p):
        def loss(p):
            return ((torch.func.functional_call(model, p, (x,)) - y) ** 2).mean()
        g, value = torch.func.grad_and_value(loss)(p)
        return {k: p[k] - 0.1 * g[k] for k in p}, value

    for _ in range(3):
        stacked, values = torch.vmap(step)(stacked)
    return values, stacked


@case
def with_backward_through(torch):
    x = leaf(torch)
    h = torch.func
    found = []
    def f(x):
        return (x.sin() * x.sum()).sum()
    for transform in (h.grad, h.hessian, h.jacrev, h.jacfwd, lambda f: h.jacrev(h.jacfwd(f))):
        (g,) = torch.autograd.grad(transform(f)(x).sum(), x)
        found.append(g)
    return found


@case
def penalty(torch):
    model = perceptron(torch, 3, 4, 1)
    x = batch(torch)
    slopes = torch.vmap(torch.func.grad(lambda x: model(x).sum()))(x)
    ((slopes.norm(dim=1) - 1) ** 2).mean().backward()
    return [one.grad for one in model.parameters()]


@case
def vmap_over_a_backward_pass(torch):
    x = leaf(torch)
    y = x**3
    pull = torch.vmap(lambda v: torch.autograd.grad(y, x, v, retain_graph=True, create_graph=True)[0])
    rows = pull(torch.eye(3, dtype=torch.float64))
    return rows.detach(), torch.autograd.grad(rows.sum(), x)


@case
def mixed_orders(torch):
    x = batch(torch)
    h, v = torch.func, torch.vmap
    def f(x):
        return (x.sin() * x).sum()
    return [
        v(h.grad(f))(x), h.grad(lambda b: v(f)(b).sum())(x), v(h.jacfwd(h.grad(f)))(x), h.jacrev(lambda b: v(f)(b))(x[:2]),
        h.jacfwd(lambda b: v(f)(b))(x[:2]), h.jvp(v(h.grad(f)), (x,), (x,)), v(lambda a: h.jvp(f, (a,), (a,))[1])(x),
        v(lambda a: h.vjp(f, a)[1](torch.ones((), dtype=a.dtype))[0])(x), h.grad(lambda b: v(h.grad(f))(b).sum())(x),
    ]  # fmt: skip


@case
def norms_of_samples(torch):
    found = per_sample(torch, perceptron(torch, 3, 4, 2), batch(torch), torch.tensor([0, 1, 1, 0]))
    return torch.stack([one.flatten(1).norm(dim=1) for one in found.values()]).norm(dim=0)


@case
def names_of_transformed(torch):
    def mine(x):
        "documented"

    h = torch.func
    made = [t(mine) for t in (h.grad, h.grad_and_value, h.jacrev, h.jacfwd, h.hessian, h.functionalize, torch.vmap)]
    return [(one.__name__, one.__doc__) for one in made]


@case
def grad_of_a_custom_function(torch):
    class Cube(torch.autograd.Function):
        generate_vmap_rule = True

        @staticmethod
        def forward(x):
            return x**3

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.save_for_backward(*inputs)

        @staticmethod
        def backward(ctx, g):
            return 3 * ctx.saved_tensors[0] ** 2 * g

    h = torch.func
    def f(x):
        return Cube.apply(x).sum()
    return [h.grad(f)(vector(torch)), torch.vmap(h.grad(f))(batch(torch)), h.jacrev(h.grad(f))(vector(torch))]


@case
def old_style_function_in_a_transform(torch):
    class Old(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return g * 2

    return torch.func.grad(lambda x: Old.apply(x).sum())(vector(torch))


@case
def function_without_a_rule_in_vmap(torch):
    class NoRule(torch.autograd.Function):
        @staticmethod
        def forward(x):
            return x * 2

        @staticmethod
        def setup_context(ctx, inputs, output):
            pass

        @staticmethod
        def backward(ctx, g):
            return g * 2

    return torch.vmap(NoRule.apply)(batch(torch))
