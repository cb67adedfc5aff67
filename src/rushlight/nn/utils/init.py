"""Making a module without the cost of its initial values."""

from __future__ import annotations

from typing import TYPE_CHECKING

import rushlight

if TYPE_CHECKING:
    from typing import Any

    from rushlight.nn.modules.module import Module


def skip_init(module_cls: type[Module], *args: Any, **kwargs: Any) -> Module:
    """`module_cls(*args, **kwargs)` with uninitialised parameters and the random state as before."""
    state = rushlight.get_rng_state()
    module = module_cls(*args, **kwargs)
    rushlight.set_rng_state(state)
    return module.to_empty(device="cpu")
