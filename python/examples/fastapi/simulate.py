"""The work: what an engineer brings along. It knows neither FastAPI nor Dayfly."""

from __future__ import annotations

import random


def simulate(samples: int) -> dict[str, float]:
    """Pi, by throwing darts. A second or two for 10 million of them; for 10 billion, most of an hour."""
    hits = 0
    for _ in range(samples):
        x, y = random.random(), random.random()  # noqa: S311
        hits += x * x + y * y <= 1.0
    return {"samples": samples, "pi": 4 * hits / max(samples, 1)}
