"""Recordings of what older versions sent."""

import json
from pathlib import Path
from typing import Any

RECORDED = Path(__file__).parent / "recorded"
VERSIONS = sorted(path.stem for path in RECORDED.glob("*.json"))


def recording(version: str) -> dict[str, Any]:
    """All that agent and API of that version said."""
    said: dict[str, Any] = json.loads((RECORDED / f"{version}.json").read_text())
    return said
