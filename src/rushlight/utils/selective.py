"""Selective checkpointing: a policy says which operations keep their results, so that the second run need not compute them."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Any

from ..autograd.modes import refresh, thread

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


class SelectiveCheckpointContext:
    """What a policy is told besides the operation: in which run it is."""

    def __init__(self, *, is_recompute: bool) -> None:
        self.is_recompute = is_recompute


class _Selecting:
    """A block, around one of the runs, in which a policy is asked about each operation."""

    def __init__(self, policy: Callable, kept: dict, is_recompute: bool, allow_mutation: bool) -> None:
        self.policy, self.kept, self.allow_mutation = policy, kept, allow_mutation
        self.context = SelectiveCheckpointContext(is_recompute=is_recompute)
        self.counts: dict[str, int] = {}

    def __enter__(self) -> None:
        self.counts = {}
        self.previous, thread.selecting = thread.selecting, self
        refresh()

    def __exit__(self, *exception: Any) -> None:
        thread.selecting = self.previous
        refresh()

    def compute(self, op: Any, forward: Callable, args: tuple, options: dict) -> Any:
        """An operation's results: computed, or those that were kept. The arrays kept are checked for changes in between."""
        chosen = self.policy(self.context, op.function, *args, **options)
        if isinstance(chosen, bool):
            chosen = CheckpointPolicy.MUST_SAVE if chosen else CheckpointPolicy.PREFER_RECOMPUTE
        if chosen not in _KEEPS:
            return forward()
        number = self.counts[op.name] = self.counts.get(op.name, -1) + 1
        if not self.context.is_recompute:
            result = forward()
            self.kept[op.name, number] = result, None if self.allow_mutation else _sums(result)
            return result
        if (op.name, number) not in self.kept:
            raise RuntimeError(f"{op.name} encountered during backward, but not found in storage")
        result, sums = self.kept[op.name, number]
        if sums is not None and sums != _sums(result):
            raise RuntimeError(
                "Tensor cached during selective activation checkpoint has been mutated. If you are certain that this is fine, pass "
                "allow_cache_entry_mutation=True to create_selective_checkpoint_contexts."
            )
        return result


def _sums(result: Any) -> Any:
    """Checksums of the arrays in a result."""
    from zlib import crc32

    if isinstance(result, (tuple, list)):
        return tuple(map(_sums, result))
    return crc32(memoryview(result.tobytes())) if hasattr(result, "tobytes") else None


def create_selective_checkpoint_contexts(policy_fn_or_list: Any, allow_cache_entry_mutation: bool = False) -> tuple[Any, Any]:
    """The two blocks for `checkpoint(..., context_fn=...)` that keep what a policy selects.

    `policy_fn_or_list` is a list of functions (`torch.matmul`, ...) whose results are kept, or `policy(ctx, function, *args,
    **kwargs)`
    that returns a CheckpointPolicy. The functions are those of Rushlight's operations: `x @ w` and `torch.mm` are
    `torch.matmul`, and a
    linear layer is `torch.nn.functional.linear`. Raises TypeError or ValueError for anything else.
    """
    if isinstance(policy_fn_or_list, list):
        for one in policy_fn_or_list:
            if not hasattr(one, "op"):
                raise ValueError(f"Expected op in `op_list` to be an operation but got: {one} of type {type(one)}.")
        names = {one.op.name for one in policy_fn_or_list}

        def policy(ctx: SelectiveCheckpointContext, function: Any, *args: Any, **kwargs: Any) -> CheckpointPolicy:
            return CheckpointPolicy.MUST_SAVE if function.op.name in names else CheckpointPolicy.PREFER_RECOMPUTE

    elif callable(policy_fn_or_list):
        policy = policy_fn_or_list
    else:
        raise TypeError("policy_fn_or_list must be either a function or a list of ops.")
    kept: dict = {}
    return tuple(_Selecting(policy, kept, second, allow_cache_entry_mutation) for second in (False, True))  # type: ignore[return-value]
