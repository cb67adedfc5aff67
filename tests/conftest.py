"""What holds for the whole suite."""

import os

# Before NumPy loads: on small matrices threads only wait for each other, and that much longer on a busy machine.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
