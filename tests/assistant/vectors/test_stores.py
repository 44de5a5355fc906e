"""Either store: what is kept is found by its own tenant alone, by its own encoder alone, and no more once it is gone (AI-8)."""

from __future__ import annotations

import uuid
from typing import Any

import numpy as np
import pytest
from django.db import connection

from assistant.models import Vector
from assistant.vectors import embedded, pgvector, texts
from assistant.vectors.port import ANY, Only, StoreAway
from assistant.vectors.reindex import vectors_begin_anew
from assistant.vectors.rows import Text, digest_of, numbers_of, store, vectors_forget, vectors_keep, vectors_like
from tenants.scope import tenant_scope
from tests.assistant.vectors.conftest import FakePinecone, FakeQdrant, of_words

pytestmark = pytest.mark.django_db(transaction=True)
TALK, OTHER_TALK = uuid.UUID(int=11), uuid.UUID(int=12)
LOST, LATE, HOURS = (uuid.UUID(int=number) for number in (1, 2, 3))
SAID = {LOST: "my parcel is lost", LATE: "the parcel is late today", HOURS: "when do you open"}


def keep(kind: str = "message") -> None:
    talks = {LOST: TALK, LATE: OTHER_TALK, HOURS: OTHER_TALK}
    vectors_keep(kind, [Text(ref, text, 0, talks[ref]) for ref, text in SAID.items()])


def found(text: str, only: Only = ANY, kind: str = "message") -> list[uuid.UUID]:
    return [one.ref_id for one in vectors_like(kind, of_words([text])[0], 2, only)]


def test_the_nearest_come_first_with_their_likeness(scope, vector_store) -> None:
    keep()
    best, second = vectors_like("message", of_words(["parcel lost"])[0], 2)
    assert (best.ref_id, second.ref_id) == (LOST, LATE)
    expected = float(of_words(["parcel lost"])[0] @ of_words([SAID[LOST]])[0])
    assert best.score == pytest.approx(expected, abs=2e-3)
    assert (best.conversation_id, best.digest, best.part) == (TALK, digest_of(SAID[LOST]), 0)


def test_a_search_keeps_to_conversations(scope, vector_store) -> None:
    keep()
    assert found("parcel lost", Only(but=TALK))[0] == LATE
    assert found("parcel lost", Only(conversations=[TALK])) == [LOST]
    assert found("parcel lost", Only(conversations=[])) == []


def test_another_tenant_finds_nothing(scope, other_tenant, vector_store) -> None:
    keep()
    with tenant_scope(other_tenant.id):
        assert (found("parcel lost"), store().count("message")) == ([], 0)
        vectors_forget(Vector.objects.all())
        store().delete("message", list(Vector.objects.unscoped().values_list("id", flat=True)))
        store().delete_all()
    assert found("parcel lost")[0] == LOST


def test_another_encoder_and_kind_find_nothing(scope, vector_store, monkeypatch) -> None:
    keep()
    assert found("parcel lost", kind="article") == []
    monkeypatch.setattr(texts, "MODEL", "another/512")
    assert found("parcel lost") == []
    keep()
    assert (len(found("parcel lost")), store().count("message"), Vector.objects.count()) == (2, 3, 6)


def test_what_is_kept_again_stands_once(scope, vector_store) -> None:
    keep()
    vectors_keep("message", [Text(LOST, "when do you open on sunday", 0, TALK)])
    assert (store().count("message"), Vector.objects.count()) == (3, 3)
    assert found("parcel lost")[0] == LATE


def test_what_is_forgotten_is_gone_from_the_store(scope, vector_store) -> None:
    keep()
    found("parcel lost")  # the embedded store remembers its signs
    assert vectors_forget(Vector.objects.filter(ref_id=LOST)) == 1
    assert (store().count("message"), LOST in found("parcel lost")) == (2, False)


def test_the_numbers_come_back(scope, vector_store) -> None:
    keep()
    assert numbers_of("message", [LOST, uuid.UUID(int=99)]).keys() == {LOST}
    assert np.allclose(numbers_of("message", [LOST])[LOST], of_words([SAID[LOST]])[0], atol=1e-3)


def test_a_row_that_went_meanwhile_leaves_nothing_in_the_store(scope, vector_store, monkeypatch) -> None:
    """An erasure comes between the row and its numbers."""
    put = type(store()).upsert

    def late(self: Any, kind: str, points: Any) -> None:
        Vector.objects.filter(ref_id=LOST).delete()
        put(self, kind, points)

    monkeypatch.setattr(type(store()), "upsert", late)
    keep()
    assert store().count("message") == 2


