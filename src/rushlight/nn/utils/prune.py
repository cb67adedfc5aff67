"""Pruning: parameters multiplied by masks, as PyTorch's `torch.nn.utils.prune` has it.

A pruned parameter `name` becomes `name_orig`, beside a buffer `name_mask`; a hook before each forward pass sets `name` to their
product. The hook is the pruning method itself, or a container of those that were applied one after another.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

import rushlight

from ...tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..modules.module import Module


class BasePruningMethod(ABC):
    """A way to choose what is pruned: a subclass defines `compute_mask` and `PRUNING_TYPE`.

    The type says what a further method gets to see: of "unstructured" ones the elements that are left, of "structured" ones the
    channels that are left along `dim`, of "global" ones everything.
    """

    PRUNING_TYPE: str
    _tensor_name: str

    @abstractmethod
    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The mask of importances `t` that keeps a part of what `default_mask` keeps."""

    def __call__(self, module: Module, inputs: Any) -> None:
        setattr(module, self._tensor_name, self.apply_mask(module))

    def apply_mask(self, module: Module) -> Tensor:
        """The parameter times its mask. Raises AssertionError before pruning."""
        if not hasattr(self, "_tensor_name"):
            raise AssertionError(f"Module {module} has to be pruned")
        mask, orig = getattr(module, f"{self._tensor_name}_mask"), getattr(module, f"{self._tensor_name}_orig")
        return mask.to(dtype=orig.dtype) * orig

    @classmethod
    def apply(
        cls, module: Module, name: str, *args: Any, importance_scores: Tensor | None = None, **kwargs: Any
    ) -> BasePruningMethod:
        """Prunes the parameter `name` by this method, made from the other arguments; gives the hook.

        `importance_scores` decide in place of the parameter's values. Raises AssertionError where their shape differs.
        """
        found = pruning_of(module, name)
        method = cls(*args, **kwargs)
        method._tensor_name = name
        hook: BasePruningMethod = method
        if found is not None:
            key, earlier = found
            del module._forward_pre_hooks[key]
            hook = earlier if isinstance(earlier, PruningContainer) else PruningContainer(earlier)
            hook.add_pruning_method(method)
        values = getattr(module, name)
        if importance_scores is not None and importance_scores.shape != values.shape:
            raise AssertionError(
                f"importance_scores should have the same shape as parameter {name} of {module}: got "
                f"{tuple(importance_scores.shape)} for {tuple(values.shape)}"
            )
        scores = values if importance_scores is None else importance_scores
        if found is None:
            kept = rushlight.ones_like(values)
            orig = getattr(module, name)
            del module._parameters[name]
            module.register_parameter(f"{name}_orig", orig)
        else:
            kept = getattr(module, f"{name}_mask").detach().clone()
        try:
            module.register_buffer(f"{name}_mask", hook.compute_mask(scores.detach(), default_mask=kept))
            setattr(module, name, hook.apply_mask(module))
            module.register_forward_pre_hook(hook)
        except Exception:
            if found is None:  # as it was
                module._parameters.pop(f"{name}_orig")
                module.register_parameter(name, orig)
            raise
        return hook

    def prune(self, t: Tensor, default_mask: Tensor | None = None, importance_scores: Tensor | None = None) -> Tensor:
        """The tensor with zeros where it is pruned, without a module."""
        scores = t if importance_scores is None else importance_scores
        if scores.shape != t.shape:
            raise AssertionError("importance_scores should have the same shape as tensor t")
        return t * self.compute_mask(scores, default_mask=rushlight.ones_like(t) if default_mask is None else default_mask)

    def remove(self, module: Module) -> None:
        """Makes the pruned values the parameter again, for good."""
        name = self._tensor_name
        pruned = self.apply_mask(module)
        if hasattr(module, name):
            delattr(module, name)
        orig = module._parameters.pop(f"{name}_orig")
        orig.data = pruned.data
        del module._buffers[f"{name}_mask"]
        setattr(module, name, orig)


