"""What the pages show of record.json, written anew: ``python -m benchmarks.recorded.pages``; ``make bench`` with a new record does it.

Owns the marked places of benchmarks/README.md and docs/scaling.md. Must not measure.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.recorded import load_model
from benchmarks.recorded.record import ENGINES, RECORD

ROOT = Path(__file__).parents[2]


def main() -> None:
    figures = json.loads(RECORD.read_text())
    for page in PAGES:
        (ROOT / page).write_text(page_of(page, figures))


def page_of(page: str, figures: Mapping[str, Any]) -> str:
    """The page with the figures in its marked places. ``page``: its path from the root of the project."""
    text = (ROOT / page).read_text()
    for place, made in PAGES[page].items():
        begin, end = f"<!-- recorded: {place} -->\n", "\n<!-- end -->"
        before, _, rest = text.partition(begin)
        assert rest, f"{page} has no place for {place!r}"
        text = f"{before}{begin}{made(figures)}{end}{rest.partition(end)[2]}"
    return text


def table(figures: Mapping[str, Any]) -> str:
    """Markdown: microseconds, and what part of the floor's rate that is."""
    machine = ", ".join(f"{name} {fact}" for name, fact in figures["machine"].items())
    rows = [machine, "", "| in one process | SQLite | of F | PostgreSQL | of F |", "|---|---:|---:|---:|---:|"]
    for name in figures["sqlite"]:
        cells = [cell for engine in ENGINES for cell in _cells(name, figures[engine])]
        rows.append(f"| {name} | {' | '.join(cells)} |")
    ratios = [cell for engine in ENGINES for cell in (f"{_of_bare(figures[engine]):.2f}", "")]
    rows.append(f"| rest_echo, of bare_two_commits | {' | '.join(ratios)} |")
    rows += ["", "| all processes, PostgreSQL, Redis | |", "|---|---:|"]
    return "\n".join([*rows, *(f"| {name} | {_shown(figure)} |" for name, figure in figures["cluster"].items())])


def _cells(name: str, run: Mapping[str, float]) -> list[str]:
    part = f"{run['floor_us'] / run[name]:.3f}" if name.endswith("_us") else ""
    return [f"{run[name]:,.1f}", part]


def _of_bare(run: Mapping[str, float]) -> float:
    return run["bare_two_commits_us"] / run["rest_echo_us"]


def _shown(figure: Any) -> str:
    if isinstance(figure, dict):
        return ", ".join(f"{name} {one:,.0f}" for name, one in figure.items())
    return f"{figure:,}"


def _of_cost(made: Callable[[load_model.Cost], str]) -> Callable[[Mapping[str, Any]], str]:
    return lambda figures: made(load_model.cost_of(figures["cluster"]))


def _burst(figures: Mapping[str, Any]) -> str:
    return (
        "Measured on two cores that do everything (client and platform too), in a burst: "
        f"{figures['cluster']['per_second']:,.0f} messages a second end to end. The machine is in `record.json`."
    )


PAGES: Mapping[str, Mapping[str, Callable[[Mapping[str, Any]], str]]] = {
    "benchmarks/README.md": {"costs": table},
    "docs/scaling.md": {
        "burst": _burst,
        "needs": _of_cost(load_model.tables),
        "end of a server": _of_cost(load_model.end_of_a_server),
    },
}

if __name__ == "__main__":
    main()
