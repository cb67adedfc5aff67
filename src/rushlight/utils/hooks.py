"""Handles that take a registered hook off again, and the watch that modules' backward hooks keep on a call."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING

from ..warning import warn

if TYPE_CHECKING:
    from collections import OrderedDict
    from collections.abc import Callable, Sequence
    from typing import Any

__all__ = ["BackwardHook", "RemovableHandle", "unserializable_hook", "warn_if_has_hooks"]


class RemovableHandle:
    """What registering a hook returns: `remove()` takes the hook off; as a context manager it does so at the end.

    It refers to the hook table weakly, so a handle keeps no module or tensor alive.
    """

    id: int
    next_id: int = 0

    def __init__(self, hooks_dict: OrderedDict[int, Any], *, extra_dict: Any = None) -> None:
        self.hooks_dict_ref = weakref.ref(hooks_dict)
        self.id = RemovableHandle.next_id
        RemovableHandle.next_id += 1
        extra = (extra_dict,) if not isinstance(extra_dict, (list, tuple)) else tuple(extra_dict)
        self.extra_dict_ref = tuple(weakref.ref(table) for table in extra if table is not None)

    def remove(self) -> None:
        """Take the hook off; a second call does nothing."""
        for reference in (self.hooks_dict_ref, *self.extra_dict_ref):
            table = reference()
            if table is not None:
                table.pop(self.id, None)

    def __getstate__(self) -> tuple[Any, int, tuple[Any, ...]]:
        return self.hooks_dict_ref(), self.id, tuple(reference() for reference in self.extra_dict_ref)

    def __setstate__(self, state: tuple[Any, int, tuple[Any, ...]]) -> None:
        from collections import OrderedDict

        table, self.id, extra = state
        self.hooks_dict_ref = weakref.ref(OrderedDict() if table is None else table)
        self.extra_dict_ref = tuple(weakref.ref(OrderedDict() if table is None else table) for table in extra)
        RemovableHandle.next_id = max(RemovableHandle.next_id, self.id + 1)

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, type: Any, value: Any, traceback: Any) -> None:
        self.remove()


def add_hook(
    table: OrderedDict[int, Any], hook: Any, *options: tuple[OrderedDict[int, bool], bool], prepend: bool = False
) -> RemovableHandle:
    """Put `hook` into `table`, and its id into the table of each option that is wanted; return its handle."""
    wanted = [option for option, is_wanted in options if is_wanted]
    handle = RemovableHandle(table, extra_dict=wanted)
    table[handle.id] = hook
    for option in wanted:
        option[handle.id] = True
    if prepend:
        table.move_to_end(handle.id, last=False)
    return handle


def unserializable_hook(f: Callable) -> Callable:
    """Marks a hook on a tensor as one that need not survive saving: no warning then says that it does not."""
    f.__torch_unserializable__ = True  # type: ignore[attr-defined]
    return f


def warn_if_has_hooks(tensor: Any) -> None:
    """Warns of the hooks that a tensor has and that will not be saved with it."""
    for hook in (tensor._backward_hooks or {}).values():
        if not hasattr(hook, "__torch_unserializable__"):
            warn(
                f"backward hook {hook!r} on tensor will not be serialized.  If this is expected, you can decorate the function "
                "with @torch.utils.hooks.unserializable_hook to suppress this warning"
            )


class BackwardHook:
    """Runs a module's backward hooks around one call: by hooks on identity functions that its tensors pass through.

    The gradients of the outputs are what arrives at the second identity, those of the inputs what the first hands on.
    """

    def __init__(self, module: Any, user_hooks: list[Callable], user_pre_hooks: list[Callable]) -> None:
        self.module = module
        self.user_hooks = user_hooks
        self.user_pre_hooks = user_pre_hooks
        self.grad_outputs: tuple[Any, ...] | None = None
        self.input_places: list[int] | None = None  # the numbers of the tensors among the arguments, where they are watched
        self.input_spaces: list[tuple] = []  # their shapes and types
        self.output_places: list[int] | None = None
        self.n_inputs = 0
        self.n_outputs = 0

    def setup_input_hook(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """`args` with its tensors passed through the identity that gives `grad_input`."""
        self.n_inputs = len(args)
        watched, self.input_places, node = _through_identity(args)
        if node is not None:
            self.input_spaces = [(args[place].shape, args[place].dtype) for place in self.input_places or ()]
            node.register_hook(self._at_inputs)
        return watched

    def setup_output_hook(self, args: Any) -> Any:
        """An output, or a tuple of them, with its tensors passed through the identity that gets `grad_output`."""
        from ..tensor import Tensor

        if not isinstance(args, (Tensor, tuple)):
            return args
        outputs = args if isinstance(args, tuple) else (args,)
        self.n_outputs = len(outputs)
        watched, self.output_places, node = _through_identity(outputs)
        if node is not None:
            node.register_prehook(self._at_outputs)
        if isinstance(args, Tensor):
            return watched[0]
        if type(args) is tuple:
            return watched
        return type(args)(*watched) if hasattr(args, "_fields") else type(args)(watched)

    def _at_outputs(self, grads: tuple[Any, ...]) -> tuple[Any, ...]:
        assert self.output_places is not None
        spread = _spread(grads, self.output_places, self.n_outputs)
        for hook in self.user_pre_hooks:
            result = hook(self.module, spread)
            if result is not None:
                spread = _replacement(result, spread, "Backward pre hook", "grad_output")
        self.grad_outputs = spread
        if self.input_places is None and self.user_hooks:
            self._without_inputs(spread)
        return tuple(spread[place] for place in self.output_places)

    def _without_inputs(self, grad_outputs: tuple[Any, ...]) -> None:
        """Calls the hooks of a module none of whose inputs requires a gradient."""
        warn(
            "Full backward hook is firing when gradients are computed with respect to module outputs since "
            "no inputs require gradients. See torch.nn.Module.register_full_backward_hook for more details."
        )
        for hook in self.user_hooks:
            result = hook(self.module, (None,) * self.n_inputs, grad_outputs)
            if result is not None and not all(grad is None for grad in result):
                raise RuntimeError(
                    "Backward hook for Modules where no input requires gradient should always return None or None for all "
                    "gradients."
                )
        self.grad_outputs = None

    def _at_inputs(self, grads: tuple[Any, ...], _: tuple[Any, ...]) -> tuple[Any, ...] | None:
        if self.grad_outputs is None:  # the pass came here by another way than through the module's outputs
            return None
        assert self.input_places is not None
        from ..creation import zeros

        # As in PyTorch, also inputs that require none have a gradient here: zeros.
        filled = [
            zeros(shape, dtype=dtype) if grad is None else grad
            for grad, (shape, dtype) in zip(grads, self.input_spaces, strict=True)
        ]
        spread = _spread(filled, self.input_places, self.n_inputs)
        for hook in self.user_hooks:
            result = hook(self.module, spread, self.grad_outputs)
            if result is not None:
                spread = _replacement(result, spread, "Backward hook", "grad_input")
        self.grad_outputs = None
        return tuple(
            None if before is None else spread[place] for place, before in zip(self.input_places, grads, strict=True)
        )


def _spread(grads: Sequence[Any], places: Sequence[int], length: int) -> tuple[Any, ...]:
    spread: list[Any] = [None] * length
    for place, grad in zip(places, grads, strict=True):
        spread[place] = grad
    return tuple(spread)


def _replacement(result: Any, old: tuple[Any, ...], who: str, what: str) -> tuple[Any, ...]:
    if len(result) != len(old):
        raise RuntimeError(f"{who} returned an invalid number of {what}, got {len(result)}, but expected {len(old)}")
    return tuple(result)


def _through_identity(values: tuple[Any, ...]) -> tuple[tuple[Any, ...], list[int] | None, Any]:
    """Passes the tensors among `values` through an identity function; gives where they are, and its node.

    Where no gradient flows through any of them, nothing is done, and there are neither places nor a node.
    """
    from ..autograd.modes import is_grad_enabled
    from ..tensor import Tensor

    places = [place for place, value in enumerate(values) if isinstance(value, Tensor)]
    if not is_grad_enabled() or not any(values[place].requires_grad for place in places):
        return values, None, None
    new = list(values)
    for place, value in zip(places, _identity()(*(values[place] for place in places)), strict=True):
        new[place] = value
    node = next(new[place].grad_fn for place in places if new[place].requires_grad)
    return tuple(new), places, node


_apply_identity: Any = None


def _identity() -> Any:
    """The identity function of tensors; made on first use, since handles are wanted long before custom functions are."""
    global _apply_identity
    if _apply_identity is None:
        _apply_identity = _make_identity()
    return _apply_identity


def _make_identity() -> Any:
    from ..autograd.function import Function

    class BackwardHookFunction(Function):
        @staticmethod
        def forward(ctx: Any, *tensors: Any) -> tuple[Any, ...]:
            ctx.mark_non_differentiable(*(tensor for tensor in tensors if not tensor.requires_grad))
            return tensors

        @staticmethod
        def backward(ctx: Any, *grads: Any) -> tuple[Any, ...]:
            return grads

    return BackwardHookFunction.apply
