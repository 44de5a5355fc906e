"""Times that come in and go out: bounded, and written in one form."""

from __future__ import annotations

import ast
import importlib
import pkgutil
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, get_args

import pytest
import time_machine
from pydantic import BaseModel, TypeAdapter, ValidationError

import assistant
import channels_app
import chatsvc
import conversations
import messaging
import tenants
from channels_app.words.moments import (
    Moment,
    SentMoment,
    all_written,
    moment_of_iso,
    moment_of_unix,
    moment_typed,
    written,
)

APPS = (assistant, channels_app, chatsvc, conversations, messaging, tenants)
ROOT = Path(chatsvc.__file__).parent.parent
WHOLE = datetime(2026, 1, 31, 12, 0, 0, tzinfo=UTC)

OUTSIDE = (
    "0001-01-01T00:00:00+01:00",
    "0001-01-01T00:00:00+14:00",
    "1969-12-31T23:59:59.999Z",
    "1970-01-01T00:00:00+00:01",
    "2100-12-31T23:59:59-00:01",
    "2101-01-01T00:00:00Z",
    "9999-12-31T23:59:59-14:00",
)


class TestIn:
    @pytest.mark.parametrize("given", [*OUTSIDE, -1, 4133980800, "2026-01-31T12:00:00", "2026-01-31", "", "1e999"])
    def test_outside_the_years_or_without_a_zone_is_refused(self, given):
        with pytest.raises(ValidationError):
            TypeAdapter(Moment).validate_python(given)

    @pytest.mark.parametrize("given", ["2026-01-31T14:00:00+02:00", "2026-01-31T12:00:00Z", 1769860800, "1769860800"])
    def test_a_time_is_read_as_utc(self, given):
        read = TypeAdapter(Moment).validate_python(given)
        assert (read, read.tzinfo) == (WHOLE, UTC)

    @time_machine.travel(WHOLE, tick=False)
    def test_a_sender_s_clock_is_a_day_ahead_at_most(self):
        reader = TypeAdapter(SentMoment)
        assert reader.validate_python(WHOLE + timedelta(days=1)) == WHOLE + timedelta(days=1)
        with pytest.raises(ValidationError, match="a day ahead"):
            reader.validate_python(WHOLE + timedelta(days=1, seconds=1))

    @pytest.mark.parametrize("given", ["", "x", "nan", "inf", "-1", "1e999", "9" * 30, "4133980800", "4133980800000"])
    def test_platforms_unix_times_that_cannot_be_are_none(self, given):
        assert moment_of_unix(given) is None

    def test_platforms_unix_times(self):
        assert moment_of_unix("1769860800") == moment_of_unix("1769860800000") == WHOLE

    @pytest.mark.parametrize("given", [*OUTSIDE, "", "yesterday"])
    def test_platforms_iso_times_that_cannot_be_are_none(self, given):
        assert moment_of_iso(given) is None

    @pytest.mark.parametrize("given", ["2026-01-31T12:00:00", "2026-01-31T12:00:00Z", "2026-01-31T13:00:00+01:00"])
    def test_platforms_iso_times_are_utc_where_they_do_not_say(self, given):
        assert moment_of_iso(given) == WHOLE

    @pytest.mark.parametrize("given", ["2026-01-31T12:00:00Z", "2026-01-31T13:00:00+01:00"])
    def test_people_type_a_zone(self, given):
        assert moment_typed(given) == WHOLE
        assert moment_typed("2026-01-31") == WHOLE.replace(hour=0)

    @pytest.mark.parametrize("given", [*OUTSIDE, "2026-01-31T12:00", "yesterday", "0001-01-01", "2026-13-01", ""])
    def test_people_are_told_what_is_no_time(self, given):
        with pytest.raises(ValueError, match=r"."):
            moment_typed(given)


