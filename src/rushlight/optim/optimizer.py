"""The base of all optimizers: parameter groups, state, hooks, and PyTorch's format of `state_dict`."""

from __future__ import annotations

import functools
from collections import OrderedDict, defaultdict
from collections.abc import Iterable
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import dtypes
from ..autograd.graph import next_order, version_cell
from ..autograd.modes import enable_grad, state, thread
from ..callers import calling_place
from ..tensor import Tensor, wrap
from ..utils.hooks import RemovableHandle, add_hook
from ..warning import warn

if TYPE_CHECKING:
    from collections.abc import Callable

ParamsT = Iterable[Tensor] | Iterable[dict[str, Any]] | Iterable[tuple[str, Tensor]]


class _Required:
    """Stands in `defaults` for an option that has no default."""

    def __repr__(self) -> str:
        return "<required parameter>"


required = _Required()

_global_pre_hooks: OrderedDict[int, Callable] = OrderedDict()
_global_post_hooks: OrderedDict[int, Callable] = OrderedDict()


def register_optimizer_step_pre_hook(hook: Callable) -> RemovableHandle:
    """Calls `hook(optimizer, args, kwargs)` before every step of every optimizer."""
    return add_hook(_global_pre_hooks, hook)


def register_optimizer_step_post_hook(hook: Callable) -> RemovableHandle:
    """Calls `hook(optimizer, args, kwargs)` after every step of every optimizer."""
    return add_hook(_global_post_hooks, hook)


def _hooked(step: Callable) -> Callable:
    """A class's `step` that calls the hooks before and after; a `step` that it calls in turn (`super().step()`) does
    not.
    """

    @functools.wraps(step)
    def wrapper(self: Optimizer, *args: Any, **kwargs: Any) -> Any:
        known = self.__dict__  # those of an optimizer around another may be missing: it need not call `__init__`
        before, after = known.get("_optimizer_step_pre_hooks", {}), known.get("_optimizer_step_post_hooks", {})
        if not (before or after or _global_pre_hooks or _global_post_hooks) or type(self).step is not wrapper:
            return step(self, *args, **kwargs)
        args = (self, *args)
        for hook in (*_global_pre_hooks.values(), *before.values()):
            changed = hook(self, args, kwargs)
            if changed is not None:
                if not (isinstance(changed, tuple) and len(changed) == 2):
                    raise RuntimeError(
                        f"{step} must return None or a tuple of (new_args, new_kwargs), but got {changed}."
                    )
                args, kwargs = changed
        result = step(*args, **kwargs)
        for hook in (*after.values(), *_global_post_hooks.values()):
            hook(self, args, kwargs)
        return result

    return wrapper


