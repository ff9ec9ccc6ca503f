"""Runs of one part become medians with their spread."""

from typing import Any

from scripts.bench_parts.all import document, machine, merged


def test_figures_of_several_runs_are_merged_by_name() -> None:
    runs: list[dict[str, Any]] = [
        {"a": {"ms": 3}, "b": "text"},
        {"a": {"ms": 1}, "b": "text"},
        {"a": {"ms": 8}},
    ]
    assert merged(runs) == {"a": {"ms": {"median": 3, "least": 1, "most": 8}}, "b": "text"}
    assert merged([]) == {}


def test_the_document_names_the_machine_and_each_figure() -> None:
    figures = {"machine": machine(), "part": merged([{"a": {"ms": 2.5}, "note": "x"}])}
    text = document(figures)
    assert "| a, ms | 2.5 | 2.5 | 2.5 |" in text
    assert "| note | x |  |  |" in text
    assert "- Python: 3" in text