def test_qdrant_is_told_ids_and_no_words(scope, settings, server: FakeQdrant) -> None:
    settings.ENV = {**settings.ENV, "VECTOR_STORE": "qdrant", "QDRANT_URL": server.url}
    rows_before = Vector.objects.count()
    keep()
    told = [body for _, path, body in server.asked if path.endswith("/points") and body]
    assert told and "parcel" not in str(told)
    assert {len(point["vector"]) for body in told for point in body["points"]} == {texts.WIDTH}
    assert Vector.objects.exclude(numbers=b"").count() == rows_before == 0


def test_pinecone_is_told_ids_and_no_words_and_forgets_a_tenant_whole(
    scope, other_tenant, settings, pinecone: FakePinecone, monkeypatch
) -> None:
    settings.ENV = {**settings.ENV, "VECTOR_STORE": "pinecone", "PINECONE_URL": pinecone.url, "PINECONE_API_KEY": "k-1"}
    keep()
    assert {len(one["values"]) for held in pinecone.namespaces.values() for one in held.values()} == {texts.WIDTH}
    assert "parcel" not in str(pinecone.asked)
    with tenant_scope(other_tenant.id):
        keep()
    monkeypatch.setattr(texts, "MODEL", "another/512")
    store().delete_all()
    assert [name.partition(".")[0] for name in pinecone.namespaces] == [str(other_tenant.id)]
    pinecone.broken = 429
    with pytest.raises(StoreAway, match="http_429"):
        keep()
    assert not Vector.objects.filter(model="another/512", stored=True).exists()


def test_a_qdrant_that_is_away_says_so_and_keeps_the_rows(scope, settings, server: FakeQdrant) -> None:
    settings.ENV = {**settings.ENV, "VECTOR_STORE": "qdrant", "QDRANT_URL": server.url}
    keep()
    server.broken = 503
    with pytest.raises(StoreAway, match="http_503"):
        found("parcel lost")
    with pytest.raises(StoreAway):
        vectors_forget(Vector.objects.all())
    assert Vector.objects.count() == 3


def test_a_foreign_id_from_the_store_is_worth_nothing(scope, other_tenant, settings, server: FakeQdrant) -> None:
    """A point of another tenant under this tenant's name: no row of this tenant has its id."""
    settings.ENV = {**settings.ENV, "VECTOR_STORE": "qdrant", "QDRANT_URL": server.url}
    with tenant_scope(other_tenant.id):
        keep()
    for points in server.collections.values():
        for point in points.values():
            point["payload"]["tenant"] = str(scope.id)
    assert found("parcel lost") == []


