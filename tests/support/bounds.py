"""What one input may cost: a second of CPU and 100 MB."""

import time
import tracemalloc
from collections.abc import Callable
from typing import Any

CPU_S = 1.0
BYTES = 100 << 20


def bounded(work: Callable[[], Any]) -> Any:
    """Do work and return what it returns; fail where it took more CPU of its thread, or more memory, than is allowed.

    It is done twice: measuring memory makes Python several times slower.
    """
    began_s = time.thread_time()
    found = work()
    took_s = time.thread_time() - began_s
    tracemalloc.start()
    try:
        work()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert took_s < CPU_S, f"{took_s:.2f} s of CPU"
    assert peak < BYTES, f"{peak >> 20} MB"
    return found
