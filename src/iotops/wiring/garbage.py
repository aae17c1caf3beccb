"""How often Python looks for cycles, and in what: never twice in what was made for as long as the process lives."""

import gc

COLLECT_AFTER = 20_000
"""Objects made before the garbage collector looks for cycles: about a batch of ingest, which lives until its commit.

With Python's 700 it looks through each batch again and again for nothing: a sixth of the worker's CPU
(docs/performance.md).
"""


def collect_seldom() -> None:
    """Let the garbage collector look seldom."""
    gc.set_threshold(COLLECT_AFTER)


def keep_what_is_there() -> None:
    """Leave what exists now out of what the garbage collector looks through: once all is put together, before work.

    Else it walks all of it now and then, code, shapes and rules, while somebody waits for an answer: 60 ms of CPU in an
    API, seconds in the ingest of a large fleet.
    """
    gc.collect()
    gc.freeze()