def many(tenant: Any, count: int, first: int = 0) -> Any:
    """So many messages' vectors, by chance; their ``ref_id`` is their place, from ``first`` on."""
    rows = np.random.default_rng(7 + first).standard_normal((count, texts.WIDTH)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    Vector.objects.bulk_create(
        Vector(
            tenant=tenant, model=texts.MODEL, kind="message", ref_id=uuid.UUID(int=place), digest="", stored=True,
            conversation_id=TALK, numbers=texts.packed(row), signs=texts.signs(row),
        )
        for place, row in enumerate(rows, first)
    )  # fmt: skip
    return rows


def places(numbers: Any, k: int) -> list[int]:
    return [one.ref_id.int for one in vectors_like("message", numbers, k)]


def exact(rows: Any, numbers: Any, k: int) -> list[int]:
    return [int(place) for place in np.argsort(-(rows.astype(np.float16).astype(np.float32) @ numbers))[:k]]


def test_the_embedded_store_finds_the_exact_best_among_many(scope, monkeypatch) -> None:
    monkeypatch.setattr(embedded, "LEAST", 40)
    monkeypatch.setattr(embedded, "FEW", 800)
    rows = many(scope, 900)
    wanted = rows[123] + 0.5 * rows[456]
    wanted /= np.linalg.norm(wanted)
    assert places(wanted, 1) == [123]


def test_among_many_that_are_alike_the_signs_are_weighed(monkeypatch) -> None:
    """Of 3,000 around one text the 400 that are read held hardly six of the ten nearest when each sign counted the same."""
    dice = np.random.default_rng(7)

    def around(middle: Any, count: int) -> Any:
        made = middle + dice.standard_normal((count, texts.WIDTH)) * (0.6 / texts.WIDTH**0.5)
        return (made / np.linalg.norm(made, axis=1, keepdims=True)).astype(np.float32)

    middle = around(np.zeros(texts.WIDTH), 1)
    there, asked = around(middle, 3_000), around(middle, 20)
    ids = np.frombuffer(b"".join(uuid.UUID(int=place).bytes for place in range(3_000)), np.uint8).reshape(-1, 16)
    rows = embedded._Rows(ids, np.zeros(3_000, np.uint64), np.packbits(there > 0, axis=1).view(np.uint64), None)

    def found(wider: int) -> float:
        monkeypatch.setattr(embedded, "WIDER", wider)
        nearest = [{uuid.UUID(int=int(place)) for place in np.argsort(-(there @ one))[:10]} for one in asked]
        return sum(len(best & set(rows.nearest(one, 400, ANY))) for one, best in zip(asked, nearest, strict=True)) / 20

    weighed = embedded.WIDER
    alike = found(1)
    assert found(weighed) >= alike + 1 >= 6
    assert len(rows.nearest(asked[0], 400, ANY)) == 400


def test_of_few_the_embedded_store_remembers_the_numbers(scope, monkeypatch, django_assert_num_queries) -> None:
    """It reads none of them again, and finds what comparing all of them finds."""
    rows = many(scope, 300)
    wanted = np.random.default_rng(1).standard_normal(texts.WIDTH).astype(np.float32)
    assert places(wanted, 30) == exact(rows, wanted, 30)
    monkeypatch.setattr(embedded, "LOOK_EVERY_S", 60.0)
    with django_assert_num_queries(2) as asked:  # which are there still, and what they are of
        assert places(rows[200], 5) == exact(rows, rows[200], 5)
    assert not any('"numbers"' in one["sql"] for one in asked.captured_queries)


def test_of_few_what_has_gone_takes_nobodys_place(scope, monkeypatch) -> None:
    rows = many(scope, 300)
    assert places(rows[0], 1) == [0]
    monkeypatch.setattr(embedded, "LOOK_EVERY_S", 60.0)
    best = exact(rows, rows[0], 60)
    Vector.objects.filter(ref_id__in=[uuid.UUID(int=place) for place in best[:50]]).delete()
    assert places(rows[0], 10) == best[50:]


def test_the_numbers_of_what_has_gone_go_with_the_next_look(scope) -> None:
    rows = many(scope, 20)
    assert places(rows[3], 1) == [3]
    Vector.objects.filter(ref_id=uuid.UUID(int=3)).update(stored=False)
    assert 3 not in places(rows[3], 20)
    assert 3 not in places(rows[3], 20)
    [index] = embedded._indexes.values()
    assert len(index) == 19


def test_where_few_become_many_their_numbers_are_given_back(scope, monkeypatch) -> None:
    monkeypatch.setattr(embedded, "FEW", 100)
    few = many(scope, 100)
    assert places(few[3], 1) == [3]
    [index] = embedded._indexes.values()
    assert index.size == 100 * (88 + 4 * texts.WIDTH)
    more = many(scope, 1, first=100)
    assert (places(more[0], 1), places(few[3], 1), index.size) == ([100], [3], 101 * 88)


def raw(request: pytest.FixtureRequest, kind: str) -> int:
    """How many numbers the store itself holds, of whichever tenant and encoder."""
    if kind == "qdrant":
        return sum(map(len, request.getfixturevalue("server").collections.values()))
    if kind == "pinecone":
        return sum(map(len, request.getfixturevalue("pinecone").namespaces.values()))
    if kind == "pgvector":
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT count(*) FROM {pgvector.TABLE}")  # noqa: S608  a name of ours
            return int(cursor.fetchone()[0])
    return int(Vector.objects.unscoped().exclude(numbers=b"").count())


def test_what_a_former_encoder_left_goes_too(scope, vector_store, monkeypatch, request) -> None:
    keep()
    monkeypatch.setattr(texts, "MODEL", "another/512")
    keep()
    assert raw(request, vector_store) == 6
    vectors_forget(Vector.objects.filter(ref_id=LOST))
    assert raw(request, vector_store) == 4
    vectors_forget(Vector.objects.all())
    assert (raw(request, vector_store), Vector.objects.count()) == (0, 0)


def test_what_another_store_has_is_not_found_by_the_embedded_one(scope, settings, server: FakeQdrant) -> None:
    """Processes of both stores run side by side while VECTOR_STORE is changed, and people go on asking."""
    env = settings.ENV
    settings.ENV = {**env, "VECTOR_STORE": "qdrant", "QDRANT_URL": server.url}
    keep()
    settings.ENV = env
    assert (found("parcel lost"), numbers_of("message", [LOST]), store().count("message")) == ([], {}, 0)
    vectors_keep("message", [Text(LATE, SAID[LATE], 0, OTHER_TALK)])
    assert found("parcel lost") == [LATE]


def test_what_no_row_leads_to_goes_when_all_is_made_anew(
    scope, other_tenant, vector_store, monkeypatch, request
) -> None:
    keep()
    monkeypatch.setattr(texts, "MODEL", "another/512")
    keep()
    with tenant_scope(other_tenant.id):
        keep()
    Vector.objects.filter(ref_id=LOST).delete()  # as by a backup of the database that is older than the store
    assert vectors_begin_anew(lambda: True) == 4
    assert raw(request, vector_store) == 3
    with tenant_scope(other_tenant.id):
        assert len(found("parcel lost")) == 2