class PruningContainer(BasePruningMethod):
    """The methods that were applied to one parameter, one after another."""

    PRUNING_TYPE = "container"

    def __init__(self, *args: Any) -> None:
        self._pruning_methods: tuple[BasePruningMethod, ...] = ()
        for method in args[0] if len(args) == 1 and isinstance(args[0], (list, tuple)) else args:
            self._tensor_name = getattr(self, "_tensor_name", method._tensor_name)
            self.add_pruning_method(method)

    def add_pruning_method(self, method: Any) -> None:
        """Adds a method of the same parameter. Raises TypeError for what is none, ValueError for another's."""
        if not isinstance(method, BasePruningMethod):
            raise TypeError(f"{type(method)} is not a BasePruningMethod subclass")
        if method._tensor_name != self._tensor_name:
            raise ValueError(
                f"Can only add pruning methods acting on the parameter named '{self._tensor_name}' to PruningContainer {self}. "
                f"Found '{method._tensor_name}'"
            )
        self._pruning_methods += (method,)

    def __len__(self) -> int:
        return len(self._pruning_methods)

    def __iter__(self) -> Any:
        return iter(self._pruning_methods)

    def __getitem__(self, index: Any) -> Any:
        return self._pruning_methods[index]

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The mask of the method that was added last, which sees what the others left."""
        method = self._pruning_methods[-1]
        mask = default_mask.to(dtype=t.dtype)
        if method.PRUNING_TYPE == "unstructured":
            left: Any = mask == 1
        elif method.PRUNING_TYPE == "structured":
            dim = method.dim % t.dim()  # type: ignore[attr-defined]
            others = [other for other in range(t.dim()) if other != dim]
            left = (*(slice(None),) * dim, mask.sum(dim=others) != 0)
        elif method.PRUNING_TYPE == "global":
            left = (slice(None),) * t.dim()
        else:
            raise ValueError(f"Unrecognized PRUNING_TYPE {method.PRUNING_TYPE}")
        mask = mask.clone()
        mask[left] = method.compute_mask(t[left], default_mask=mask[left]).to(mask.dtype)
        return mask


class Identity(BasePruningMethod):
    """Prunes nothing, but makes the mask."""

    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        return default_mask


class _Amount(BasePruningMethod):
    """Methods that prune an amount: a share between 0 and 1, or a number of elements or channels."""

    def __init__(self, amount: float) -> None:
        check_amount(amount)
        self.amount = amount

    def count(self, size: int) -> int:
        """How many of `size` are pruned. Raises ValueError for more than there are."""
        if isinstance(self.amount, int):
            if self.amount > size:
                raise ValueError(f"amount={self.amount} should be smaller than the number of parameters to prune={size}")
            return self.amount
        return round(self.amount * size)


class _Unstructured(_Amount):
    """Prunes the elements of the highest ranks."""

    PRUNING_TYPE = "unstructured"

    @abstractmethod
    def ranks(self, t: Tensor) -> Tensor:
        """A number for each element."""

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        count = self.count(t.nelement())
        mask = default_mask.clone(memory_format=rushlight.contiguous_format)
        if count:
            mask.view(-1)[rushlight.topk(self.ranks(t).reshape(-1), count).indices] = 0
        return mask


class RandomUnstructured(_Unstructured):
    """Prunes an amount of elements at random."""

    def ranks(self, t: Tensor) -> Tensor:
        return rushlight.rand_like(t)


class L1Unstructured(_Unstructured):
    """Prunes an amount of elements: those of the least magnitude."""

    def ranks(self, t: Tensor) -> Tensor:
        return -t.abs()


class _Structured(_Amount):
    """Prunes whole channels along `dim`: those with the least scores."""

    PRUNING_TYPE = "structured"

    def __init__(self, amount: float, dim: int = -1) -> None:
        super().__init__(amount)
        self.dim = dim

    @abstractmethod
    def scores(self, t: Tensor) -> Tensor:
        """A number for each channel."""

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        if t.dim() <= 1:
            raise ValueError(
                "Structured pruning can only be applied to multidimensional tensors. Found tensor of shape "
                f"{t.shape} with {t.dim()} dims"
            )
        if self.dim >= t.dim():
            raise IndexError(f"Invalid index {self.dim} for tensor of size {t.shape}")
        count = self.count(t.shape[self.dim])
        if not count:
            return default_mask
        kept = rushlight.ones(t.shape[self.dim], dtype=default_mask.dtype)
        kept[rushlight.topk(self.scores(t), count, largest=False).indices] = 0
        shape = [1] * t.dim()
        shape[self.dim] = -1
        return default_mask * kept.view(shape)


class RandomStructured(_Structured):
    """Prunes an amount of channels at random."""

    def scores(self, t: Tensor) -> Tensor:
        return rushlight.rand(t.shape[self.dim])


class LnStructured(_Structured):
    """Prunes an amount of channels: those of the least norm of order `n`."""

    def __init__(self, amount: float, n: Any, dim: int = -1) -> None:
        super().__init__(amount, dim)
        self.n = n

    def scores(self, t: Tensor) -> Tensor:
        return rushlight.norm(t, p=self.n, dim=[other for other in range(t.dim()) if other != self.dim % t.dim()])


class CustomFromMask(BasePruningMethod):
    """Prunes by a given mask."""

    PRUNING_TYPE = "global"

    def __init__(self, mask: Tensor) -> None:
        self.mask = mask

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        return default_mask * self.mask.to(dtype=default_mask.dtype)


def check_amount(amount: Any) -> None:
    """Raises TypeError for what is no number, ValueError for what is neither a share nor a count."""
    if not isinstance(amount, (int, float)):
        raise TypeError(f"Invalid type for amount: {amount}. Must be int or float.")
    if amount < 0 or (isinstance(amount, float) and amount > 1.0):
        raise ValueError(f"amount={amount} should either be a float in the range [0, 1] or a non-negative integer")


def pruning_of(module: Module, name: str) -> tuple[int, BasePruningMethod] | None:
    """The hook that prunes a parameter, and its number, if there is one."""
    for key, hook in module._forward_pre_hooks.items():
        if isinstance(hook, BasePruningMethod) and hook._tensor_name == name:
            return key, hook
    return None


# --- functions --------------------------------------------------------------------------------------------------------------------


def identity(module: Module, name: str) -> Module:
    """Gives the parameter a mask of ones."""
    Identity.apply(module, name)
    return module


def random_unstructured(module: Module, name: str, amount: float) -> Module:
    """Prunes an amount of a parameter's elements at random."""
    RandomUnstructured.apply(module, name, amount)
    return module


