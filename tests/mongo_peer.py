"""A MongoDB-compatible server for tests/run_mongo.sh: SecantusDB, made to read nested documents as paths.

Runs in an environment of its own (tests/requirements-mongo-peer.lock), never in the service's: its licence is the
GPL, and nothing of it may be imported by or shipped with the service. Takes the server's own arguments.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from secantus import aggregate, cli


def leaves(spec: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """``{"a": {"b": x}}`` → ``("a.b", x)``; an expression (``{"$op": …}``) is a leaf."""
    for name, value in spec.items():
        if isinstance(value, Mapping) and value and not next(iter(value)).startswith("$"):
            yield from leaves(value, f"{above}{name}.")
        else:
            yield above + name, value


def by_paths(stage: Callable[..., Any]) -> Callable[..., Any]:
    """MongoDB takes a nested document in $addFields, $set and $project for paths; SecantusDB 0.7 for a value."""

    @functools.wraps(stage)
    def repaired(document: Any, spec: Mapping[str, Any], variables: Any) -> Any:
        return stage(document, dict(leaves(spec)), variables)

    return repaired


aggregate._add_fields_one = by_paths(aggregate._add_fields_one)
aggregate._project_one = by_paths(aggregate._project_one)

sys.exit(cli.main())
