"""Benchmark files as pytest-benchmark writes them, with rounds of our choice."""

import json
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def rounds(middle_us: float, *, seed: int, count: int = 40, scatter: float = 0.05) -> list[float]:
    """Durations in seconds around a middle."""
    draw = random.Random(seed)
    return [middle_us * 1e-6 * draw.lognormvariate(0, scatter) for _ in range(count)]


def content(benchmarks: Mapping[str, object], **changes: object) -> dict[str, Any]:
    """The parts of the JSON that anybody reads."""
    return {
        "machine_info": {"node": "host", "cpu": {"brand_raw": "cpu"}},
        "version": "5.3.1",
        "datetime": "2026-01-01T00:00:00",
        "benchmarks": [
            {"fullname": f"benchmarks/test_gate.py::test_{name}", "stats": {"data": data}}
            for name, data in benchmarks.items()
        ],
        **changes,
    }


def write(path: Path, benchmarks: Mapping[str, object], **changes: object) -> Path:
    """Write such a file."""
    path.write_text(json.dumps(content(benchmarks, **changes)))
    return path
