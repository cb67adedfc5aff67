"""Models that are skeletons: called with other parameters, many at once."""

from __future__ import annotations

import copy

from .layers import attempts
from .programs import case, seeded


@case
def the_ensembling_tutorial(torch):
    """A skeleton on the device "meta", called with the parameters of all models at once; and a step of descent for all."""
    nn, func, draw = torch.nn, torch.func, seeded(torch)
    models = [nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 2)).double() for _ in range(3)]
    batches = draw(3, 6, 4)
    params, buffers = func.stack_module_state(models)
    skeleton = copy.deepcopy(models[0]).to("meta")

    def call(params, buffers, x):
        return func.functional_call(skeleton, (params, buffers), (x,))

    each = torch.func.vmap(call)(params, buffers, batches)
    same = torch.func.vmap(call, in_dims=(0, 0, None))(params, buffers, batches[0])
    each.square().mean().backward()
    one_by_one = torch.stack([model(batch) for model, batch in zip(models, batches)])  # noqa: B905 - equally many
    return [
        (each - one_by_one).abs().max() < 1e-12, same.detach(), params["0.weight"].grad,
        sum(one.numel() for one in skeleton.parameters()), skeleton[0].weight.is_meta,
    ]  # fmt: skip


@case
def tensors_without_elements(torch):
    nn = torch.nn
    skeleton = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3)).to("meta")
    p = skeleton[0].weight
    seeded(torch)
    other = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    return [
        str(p), str(p.detach()), str(p.device), p.shape, p.dtype, p.stride(), p.numel(), p.element_size(), p.is_cpu,
        *attempts(
            lambda: copy.deepcopy(p).is_meta, lambda: str(torch.empty(2, 3, device="meta")),
            lambda: str(torch.ones(2).to("meta", torch.float64)), lambda: torch.zeros_like(p, device="cpu"),
            lambda: torch.empty_like(p).is_meta, lambda: nn.Linear(2, 3, device="meta").weight.is_meta,
            lambda: p.to("cpu").shape, lambda: p.cpu().shape, lambda: p.tolist(), lambda: skeleton.to("cpu"),
            lambda: str(skeleton.load_state_dict(other.state_dict(), assign=True)), lambda: skeleton[0].weight.is_meta,
            lambda: nn.Linear(2, 3).to("meta").to_empty(device="cpu").weight.is_meta,
        ),
    ]  # fmt: skip