class Optimizer:
    """Base class of optimizers.

    Args:
        params: tensors, or (name, tensor) pairs, or groups: dicts of `params` and options other than the defaults.
        defaults: the options of every group that does not give its own.

    A subclass passes its options as `defaults` and defines `step`. Raises TypeError for what is no tensor, ValueError
    for an empty list, for a tensor that is not a leaf, and for one that appears twice.
    """

    def __init__(self, params: ParamsT, defaults: dict[str, Any]) -> None:
        self.defaults = defaults
        self._make_hooks()
        if isinstance(params, Tensor):
            raise TypeError(
                "params argument given to the optimizer should be an iterable of Tensors or dicts, but got "
                f"{_typename(params)}"
            )
        self.state: defaultdict[Any, Any] = defaultdict(dict)
        self.param_groups: list[dict[str, Any]] = []
        groups: list[Any] = list(params)
        if not groups:
            raise ValueError("optimizer got an empty parameter list")
        if not isinstance(groups[0], dict):
            groups = [{"params": groups}]
        for group in groups:
            self.add_param_group(group)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "step" in cls.__dict__:
            cls.step = _hooked(cls.__dict__["step"])  # type: ignore[method-assign]

    def _make_hooks(self) -> None:
        self._optimizer_step_pre_hooks: OrderedDict[int, Callable] = OrderedDict()
        self._optimizer_step_post_hooks: OrderedDict[int, Callable] = OrderedDict()
        self._optimizer_state_dict_pre_hooks: OrderedDict[int, Callable] = OrderedDict()
        self._optimizer_state_dict_post_hooks: OrderedDict[int, Callable] = OrderedDict()
        self._optimizer_load_state_dict_pre_hooks: OrderedDict[int, Callable] = OrderedDict()
        self._optimizer_load_state_dict_post_hooks: OrderedDict[int, Callable] = OrderedDict()

    # --- parameters --------------------------------------------------------------------------------------------------

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Adds a group: a dict with `params` and the options that differ from the defaults."""
        if not isinstance(param_group, dict):
            raise TypeError(f"param_group must be a dict, but got {type(param_group)}")
        params = param_group["params"]
        if isinstance(params, set):
            raise TypeError(
                "optimizer parameters need to be organized in ordered collections, but the ordering of tensors in sets "
                "will change "
                "between runs. Please use a list instead."
            )
        _set_params(param_group, [params] if isinstance(params, Tensor) else list(params))
        for param in param_group["params"]:
            self._check_param(param)
        for name, default in self.defaults.items():
            if default is required and name not in param_group:
                raise ValueError(f"parameter group didn't specify a value of required optimization parameter {name}")
            param_group.setdefault(name, default)
        params = param_group["params"]
        if len(params) != len({id(param) for param in params}):
            warn(
                "optimizer contains a parameter group with duplicate parameters; in future, this will cause an error; "
                "see github.com/pytorch/pytorch/issues/40967 for more information"
            )
        known = {id(param) for group in self.param_groups for param in group["params"]}
        if any(id(param) in known for param in params):
            raise ValueError("some parameters appear in more than one parameter group")
        if self.param_groups and ("param_names" in param_group) != ("param_names" in self.param_groups[0]):
            given = "with" if "param_names" in param_group else "without"
            raise ValueError(
                "all optimizer param groups should be with/without names. "
                f"cannot add param group {given} names to the optimizer"
            )
        self.param_groups.append(param_group)

    def _check_param(self, param: Any) -> None:
        if not isinstance(param, Tensor):
            raise TypeError(f"optimizer can only optimize Tensors, but one of the params is {_typename(param)}")
        if not (self.defaults.get("differentiable") or param.is_leaf or param.retains_grad):
            raise ValueError("can't optimize a non-leaf Tensor")

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forgets the gradients of all parameters; `set_to_none=False` fills them with zeros instead."""
        for group in self.param_groups:
            for param in group["params"]:
                grad = param._grad
                if grad is None:
                    continue
                if set_to_none:
                    param._grad = None
                else:
                    grad.detach_() if grad.grad_fn is not None else grad.requires_grad_(False)
                    grad.zero_()

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Updates the parameters once. `closure` computes the loss and its gradients anew; its result is returned."""
        raise NotImplementedError(f"{type(self).__name__} has no step(): a subclass of Optimizer defines it")

    # --- hooks -------------------------------------------------------------------------------------------------------

    def register_step_pre_hook(self, hook: Callable) -> RemovableHandle:
        """Calls `hook(optimizer, args, kwargs)` before a step; it may return changed `(args, kwargs)`."""
        return add_hook(self._optimizer_step_pre_hooks, hook)

    def register_step_post_hook(self, hook: Callable) -> RemovableHandle:
        """Calls `hook(optimizer, args, kwargs)` after a step."""
        return add_hook(self._optimizer_step_post_hooks, hook)

    def register_state_dict_pre_hook(self, hook: Callable, prepend: bool = False) -> RemovableHandle:
        """Calls `hook(optimizer)` before `state_dict`."""
        return add_hook(self._optimizer_state_dict_pre_hooks, hook, prepend=prepend)

    def register_state_dict_post_hook(self, hook: Callable, prepend: bool = False) -> RemovableHandle:
        """Calls `hook(optimizer, state_dict)` after `state_dict`; it may return another dict."""
        return add_hook(self._optimizer_state_dict_post_hooks, hook, prepend=prepend)

    def register_load_state_dict_pre_hook(self, hook: Callable, prepend: bool = False) -> RemovableHandle:
        """Calls `hook(optimizer, state_dict)` before `load_state_dict`; it may return another dict."""
        return add_hook(self._optimizer_load_state_dict_pre_hooks, hook, prepend=prepend)

    def register_load_state_dict_post_hook(self, hook: Callable, prepend: bool = False) -> RemovableHandle:
        """Calls `hook(optimizer)` after `load_state_dict`."""
        return add_hook(self._optimizer_load_state_dict_post_hooks, hook, prepend=prepend)

    # --- state -------------------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """The state and the groups, with a number for each parameter; PyTorch's format. The tensors are not copied."""
        for hook in self._optimizer_state_dict_pre_hooks.values():
            hook(self)
        numbers: dict[int, int] = {}
        groups = []
        for group in self.param_groups:
            for param in group["params"]:
                numbers.setdefault(id(param), len(numbers))
            packed = {name: value for name, value in group.items() if name != "params"}
            packed["params"] = [numbers[id(param)] for param in group["params"]]
            groups.append(packed)
        packed_state = {
            numbers[id(key)] if isinstance(key, Tensor) else key: value for key, value in self.state.items()
        }
        result: dict[str, Any] = {"state": packed_state, "param_groups": groups}
        for hook in self._optimizer_state_dict_post_hooks.values():
            changed = hook(self, result)
            if changed is not None:
                result = changed
        return result

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Takes over what `state_dict()` returned; tensors that need no conversion are shared with it.

        Raises ValueError when the number or the sizes of the groups differ.
        """
        state_dict = state_dict.copy()
        for hook in self._optimizer_load_state_dict_pre_hooks.values():
            changed = hook(self, state_dict)
            if changed is not None:
                state_dict = changed
        saved_groups = deepcopy(state_dict["param_groups"])
        if len(saved_groups) != len(self.param_groups):
            raise ValueError("loaded state dict has a different number of parameter groups")
        params: dict[Any, Tensor] = {}
        for group, saved in zip(self.param_groups, saved_groups, strict=True):
            if len(group["params"]) != len(saved["params"]):
                raise ValueError(
                    "loaded state dict contains a parameter group that doesn't match the size of optimizer's group"
                )
            params.update(zip(saved["params"], group["params"], strict=True))
            saved["params"] = group["params"]
            if "param_names" in group and "param_names" not in saved:
                saved["param_names"] = group["param_names"]
        loaded: defaultdict[Any, Any] = defaultdict(dict)
        for key, value in state_dict["state"].items():
            if key in params:
                loaded[params[key]] = _converted(value, params[key])
            else:
                loaded[key] = value
        self.__setstate__({"state": loaded, "param_groups": saved_groups})
        for hook in self._optimizer_load_state_dict_post_hooks.values():
            hook(self)

    def __getstate__(self) -> dict[str, Any]:
        return {"defaults": self.defaults, "state": self.state, "param_groups": self.param_groups}

    def __setstate__(self, saved: dict[str, Any]) -> None:
        self.__dict__.update(saved)
        if "_optimizer_step_pre_hooks" not in self.__dict__:  # fresh from a pickle
            self._make_hooks()
        self.defaults.setdefault("differentiable", False)
        for group in self.param_groups:
            for name, default in self.defaults.items():
                if default is None or isinstance(default, bool):  # switches that older state dicts do not know
                    group.setdefault(name, default)
            for param in group["params"]:
                entry = self.state.get(param)
                if entry and isinstance(entry.get("step"), (int, float)) and self._step_is_tensor:
                    entry["step"] = wrap(np.array(float(entry["step"]), scalar_type()))

    _step_is_tensor = True  # whether the state's `step` is a tensor, not a number

    def __repr__(self) -> str:
        lines = [f"{type(self).__name__} ("]
        for index, group in enumerate(self.param_groups):
            lines.append(f"Parameter Group {index}")
            lines += [f"    {name}: {group[name]}" for name in sorted(group) if name != "params"]
            lines.append("")
        lines[-1] = ")"
        return "\n".join(lines)


class OneByOne(Optimizer):
    """An optimizer that updates each parameter that has a gradient on its own, by `_update(group, param)`."""

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Updates the parameters once. `closure` computes the loss and its gradients anew; its result is returned."""
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        note_changes([param for group in self.param_groups for param in group["params"] if param._grad is not None])
        for group in self.param_groups:
            for param in group["params"]:
                if param._grad is not None:
                    self._update(group, param)
        return loss

    def _update(self, group: dict[str, Any], param: Tensor) -> None:
        raise NotImplementedError(f"{type(self).__name__} needs _update")


