"""How figures are shown and kept: a table with what was aimed at, and the machine they come from."""

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

RESULTS: Final = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Figure:
    """One measured figure; ``aim`` says what is wanted, in words, or is empty."""

    name: str
    value: float
    unit: str
    aim: str = ""


def show(part: str, figures: Sequence[Figure]) -> None:
    """Print ``figures`` as a table and keep them under ``bench/results``."""
    print(f"\n{part} (repeat: python -m bench {part})")
    for figure in figures:
        aim = f"   aim {figure.aim}" if figure.aim else ""
        print(f"  {figure.name:<58}{figure.value:>12,.2f} {figure.unit}{aim}")
    RESULTS.mkdir(exist_ok=True)
    kept = {"machine": machine(), "at": datetime.now(UTC).isoformat(), "figures": [asdict(one) for one in figures]}
    (RESULTS / f"{part}.json").write_text(json.dumps(kept, indent=2) + "\n")


def machine() -> str:
    """Say what this runs on."""
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    system = f"{platform.system()} {platform.release()}, Python {platform.python_version()}"
    return f"{os.cpu_count()} cores, {system}, load {load}"


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the value below which ``percent`` of ``values`` lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]
