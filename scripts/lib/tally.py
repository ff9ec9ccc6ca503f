"""The sum over every pytest report in a folder, each skip with its reason."""

import sys
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree as ET


def main() -> None:
    """Print each reason to skip with its count, then one line of totals."""
    totals: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    for report in sorted(Path(sys.argv[1]).glob("*.xml")):
        for case in ET.parse(report).iter("testcase"):
            outcome = _outcome(case)
            totals[outcome] += 1
            if outcome == "skipped":
                reasons[case.find("skipped").get("message") or ""] += 1  # type: ignore[union-attr]  # found
    for reason, count in reasons.most_common():
        print(f"skipped {count}: {reason}")
    print(f"{totals['passed']} passed, {totals['failed']} failed, {totals['skipped']} skipped")


def _outcome(case: ET.Element) -> str:
    if case.find("failure") is not None or case.find("error") is not None:
        return "failed"
    return "skipped" if case.find("skipped") is not None else "passed"


main()