def scalar_type() -> Any:
    """The NumPy type of the numbers kept per parameter, such as `step`."""
    return np.float64 if dtypes.get_default_dtype() is dtypes.float64 else np.float32


def note_changes(params: list[Tensor]) -> None:
    """Counts a change in place of each parameter, which is about to happen: all at once and from one place, the
    nearest caller outside Rushlight.
    """
    if thread.mutation is not None:
        for param in params:
            thread.mutation.before_change(param)
    place = calling_place()
    state.last_write = order = next_order()
    for param in params:
        version_cell(param).note(order, place)


def check_options(**options: Any) -> None:
    """Raises ValueError for the first option that is negative, in PyTorch's words; a tensor must have one element."""
    for name, value in options.items():
        if isinstance(value, Tensor) and value.numel() != 1:
            raise ValueError(f"Tensor {name} must be 1-element")
        if not value >= 0.0:
            words = {"lr": "learning rate", "eps": "epsilon value"}
            raise ValueError(f"Invalid {words.get(name, f'{name} value')}: {value}")


def check_betas(betas: Any) -> None:
    """Raises ValueError unless both are in [0, 1)."""
    for index, beta in enumerate(betas):
        if not 0.0 <= beta < 1.0:
            raise ValueError(f"Invalid beta parameter at index {index}: {beta}")


