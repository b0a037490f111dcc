"""Benchmarks for asv. BLAS must not start threads, which would blur all timings and slow small products down.

Variables that are set here would come too late: asv's own packages may have imported NumPy already.
"""

import os

THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

if any(os.environ.get(name) != "1" for name in THREAD_VARIABLES):
    raise RuntimeError(f"run asv with {' '.join(f'{name}=1' for name in THREAD_VARIABLES)}")
