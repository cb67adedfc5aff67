"""Selective checkpointing: a policy says which operations keep their results, so that the second run need not compute them."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Any

from ..autograd.modes import refresh, thread
from ..ops.overloads import OpOverload, OpOverloadPacket, aten, overload_of
from ..tensor import wrap

if TYPE_CHECKING:
    from collections.abc import Callable


class CheckpointPolicy(enum.Enum):
    """What becomes of an operation's result between the two runs."""

    MUST_SAVE = 0
    PREFER_SAVE = 1
    MUST_RECOMPUTE = 2
    PREFER_RECOMPUTE = 3
    MUST_CPU_OFFLOAD = 4
    PREFER_CPU_OFFLOAD = 5


_KEEPS = (
    CheckpointPolicy.MUST_SAVE, CheckpointPolicy.PREFER_SAVE, CheckpointPolicy.MUST_CPU_OFFLOAD, CheckpointPolicy.PREFER_CPU_OFFLOAD
)  # fmt: skip


# Operations about which policies are not asked: they compute nothing.
SAC_IGNORED_OPS = {
    getattr(aten, name).default for name in ("detach", "dim", "is_contiguous", "numel", "size", "storage_offset", "stride")
}


class SelectiveCheckpointContext:
    """What a policy is told besides the operation: its result. `is_recompute` is left from when second runs asked policies too."""

    def __init__(self, *, is_recompute: bool, op_output: Any = None) -> None:
        self.is_recompute = is_recompute
        self.op_output = op_output


class _Selecting:
    """A block around one of the runs: in the first a policy says which results are kept, in the second they are used."""

    def __init__(self, policy: Callable, kept: dict, is_recompute: bool, allow_mutation: bool) -> None:
        self.policy, self.kept, self.allow_mutation = policy, kept, allow_mutation
        self.is_recompute = is_recompute
        self.counts: dict[str, int] = {}  # of the calls so far, by operation

    def __enter__(self) -> None:
        self.counts = {}
        self.previous, thread.selecting = thread.selecting, self
        refresh()

    def __exit__(self, *exception: Any) -> None:
        thread.selecting = self.previous
        refresh()

    def compute(self, op: Any, forward: Callable, args: tuple, options: dict) -> Any:
        """An operation's results: computed, or those that were kept."""
        place = op.name, self.counts.get(op.name, 0)
        self.counts[op.name] = place[1] + 1
        if self.is_recompute:
            return self.taken(place) if place in self.kept else forward()
        result = forward()
        output = result if op.composite is None else result[0]  # without what a fused op keeps for its rules
        context = SelectiveCheckpointContext(is_recompute=False, op_output=_shown(output))
        chosen = self.policy(context, overload_of(op.name, args, options), *args, **options)
        if chosen is True or chosen in _KEEPS:
            self.kept[place] = result, None if self.allow_mutation else _sums(result)
        return result

    def taken(self, place: tuple[str, int]) -> Any:
        """A result that was kept, which may be used once. Raises RuntimeError when it was changed, or used before."""
        if self.kept[place] is None:
            raise RuntimeError(
                "Trying to backward an extra time. You are only allowed to backward once on any region computed under selective "
                "activation checkpoint."
            )
        result, sums = self.kept[place]
        if sums is not None and sums != _sums(result):
            raise RuntimeError(
                "Tensor cached during selective activation checkpoint has been mutated. If you are certain that this is fine, pass "
                "allow_cache_entry_mutation=True to create_selective_checkpoint_contexts."
            )
        self.kept[place] = None
        return result


def _shown(result: Any) -> Any:
    """An operation's results as tensors, for a policy."""
    return tuple(map(_shown, result)) if isinstance(result, (tuple, list)) else wrap(result) if hasattr(result, "dtype") else result


def _sums(result: Any) -> Any:
    """Checksums of the arrays in a result."""
    from zlib import crc32

    if isinstance(result, (tuple, list)):
        return tuple(map(_sums, result))
    return crc32(memoryview(result.tobytes())) if hasattr(result, "tobytes") else None


def create_selective_checkpoint_contexts(policy_fn_or_list: Any, allow_cache_entry_mutation: bool = False) -> tuple[Any, Any]:
    """The two blocks for `checkpoint(..., context_fn=...)` that keep what a policy selects.

    `policy_fn_or_list` is a list of operations (`torch.ops.aten.mm.default`, ...) whose results are kept, or
    `policy(ctx, op, *args, **kwargs)`, which returns a CheckpointPolicy. A linear layer is one operation here: `addmm`, without a
    bias `mm`. Raises TypeError or ValueError for anything else.
    """
    policy = policy_fn_or_list
    if isinstance(policy_fn_or_list, list):
        wanted = {checked(one) for one in policy_fn_or_list}

        def policy(ctx: SelectiveCheckpointContext, op: OpOverload, *args: Any, **kwargs: Any) -> CheckpointPolicy:
            return CheckpointPolicy.MUST_SAVE if op in wanted else CheckpointPolicy.PREFER_RECOMPUTE

    elif not callable(policy_fn_or_list):
        raise TypeError("policy_fn_or_list must be either a function or a list of ops.")
    kept: dict = {}
    return _Selecting(policy, kept, False, allow_cache_entry_mutation), _Selecting(policy, kept, True, allow_cache_entry_mutation)


def checked(op: Any) -> OpOverload:
    """An operation from a list. Raises ValueError for anything else."""
    if isinstance(op, OpOverload):
        return op
    advice = ""
    if isinstance(op, OpOverloadPacket):
        advice = (
            "Please update the OpOverloadPacket to a specific OpOverload. For example, if you have `torch.ops.aten.mm`, change it "
            "to `torch.ops.aten.mm.default`."
        )
    raise ValueError(f"Expected op in `op_list` to be an OpOverload but got: {op} of type {type(op)}. {advice}")
