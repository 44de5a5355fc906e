"""One line of numbers per intent, above which its texts lie and the others below.

Owns their training, which is given numbers and gives back numbers. Must not know what they stand for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

ITERATIONS = 60
REMEMBERED = 8  # former steps from which L-BFGS guesses the shape of what it goes down
EDGE_SLACK, CHANCE_SLACK = 1.0, 1000.0  # the larger, the closer the lines follow the rows
LEAST_HELD = (
    7e-7  # lines by chances are held back by this at least: among many rows what one alone says is its own fault
)
FLAT = 1e-5  # of the longest row's square: what a row has less than that beside the others is rounding

Lines = tuple[Any, Any]
Kind = Callable[[Any, Any, Any, int], Lines]  # of rows, labels, weights, and how many labels there are
Widened = Callable[[Any], Any]  # of lines among few directions, the same among all


def fit(rows: Any, labels: Any, weights: Any, most: int) -> list[Lines]:
    """(features × labels, one per label), twice: the weights and biases that give ``rows`` (float32) their ``labels``
    (0 to ``most`` - 1), each as important as its weight; so long that the right answers lead by 1.

    Support vectors, one against all, do better with many examples; multinomial logistic regression with few. Held-out
    examples tell in which `mixed` they do best, and a mixture costs a text no more than one of them.
    """
    few, wide = _narrowed(rows)
    return [_found(kind, few, wide, labels, weights, most) for kind in (edges, chances)]


def fit_mixed(rows: Any, labels: Any, weights: Any, most: int, share: float) -> Lines:
    """`mixed` of what `fit` gives; what has no share in it is not sought."""
    few, wide = _narrowed(rows)
    parts = [(kind, part) for kind, part in ((edges, 1.0 - share), (chances, share)) if part]
    found = [(_found(kind, few, wide, labels, weights, most), part) for kind, part in parts]
    return sum(table * part for (table, _), part in found), sum(bias * part for (_, bias), part in found)


def mixed(both: Sequence[Lines], share: float) -> Lines:
    """One of the two: ``share`` of the second, the rest of the first."""
    (table, bias), (other, its) = both
    rest, part = 1.0 - share, share
    return table * rest + other * part, bias * rest + its * part


def _found(kind: Kind, few: Any, wide: Widened, labels: Any, weights: Any, most: int) -> Lines:
    table, bias = kind(few, labels, weights, most)
    lead = _lead(few @ table + bias)
    return wide(table / lead), bias / lead


def _narrowed(rows: Any) -> tuple[Any, Widened]:
    """Fewer rows than columns lie in a space of as many directions as there are rows: the same rows along directions of
    that space, and what brings lines found there back. The best lines lie in it too, and are found many times sooner. As
    they are where there are no fewer rows.

    Any directions at right angles do. Those of Cholesky's triangle (the rows made upright one after the other) cost a tenth
    of those by eigenvalues, and the directions themselves, as wide as the rows, are never needed.
    """
    import numpy as np
    from scipy.linalg import solve_triangular
    from scipy.linalg.lapack import dpstrf

    if len(rows) >= rows.shape[1]:
        return rows, lambda table: table
    likeness = (rows @ rows.T).astype(np.float64)
    triangle, order, rank, _ = dpstrf(likeness, tol=FLAT * float(likeness.diagonal().max()), lower=1)
    order, triangle = order - 1, np.tril(triangle)[:, :rank]
    few = np.empty(triangle.shape, np.float32)
    few[order] = triangle
    upright = rows[order[:rank]].T

    def widened(table: Any) -> Any:
        turned = solve_triangular(triangle[:rank], table.astype(np.float64), lower=True, trans="T")
        return upright @ turned.astype(np.float32)

    return few, widened


def edges(rows: Any, labels: Any, weights: Any, most: int) -> Lines:
    """A row lies 1 above the line of its label and 1 below every other; what it lacks of that costs its square."""
    import numpy as np

    side, cost = (np.full((len(rows), most), fill, np.float32) for fill in (-1.0, EDGE_SLACK))
    at = np.arange(len(rows)), labels
    side[at] = 1.0
    cost[at] *= weights

    def loss(scores: Any) -> tuple[float, Any]:
        lacks = np.maximum(1.0 - side * scores, 0.0)
        slope = lacks * cost
        return float(np.vdot(slope, lacks)), slope * (-2.0 * side)

    return _descended(rows, most, loss, 1.0)


def chances(rows: Any, labels: Any, weights: Any, most: int) -> Lines:
    """The lines' exponentials are shares of one whole: how likely each label is."""
    import numpy as np

    share = (weights / weights.sum()).astype(np.float32)
    at = np.arange(len(rows)), labels

    def loss(scores: Any) -> tuple[float, Any]:
        scores = scores - scores.max(axis=1, keepdims=True)
        missed = -float(share @ scores[at])
        found = np.exp(scores)
        sums = found.sum(axis=1)
        found /= sums[:, None]
        found[at] -= 1.0
        return missed + float(share @ np.log(sums)), found * share[:, None]

    return _descended(rows, most, loss, max(1.0 / (CHANCE_SLACK * float(weights.sum())), LEAST_HELD))


def _descended(rows: Any, most: int, loss: Callable[[Any], tuple[float, Any]], shrink: float) -> Lines:
    """The weights and biases with the least loss, and ``shrink`` / 2 of the weights' squares."""
    import numpy as np
    from scipy.optimize import minimize
    from threadpoolctl import threadpool_limits

    width = rows.shape[1]

    def missed(given: Any) -> tuple[float, Any]:
        table = given.reshape(width + 1, most)
        lines = table.astype(np.float32)
        lost, slope = loss(rows @ lines[:width] + lines[width])
        whole = np.concatenate([rows.T @ slope, slope.sum(axis=0, keepdims=True)]) + shrink * table
        return lost + 0.5 * shrink * float(np.vdot(table, table)), whole.ravel()

    options = {"maxiter": ITERATIONS, "maxcor": REMEMBERED}
    with threadpool_limits(1):  # several threads wait for each other longer than each of them computes
        found = minimize(missed, np.zeros((width + 1) * most), jac=True, method="L-BFGS-B", options=options).x
    found = found.reshape(width + 1, most).astype(np.float32)
    return found[:width], found[width]


def _lead(scores: Any) -> Any:
    """By how much the winners lead over the second, on average."""
    import numpy as np

    if scores.shape[1] < 2:
        return 1.0
    best = np.partition(scores, -2, axis=1)
    return np.float32((best[:, -1] - best[:, -2]).mean()) or 1.0