def check_fused(fused: bool | None, foreach: bool | None, differentiable: bool) -> None:
    """Raises RuntimeError for implementations that PyTorch does not combine. (Here all choices run the same code.)"""
    if fused and differentiable:
        raise RuntimeError("`fused` does not support `differentiable`")
    if fused and foreach:
        raise RuntimeError("`fused` and `foreach` cannot be `True` together.")


def _set_params(group: dict[str, Any], params: list) -> None:
    """Puts the tensors of a group into `params`, and their names, where given, into `param_names`."""
    named = [isinstance(param, tuple) for param in params]
    if any(named):
        if not all(named):
            raise ValueError("all optimizer params should be with/without names. Some param names are missing")
        group["param_names"] = [name for name, _ in params]
        params = [param for _, param in params]
    group["params"] = params


def _converted(value: Any, param: Tensor, key: Any = None) -> Any:
    """A loaded state with its tensors in the parameter's type; `step` keeps its own."""
    if isinstance(value, Tensor):
        if key != "step" and param.is_floating_point() and value._array.dtype != param._array.dtype:
            return wrap(value._array.astype(param._array.dtype))
        return value
    if isinstance(value, dict):
        return {name: _converted(item, param, name) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_converted(item, param) for item in value)
    return value


def _typename(value: Any) -> str:
    """The type of a value as PyTorch's messages name it."""
    if isinstance(value, Tensor):
        return value.type()
    kind = type(value)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