def l1_unstructured(module: Module, name: str, amount: float, importance_scores: Tensor | None = None) -> Module:
    """Prunes an amount of a parameter's elements: those of the least magnitude (of `importance_scores`)."""
    L1Unstructured.apply(module, name, amount, importance_scores=importance_scores)
    return module


def random_structured(module: Module, name: str, amount: float, dim: int) -> Module:
    """Prunes an amount of channels along `dim` at random."""
    RandomStructured.apply(module, name, amount, dim)
    return module


def ln_structured(module: Module, name: str, amount: float, n: Any, dim: int, importance_scores: Tensor | None = None) -> Module:
    """Prunes an amount of channels along `dim`: those of the least norm of order `n`."""
    LnStructured.apply(module, name, amount, n, dim, importance_scores=importance_scores)
    return module


def custom_from_mask(module: Module, name: str, mask: Tensor) -> Module:
    """Prunes by a given mask."""
    CustomFromMask.apply(module, name, mask)
    return module


def global_unstructured(
    parameters: Iterable[tuple[Module, str]], pruning_method: type[BasePruningMethod], importance_scores: Any = None, **kwargs: Any
) -> None:
    """Prunes several parameters as if they were one. Raises TypeError for a method that is not unstructured."""
    pairs: list[tuple[Module, str]] = list(parameters)
    scores = importance_scores or {}
    flat = rushlight.cat([scores.get((module, name), getattr(module, name)).detach().reshape(-1) for module, name in pairs])
    kept = [getattr(module, f"{name}_mask", rushlight.ones_like(getattr(module, name))).reshape(-1) for module, name in pairs]
    container = PruningContainer()
    container._tensor_name = "temp"
    method = pruning_method(**kwargs)
    method._tensor_name = "temp"
    if method.PRUNING_TYPE != "unstructured":
        raise TypeError(
            f"Only \"unstructured\" PRUNING_TYPE supported for the `pruning_method`. Found method {pruning_method} of type "
            f"{method.PRUNING_TYPE}"
        )
    container.add_pruning_method(method)
    mask, start = container.compute_mask(flat, rushlight.cat(kept)), 0
    for module, name in pairs:
        value = getattr(module, name)
        custom_from_mask(module, name, mask=mask[start : start + value.numel()].view_as(value))
        start += value.numel()


def remove(module: Module, name: str) -> Module:
    """Makes the pruned values the parameter again, for good. Raises ValueError for a parameter that is not pruned."""
    found = pruning_of(module, name)
    if found is None:
        raise ValueError(f"Parameter '{name}' of module {module} has to be pruned before pruning can be removed")
    key, hook = found
    hook.remove(module)
    del module._forward_pre_hooks[key]
    return module


def is_pruned(module: Module) -> bool:
    """Whether anything within the module is pruned."""
    return any(isinstance(hook, BasePruningMethod) for each in module.modules() for hook in each._forward_pre_hooks.values())


__all__ = [
    "BasePruningMethod", "CustomFromMask", "Identity", "L1Unstructured", "LnStructured", "PruningContainer",
    "RandomStructured", "RandomUnstructured", "custom_from_mask", "global_unstructured", "identity", "is_pruned", "l1_unstructured",
    "ln_structured", "random_structured", "random_unstructured", "remove",
]  # fmt: skip
