"""What a run of `make soak` found, kept beside the machine that it ran on."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.machine import describe, kind

RESULTS = Path(__file__).parents[2] / "benchmarks" / "results"


def record(name: str, figures: Mapping[str, Any], folder: Path, results: Path = RESULTS) -> Path:
    """Write one result into the file of such machines, in place of an older one of that name; return the file.

    Args:
        name: of the test and what it ran on.
        figures: what it found.
        folder: where its databases were.
        results: where files of results are.
    """
    file = results / f"soak-{kind()}.json"
    kept = json.loads(file.read_text()) if file.exists() else {}
    measured = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    kept[name] = {"measured": measured, **figures, "machine": describe(folder)}
    file.write_text(json.dumps(dict(sorted(kept.items())), indent=1) + "\n")
    return file
