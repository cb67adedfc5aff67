"""Layers whose weights are computed, masked or merged."""

from __future__ import annotations

import warnings
from importlib import import_module

from .programs import case, seeded


def module_of(torch, name):
    """A module of nn.utils."""
    return import_module(f"{torch.__name__}.nn.utils.{name}")


def attempts(*calls):
    """What calls give, and the type and first words of their errors."""
    found = []
    for call in calls:
        try:
            found.append(call())
        except Exception as error:
            found.append([type(error).__name__, str(error).split("<")[0].split(" Rushlight")[0][:60]])
    return found


@case
def the_pruning_tutorial(torch):
    """Methods one after another on one parameter, what the module has then, its gradient, and back."""
    prune, nn = module_of(torch, "prune"), torch.nn
    found = []
    ways = (
        lambda m: prune.random_unstructured(m, "weight", 0.4), lambda m: prune.l1_unstructured(m, "weight", 3),
        lambda m: prune.random_structured(m, "weight", 2, 1), lambda m: prune.ln_structured(m, "weight", 1, 1, 0),
        lambda m: prune.ln_structured(m, "weight", 0.5, float("inf"), -1), lambda m: prune.identity(m, "weight"),
        lambda m: prune.custom_from_mask(m, "weight", torch.arange(12).view(3, 4) % 2),
    )  # fmt: skip
    for way in ways:
        seeded(torch, 1)
        layer = way(nn.Linear(4, 3).double())
        prune.random_unstructured(layer, "weight", 1)
        prune.ln_structured(layer, "weight", 1, 2, 0)
        prune.ln_structured(layer, "weight", 1, 2, 1)
        layer(torch.ones(2, 4, dtype=torch.float64)).sum().backward()
        hook = next(iter(layer._forward_pre_hooks.values()))
        found.append([layer.weight_mask, layer.weight_orig.grad, sorted(layer.state_dict()), len(hook), prune.is_pruned(layer)])
        prune.remove(layer, "weight")
        found.append([layer.weight, sorted(layer.state_dict()), isinstance(layer.weight, nn.Parameter), prune.is_pruned(layer)])
    return found


@case
def pruning_of_several_and_refusals(torch):
    prune, nn = module_of(torch, "prune"), torch.nn
    seeded(torch)
    one, two = nn.Linear(4, 3).double(), nn.Linear(3, 2).double()
    pairs = ((one, "weight"), (two, "weight"), (two, "bias"))
    prune.global_unstructured(pairs, prune.L1Unstructured, amount=0.3)
    first = [getattr(module, f"{name}_mask").clone() for module, name in pairs]
    scores = {(one, "weight"): torch.arange(12.0, dtype=torch.float64).view(3, 4)}
    prune.global_unstructured(pairs, prune.L1Unstructured, importance_scores=scores, amount=2)

    class EverySecond(prune.BasePruningMethod):
        PRUNING_TYPE = "unstructured"

        def compute_mask(self, t, default_mask):
            mask = default_mask.clone()
            mask.view(-1)[::2] = 0
            return mask

    three = nn.Linear(4, 3).double()
    EverySecond.apply(three, "bias")
    return [
        *first, *(getattr(module, f"{name}_mask") for module, name in pairs), three.bias_mask,
        *attempts(
            lambda: prune.l1_unstructured(three, "weight", 100), lambda: prune.l1_unstructured(three, "weight", 1.5),
            lambda: prune.l1_unstructured(three, "weight", "a"), lambda: prune.ln_structured(three, "bias", 1, 2, 0),
            lambda: prune.ln_structured(three, "weight", 1, 2, 5), lambda: prune.remove(three, "weight"),
            lambda: prune.BasePruningMethod.apply(three, "weight"), lambda: sorted(three.state_dict()),
            lambda: prune.l1_unstructured(three, "weight", 1, importance_scores=torch.ones(2)),
            lambda: prune.global_unstructured([(three, "weight")], prune.LnStructured, amount=1, n=2),
            lambda: prune.L1Unstructured(0.5).prune(torch.arange(4.0)),
        ),
    ]  # fmt: skip


@case
def orthogonal_weights(torch):
    """Each map on tall, wide and square weights: values, gradients, assignment, and a step of descent that stays orthogonal."""
    nn, parametrizations = torch.nn, module_of(torch, "parametrizations")
    found = []
    for shape in ((5, 4), (4, 5), (3, 3)):
        for orthogonal_map in (None, "matrix_exp", "cayley", "householder"):
            for trivial in (True, False):
                draw = seeded(torch)
                layer = nn.Linear(*shape).double()
                parametrizations.orthogonal(layer, orthogonal_map=orthogonal_map, use_trivialization=trivial)
                original = layer.parametrizations.weight.original
                layer(draw(2, shape[0])).square().sum().backward()
                found.append([layer.weight.detach().clone(), original.grad.clone(), sorted(layer.state_dict())])
                with torch.no_grad():
                    original.sub_(0.1 * original.grad)
                found.append(layer.weight.detach())
                wanted = nn.init.orthogonal_(draw(shape[1], shape[0]))
                found.append(attempts(lambda layer=layer, wanted=wanted: setattr(layer, "weight", wanted)))
    return [
        *found,
        *attempts(
            lambda: parametrizations.orthogonal(nn.Linear(2, 2), orthogonal_map="x"),
            lambda: parametrizations.orthogonal(nn.Linear(2, 2), "bias"),
            lambda: parametrizations.orthogonal(nn.Linear(2, 2), "nothing"),
            lambda: parametrizations.orthogonal(nn.Linear(2, 2, dtype=torch.complex128), orthogonal_map="householder"),
            lambda: parametrizations.orthogonal(nn.Conv2d(2, 4, 3)).weight.shape,
        ),
    ]


@case
def layers_fused_with_batch_norms(torch):
    fusion, nn, draw = module_of(torch, "fusion"), torch.nn, seeded(torch)
    x = draw(2, 2, 5, 5)
    conv, turned, norm = nn.Conv2d(2, 3, 3, bias=False).double(), nn.ConvTranspose2d(2, 3, 3).double(), nn.BatchNorm2d(3).double()
    linear, flat_norm = nn.Linear(2, 3).double().eval(), nn.BatchNorm1d(3).double().eval()
    norm(draw(4, 3, 2, 2))
    refused = attempts(lambda: fusion.fuse_conv_bn_eval(conv, norm))
    conv.eval(), turned.eval(), norm.eval()
    one, two = fusion.fuse_conv_bn_eval(conv, norm), fusion.fuse_conv_bn_eval(turned, norm, transpose=True)
    three = fusion.fuse_linear_bn_eval(linear, flat_norm)
    return [
        *refused, one(x), two(x), three(x[0, 0, :, :2]), one.bias.requires_grad, two.bias.requires_grad, conv.bias,
        *attempts(lambda: fusion.fuse_linear_bn_eval(linear, nn.BatchNorm1d(5).eval())),
        [(norm(conv(x)) - one(x)).abs().max() < 1e-12, (norm(turned(x)) - two(x)).abs().max() < 1e-12],
    ]


@case
def functional_call_at_its_old_place(torch):
    stateless, linear = module_of(torch, "stateless"), torch.nn.Linear(2, 3).double()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        zero = torch.zeros(3, dtype=torch.float64)
        result = stateless.functional_call(linear, {"weight": zero.expand(2, 3).t(), "bias": zero + 1}, zero[:2])
    return [result, [one.category.__name__ for one in caught], [str(one.message)[:60] for one in caught]]