class TestOut:
    @pytest.mark.parametrize(
        ("at", "shown"),
        [
            (WHOLE, "2026-01-31T12:00:00.000Z"),
            (WHOLE.replace(microsecond=999_999), "2026-01-31T12:00:00.999Z"),
            (WHOLE.replace(microsecond=7_000), "2026-01-31T12:00:00.007Z"),
            (WHOLE.astimezone(timezone(timedelta(hours=5, minutes=30))), "2026-01-31T12:00:00.000Z"),
        ],
    )
    def test_a_time_has_three_digits_and_z(self, at, shown):
        assert written(at) == shown
        assert TypeAdapter(Moment).dump_python(at, mode="json") == shown
        assert all_written({"a": [at, {"b": (at,)}], "c": "x"}) == {"a": [shown, {"b": [shown]}], "c": "x"}


def _models() -> set[type[BaseModel]]:
    for app in APPS:
        for module in pkgutil.walk_packages(app.__path__, f"{app.__name__}."):
            if not any(part in module.name for part in ("migrations", "grpc_gen", "mongo", "protoc", "wsgi", "asgi")):
                importlib.import_module(module.name)
    found: set[type[BaseModel]] = set()
    waiting = [BaseModel]
    while waiting:
        for model in waiting.pop().__subclasses__():
            found.add(model)
            waiting.append(model)
    return {model for model in found if model.__module__.split(".")[0] in {app.__name__ for app in APPS}}


def _bare_times(annotation: Any) -> bool:
    """Whether a datetime stands in it that is no Moment."""
    inner = get_args(annotation)
    return annotation is datetime or (inner and inner[0] is not datetime and any(map(_bare_times, inner)))


def test_every_time_of_every_model_is_a_moment():
    bare = [
        f"{model.__module__}.{model.__qualname__}.{name}"
        for model in _models()
        for name, field in model.model_fields.items()
        if (field.annotation is datetime and not field.metadata) or _bare_times(field.annotation)
    ]
    assert sorted(bare) == []


#: cursors and stored secrets: written and read by the same module, never shown
INTERNAL = {
    "messaging/privacy/retention.py",  # in the audit trail, here and in the next two
    "messaging/privacy/purge.py",
    "tenants/trail/seals.py",
    "tenants/access/grants/families.py",  # Unix seconds of claims
    "chatsvc/management/commands/stats.py",  # days, read by operators
    "assistant/llm/budget.py",  # a day, in the tenant's own timeline
    "tenants/api/moments.py",
    "channels_app/words/entities.py",
    "chatsvc/processes/backup.py",  # read by operators
    "chatsvc/management/commands/create_token.py",  # Unix seconds of claims
    "tenants/migrations/0013_audit_seal_proofs.py",  # as tenants/trail/seals.py wrote it then
    "tenants/api/pages.py",  # within a cursor
    "conversations/selectors.py",
    "conversations/search/candidates.py",  # within a cursor
    "messaging/agents/inbox/lists.py",  # within a cursor
    "messaging/desk/reading.py",  # a mark of our own
    "messaging/hours/later.py",  # of the tenant's clock, from a form; snooze() bounds it
    "messaging/admin/dashboard/choice.py",  # days, here and in the next three
    "messaging/admin/dashboard/export.py",
    "messaging/api/figure_views.py",
    "chatsvc/management/commands/figures_rebuild.py",
    "messaging/integrators/endpoints.py",
    "messaging/integrators/shapes.py",
    "messaging/webchat/form.py",
    "channels_app/twin/platforms/teams.py",  # speaks as Microsoft does
    "tenants/storage/prepared/values.py",  # as SQLite keeps them
    "tenants/work/calls.py",  # as Celery writes them
}
WAYS = {"isoformat", "strftime", "fromisoformat", "fromtimestamp", "parse_datetime", "strptime"}


def test_times_are_read_and_written_in_one_place():
    elsewhere = {
        str(path.relative_to(ROOT))
        for app in APPS
        for path in Path(app.__path__[0]).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if getattr(node, "attr", getattr(node, "id", "")) in WAYS
    }
    assert elsewhere - INTERNAL - {"tenants/access/tokens.py"} == set()
