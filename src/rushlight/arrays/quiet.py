"""NumPy tells of divisions by zero, overflows and invalid values; PyTorch does not.

What Rushlight computes is silent; of what a program computes with NumPy itself, NumPy's warning comes as before.
"""

from __future__ import annotations

import sys
import warnings

import numpy as np

LIBRARIES = ("rushlight", "numpy", "scipy")
# Where NumPy's error state is not ours, as in a context that the program made, a filter does the same for most programs.
warnings.filterwarnings("ignore", category=RuntimeWarning, module=r"rushlight\.")


def warn_the_program(kind: str, flag: int) -> None:
    """NumPy's warning of a floating-point error, unless Rushlight's own code led to it."""
    frame = sys._getframe(1)
    while frame is not None:
        library = frame.f_globals.get("__name__", "").partition(".")[0]
        if library == LIBRARIES[0]:
            return
        if library not in LIBRARIES:
            break
        frame = frame.f_back  # type: ignore[assignment]
    warnings.warn(f"{kind} encountered", RuntimeWarning, stacklevel=2)


def hush() -> None:
    """Has this thread's floating-point errors told to us, where the program has not said what should become of them."""
    if np.geterrcall() is None:
        np.seterrcall(warn_the_program)
        np.seterr(**{kind: "call" for kind, action in np.geterr().items() if action == "warn"})  # type: ignore[arg-type]
