"""What a spawned worker's first `import torch` finds: it makes way for Rushlight."""

from __future__ import annotations

import sys

from rushlight.interop.alias import install_as_torch

del sys.modules[__name__]
install_as_torch()
