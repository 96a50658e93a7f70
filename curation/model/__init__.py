"""Build, train, save and run networks. This is the only room that imports torch.

torch's OpenMP threads wait for each other in a busy loop. Where other programs use the same cores, each waiting thread
keeps a core from the thread that it waits for, and training gets ten times slower and more. So the loop is kept short
here, before torch is imported. `OMP_WAIT_POLICY` or `GOMP_SPINCOUNT` in the environment override this.
"""

import os

SPINS = "1000"  # turns of the waiting loop before a thread sleeps: benchmarks/shared_cores.py has the measurement

if "OMP_WAIT_POLICY" not in os.environ:
    os.environ.setdefault("GOMP_SPINCOUNT", SPINS)
