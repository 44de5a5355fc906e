"""How long a search takes among the vectors of one tenant in the embedded store: ``python -m benchmarks.past.vectors``.

Vectors lie around those of real texts, as what people say does: the encoder's of the common intents' examples, each with noise.
At each size: the first search of a process, which reads what is remembered, then searches of the ten nearest, by all of the way that
`vectors_like` goes. ``found``: how many of the ten that are truly nearest stand in the answer.
"""

from __future__ import annotations

import argparse
import random
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from benchmarks.past.engines import on_engines, say
from benchmarks.past.search import percentiles, timed

BAR_MS = 50  # p95 of a search at 100,000 vectors
NEAREST = 10
NOISE = 0.6  # of a vector's length
TOGETHER = 5_000
TRULY = 20  # questions whose nearest are compared one by one


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--calls", type=int, default=200, help="searches at each size (default: 200)")
    on_engines(parser, measure, "benchmarks.past.vectors")


def measure(given: argparse.Namespace) -> None:
    from django.db import connection

    from assistant.vectors import embedded
    from tenants.scope import tenant_scope

    place = Place()
    say(
        f"| vectors, {connection.vendor} | p50 ms | p95 ms | max ms | processor ms | first search, s | found of {NEAREST} |\n"
        + "|---|---:|"
        + "---:|" * 5
    )
    with tenant_scope(place.tenant.id):
        for size in sorted(given.sizes):
            place.fill(size)
            embedded.forget_all()
            first = timed(place.ask)
            spent = time.thread_time()
            took = percentiles([timed(place.ask) * 1000 for _ in range(given.calls)])
            spent = (time.thread_time() - spent) * 1000 / given.calls
            figures = (
                *(f"{value:.1f}" for value in took),
                f"{spent:.1f}",
                f"{first:.1f}",
                f"{place.share_found():.1f}",
            )
            say(f"| {size:,} | {' | '.join(figures)} |")
            if size == 100_000 and took[1] > BAR_MS:
                say(f"more than {BAR_MS} ms")


class Place:
    """A tenant, and questions like what its people said."""

    def __init__(self) -> None:
        import numpy as np

        from assistant.intents.common import COMMON
        from assistant.vectors import texts
        from tests.factories import TenantFactory

        self.random, self.tenant, self.there = np.random.default_rng(7), TenantFactory(slug="vectors"), 0
        said = [example for languages in COMMON.values() for examples, _ in languages.values() for example in examples]
        random.Random(7).shuffle(said)
        self.texts = texts.encoded(said[:1000])
        self.numbers: list[Any] = []  # as they are kept, for `share_found`
        self.began = datetime.now(UTC) - timedelta(days=400)

    def fill(self, size: int) -> None:
        from django.db import transaction

        from assistant.models import Vector

        while self.there < size:
            rows = list(self._rows(min(TOGETHER, size - self.there)))
            with transaction.atomic():
                Vector.objects.bulk_create(rows, batch_size=500)

    def _rows(self, count: int) -> Iterator[Any]:
        from assistant.models import Vector
        from assistant.vectors import texts

        numbers = self._like(count)
        self.numbers.append(numbers.astype("float16"))
        for vector in numbers:
            self.there += 1
            at = int((self.began + timedelta(seconds=10 * self.there)).timestamp() * 1000)
            yield Vector(
                id=uuid.UUID(f"{at:012x}70008000{self.there:012x}"), tenant=self.tenant, model=texts.MODEL, kind="message",
                ref_id=uuid.UUID(int=self.there), conversation_id=uuid.UUID(int=self.there // 20), stored=True,
                numbers=texts.packed(vector), signs=texts.signs(vector),
            )  # fmt: skip

    def _like(self, count: int) -> Any:
        import numpy as np

        from assistant.vectors import texts

        around = self.texts[self.random.integers(0, len(self.texts), count)]
        noise = self.random.standard_normal((count, texts.WIDTH)) * (NOISE / texts.WIDTH**0.5)
        made = around + noise
        return (made / np.linalg.norm(made, axis=1, keepdims=True)).astype(np.float32)

    def ask(self) -> list[Any]:
        from assistant.vectors.rows import vectors_like

        return vectors_like("message", self._like(1)[0], NEAREST)

    def share_found(self) -> float:
        """Of the ten that are nearest when every vector is compared, how many a search finds."""
        import numpy as np

        from assistant.vectors.rows import vectors_like

        found = 0
        for question in self._like(TRULY):
            scores = np.concatenate([part.astype(np.float32) @ question for part in self.numbers])
            nearest = {uuid.UUID(int=int(place) + 1) for place in np.argpartition(-scores, NEAREST)[:NEAREST]}
            found += len(nearest & {one.ref_id for one in vectors_like("message", question, NEAREST)})
        return found / TRULY


if __name__ == "__main__":
    main()
