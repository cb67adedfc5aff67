"""Modules as functions of their parameters."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ..autograd.modes import no_grad
from ..ops.joining import stack
from ..tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..nn import Module


def functional_call(
    module: Module, parameter_and_buffer_dicts: Any, args: Any = None, kwargs: dict[str, Any] | None = None, *,
    tie_weights: bool = True, strict: bool = False,
) -> Any:  # fmt: skip
    """Calls the module with other tensors in the places of its parameters and buffers.

    Raises RuntimeError (with `strict`) for names that are missing or unknown.
    """
    given: dict[str, Tensor] = {}
    dicts = [parameter_and_buffer_dicts] if isinstance(parameter_and_buffer_dicts, dict) else list(parameter_and_buffer_dicts)
    for one in dicts:
        for name, value in one.items():
            if name in given:
                raise ValueError(f"{name} appears in multiple dictionaries; behavior of functional call is ambiguous")
            given[name] = value
    args = () if args is None else args if isinstance(args, tuple) else (args,)
    with swapped(module, given, tie_weights, strict):
        return module(*args, **(kwargs or {}))


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
    unexpected, missing = given.keys() - known.keys(), known.keys() - given.keys()
    if unexpected and (strict or not known):
        raise RuntimeError(f"Unexpected key(s): {', '.join(sorted(unexpected))}.")
    if unexpected:
        raise AttributeError(f"{type(module).__name__} has no parameter or buffer named {sorted(unexpected)[0]!r}")
    if strict and missing:
        raise RuntimeError(f"Missing key(s): {', '.join(sorted(missing))}.")
    if tie_weights:
        given = {**given}
        by_tensor = {id(known[name][1][known[name][2]]): value for name, value in given.items()}
        for name, (_, table, key) in known.items():
            if name not in given and id(table[key]) in by_tensor:
                given[name] = by_tensor[id(table[key])]
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
            if learn and all(part.requires_grad for part in parts):
                result[name].requires_grad_(True)
        return result

    parameters = stacked([dict(model.named_parameters()) for model in models], True)
    return parameters, stacked([dict(model.named_buffers()) for model in models], False)
