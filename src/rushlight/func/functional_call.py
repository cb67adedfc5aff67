"""Modules as functions of their parameters."""

from __future__ import annotations

from contextlib import contextmanager
from functools import wraps
from typing import TYPE_CHECKING, Any

from ..autograd.modes import no_grad
from ..ops.joining import stack
from ..tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ..nn.modules.module import Module


def functional_call(
    module: Module, parameter_and_buffer_dicts: Any, args: Any = None, kwargs: dict[str, Any] | None = None, *,
    tie_weights: bool = True, strict: bool = False,
) -> Any:  # fmt: skip
    """Calls the module with other tensors in the places of its parameters and buffers.

    Raises RuntimeError (with `strict`) for names that are missing or unknown.
    """
    given: dict[str, Tensor] = {}
    if isinstance(parameter_and_buffer_dicts, dict):
        given = {**parameter_and_buffer_dicts}
    elif isinstance(parameter_and_buffer_dicts, (tuple, list)):
        if not all(isinstance(one, dict) for one in parameter_and_buffer_dicts):
            raise ValueError("Expected all elements of parameter_and_buffer_dicts to be dictionaries")
        names = [name for one in parameter_and_buffer_dicts for name in one]
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            raise ValueError(f"{repeated} appeared in multiple dictionaries; behavior of functional call is ambiguous")
        given = {name: value for one in parameter_and_buffer_dicts for name, value in one.items()}
    else:
        raise ValueError(
            "Expected parameter_and_buffer_dicts to be a dict, or a list/tuple "
            f"of dicts, but got {type(parameter_and_buffer_dicts)}"
        )
    for value in given.values():
        if not isinstance(value, Tensor):
            raise TypeError(f"{value} is not an instance of torch.Tensor")
    args = () if args is None else args if isinstance(args, tuple) else (args,)
    with swapped(module, given, tie_weights, strict):
        return module(*args, **(kwargs or {}))


def functionalize(func: Callable, *, remove: str = "mutations") -> Callable:
    """`func` itself: its in-place changes and views already have the derivatives and the batching of what they compute."""
    if remove not in ("mutations", "mutations_and_views"):
        raise RuntimeError(
            f"functionalize(f, remove='mutations'): received invalid argument for remove={remove}. Valid options are:\n"
            "     remove='mutations': all inplace and out= operators will be removed from the program, and replaced with "
            "their out-of-place equivalents.\n"
            "     remove='mutations_and_views': In addition to the above, all aliasing operators {view} will be replaced with "
            "their non-aliasing counterparts, {view}_copy.\n"
        )

    @wraps(func)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        return func(*args, **kwargs)

    return wrapped


def places(module: Module) -> dict[str, tuple[Module, dict[str, Any], str]]:
    """For each parameter and buffer by name: the module that owns it, the table where it stands, and its key there."""
    found = {}
    for prefix, owner in module.named_modules(remove_duplicate=False):
        for table in (owner._parameters, owner._buffers):
            for key, value in table.items():
                if value is not None:
                    found[f"{prefix}.{key}" if prefix else key] = (owner, table, key)
    return found


@contextmanager
def swapped(module: Module, given: dict[str, Tensor], tie_weights: bool, strict: bool) -> Iterator[None]:
    """A block in which the module holds the given tensors."""
    known = places(module)
    unexpected, missing = sorted(given.keys() - known.keys()), sorted(known.keys() - given.keys())
    tied: dict[int, list[str]] = {}
    for name, (_, table, key) in known.items():
        tied.setdefault(id(table[key]), []).append(name)
    given = {name: value for name, value in given.items() if name in known}
    if tie_weights:
        for names in tied.values():
            values = {id(given[name]): given[name] for name in names if name in given}
            if len(values) > 1:
                several = sorted(name for name in names if name in given)
                raise ValueError(
                    f"functional_call got multiple values for keys {several}, which are tied. Consider using tie_weights=False"
                )
            for value in values.values():
                given |= dict.fromkeys(names, value)
        missing = [name for name in missing if name not in given]
    if strict and (unexpected or missing):
        lines = [f"Unexpected key(s): {', '.join(map(repr, unexpected))}."] if unexpected else []
        lines += [f"Missing key(s): {', '.join(map(repr, missing))}."] if missing else []
        raise RuntimeError("\n\t".join([f"Error(s) in reparametrizing for {type(module).__name__}:", *lines]))
    before = {name: known[name][1][known[name][2]] for name in given}
    try:
        for name, value in given.items():
            known[name][1][known[name][2]] = value
        yield
    finally:
        for name, value in before.items():
            known[name][1][known[name][2]] = value


def stack_module_state(models: Sequence[Module]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The parameters and the buffers of modules of one kind, stacked: an ensemble for vmap and `functional_call`."""
    models = list(models)
    if not models:
        raise RuntimeError("stack_module_state: Expected at least one model, got 0.")
    if not (all(model.training for model in models) or not any(model.training for model in models)):
        raise RuntimeError("stack_module_state: Expected all models to have the same training/eval mode.")
    if len({type(model) for model in models}) > 1:
        raise RuntimeError("stack_module_state: Expected all models to be of the same class.")

    def stacked(named: list[dict[str, Any]], learn: bool) -> dict[str, Any]:
        result = {}
        for name in named[0]:
            parts = [one[name] for one in named]
            with no_grad():
                result[name] = stack([part.detach() for part in parts])
            if learn:
                if any(part.requires_grad != parts[0].requires_grad for part in parts):
                    raise RuntimeError(f"Expected {name} from each model to have the same .requires_grad")
                result[name].requires_grad_(parts[0].requires_grad)
        return result

    parameters = stacked([dict(model.named_parameters()) for model in models], True)
    return parameters, stacked([dict(model.named_buffers()) for model in models], False)


def replace_all_batch_norm_modules_(root: Module) -> Module:
    """Makes all batch norms in a module, which is returned, use the statistics of the batch alone: vmap cannot update theirs."""
    from ..nn.modules.batchnorm import _BatchNorm

    for module in root.modules():
        if isinstance(module, _BatchNorm):
            module.running_mean = module.running_var = module.num_batches_tracked = None
            module.track_running_stats = False
    return root
