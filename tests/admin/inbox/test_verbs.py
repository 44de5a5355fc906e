"""What is done from the bar of a conversation: by the rules, audited, and told to the script or by a notice (ADM-2, CONV-8)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine

from messaging.agents.models import Label, Labelled
from messaging.agents.presence import presence_say
from tenants.models import AuditEntry, Membership, TeamMember
from tests.admin.inbox.conftest import HELD, QUEUED, Desk, fresh
from tests.factories import LabelFactory, MembershipFactory, TeamFactory, UserFactory

pytestmark = pytest.mark.django_db


def audited(desk: Desk) -> list[str]:
    return list(
        AuditEntry.objects.unscoped()
        .filter(tenant=desk.tenant)
        .exclude(action__regex=r"\.(read|listed)$")
        .order_by("id")
        .values_list("action", flat=True)
    )


@pytest.fixture
def mira(desk: Desk) -> Any:
    user = UserFactory(username="mira", first_name="Mira", last_name="Sato")
    MembershipFactory(tenant=desk.tenant, user=user, role__permissions=["conversations:write"])
    return user


def test_take_it(desk: Desk) -> None:
    row = desk.talk("Ana", waiting=1, **QUEUED)
    assert desk.do(row, "take_over").json() == {"told": "You answer now; the bot keeps still."}
    assert fresh(row).assignee == desk.member
    assert audited(desk) == ["conversation.take-over"]


def test_a_conversation_that_was_taken_meanwhile_says_by_whom(desk: Desk, mira: Any) -> None:
    row = desk.talk("Ana", waiting=1, assignee=mira, control_epoch=3, **HELD)
    answer = desk.do(row, "take_over", epoch=2, assignee=str(mira.id))
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (409, "control_changed")
    assert fresh(row).assignee == mira
    assert audited(desk) == []


def test_assign_to_a_person(desk: Desk, mira: Any) -> None:
    row = desk.talk("Ana", waiting=1, **QUEUED)
    assert desk.do(row, "assign", to=f"person:{mira.id}", epoch=0).json() == {"told": "Mira Sato answers from now on."}
    assert fresh(row).assignee == mira
    assert audited(desk) == ["conversation.assigned"]


def test_assign_to_a_team_and_back_to_all(desk: Desk) -> None:
    row, team = desk.talk("Ana", waiting=1, **QUEUED), TeamFactory(tenant=desk.tenant, name="Returns")
    assert desk.do(row, "assign", to=f"team:{team.id}", epoch=0).json() == {"told": "It waits for Returns."}
    assert fresh(row).team == team
    assert "waiting for Returns" in desk.open(row).content.decode()
    desk.do(row, "assign", to="", epoch=fresh(row).control_epoch)
    assert fresh(row).team is None
    assert audited(desk) == ["conversation.assigned", "conversation.unassigned"]


@pytest.mark.parametrize("to", ["person:x", f"person:{'0' * 32}", "team:x", f"team:{'0' * 32}"])
def test_what_is_not_there_gets_no_conversation(desk: Desk, to: str) -> None:
    row = desk.talk("Ana", waiting=1, **QUEUED)
    assert desk.do(row, "assign", to=to).status_code in (400, 404)
    assert fresh(row).assignee is None


def test_colleagues_are_offered_with_presence_and_load(desk: Desk, mira: Any) -> None:
    row = desk.talk("Ana", waiting=1, **QUEUED)
    desk.talk("Bea", assignee=mira, **HELD)
    people = desk.open(row).context["bar"]["people"]
    assert [(one["name"], one["presence"], one["open_conversations"]) for one in people] == [
        ("ben", "offline", 0),
        ("mira", "offline", 1),
    ]


def test_a_team_is_offered_with_who_of_it_is_free(desk: Desk, mira: Any) -> None:
    row, team = desk.talk("Ana", waiting=1, **QUEUED), TeamFactory(tenant=desk.tenant, name="Returns")
    member = Membership.objects.unscoped().get(user=mira)  # unscoped: a page opens its own scope
    TeamMember.objects.unscoped().create(tenant=desk.tenant, team=team, membership=member)  # unscoped: as above

    def there() -> str:
        page = desk.open(row)
        [shown] = page.context["bar"]["teams"]
        assert f"<small>{shown['there']}</small>" in page.content.decode()
        return str(shown["there"])

    assert there() == "no one online"
    presence_say(desk.tenant.id, mira.id, "online")
    assert there() == "1 of 1 free"
    Membership.objects.unscoped().filter(pk=member.pk).update(desk={"capacity": 1})  # unscoped: as above
    desk.talk("Bea", assignee=mira, **HELD)
    assert there() == "0 of 1 free"


def test_snooze_and_bring_back(desk: Desk) -> None:
    row = desk.talk("Ana", waiting=1, **QUEUED)
    assert desk.do(row, "snooze", until="2099-01-01T09:00:00+00:00").json()["error"]["code"] == "snooze_time"
    _, (title, until), *_ = desk.open(row).context["bar"]["snoozes"]
    desk.do(row, "snooze", until=until.isoformat())
    assert title == "In four hours"
    assert abs((fresh(row).snoozed_until - until).total_seconds()) < 1
    assert "Bring back" in desk.open(row).content.decode()
    desk.do(row, "wake")
    assert fresh(row).snoozed_until is None
    assert audited(desk) == ["conversation.snoozed", "conversation.unsnoozed"]


@pytest.mark.parametrize("at", ["", "soon", "2026-13-01T00:00"])
def test_a_snooze_needs_a_time(desk: Desk, at: str) -> None:
    row = desk.talk("Ana", waiting=1, **QUEUED)
    assert desk.do(row, "snooze", at=at).json()["error"]["code"] == "snooze_time"


@time_machine.travel("2026-03-06T15:00:00Z", tick=False)  # a Friday
def test_mornings_are_those_of_the_tenants_clock(desk: Desk) -> None:
    desk.tenant.settings = {"business_hours": {"time_zone": "America/New_York"}}
    desk.tenant.save()
    row = desk.talk("Ana", waiting=1, **QUEUED)
    offered = dict(desk.open(row).context["bar"]["snoozes"])
    assert offered["Tomorrow, 9:00"] == datetime(2026, 3, 7, 14, tzinfo=UTC)
    assert offered["Monday, 9:00"] == datetime(2026, 3, 9, 13, tzinfo=UTC)  # daylight saving time has begun
    desk.do(row, "snooze", at="2026-03-07T10:30")
    assert fresh(row).snoozed_until == datetime(2026, 3, 7, 15, 30, tzinfo=UTC)


def test_a_label_too_long_is_refused_and_not_cut(desk: Desk) -> None:
    row = desk.talk("Ana", waiting=1, **QUEUED)
    LabelFactory(tenant=desk.tenant, name="x" * 40)
    answer = desk.do(row, "label", name="x" * 41)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "label_too_long")
    assert not Labelled.objects.unscoped().filter(conversation=row).exists()


def test_labels_are_put_on_made_and_taken_off(desk: Desk) -> None:
    row, label = desk.talk("Ana", waiting=1, **QUEUED), LabelFactory(tenant=desk.tenant, name="Refund")
    desk.do(row, "label", label=str(label.id))
    desk.do(row, "label", name="VIP")
    desk.do(row, "label", name="VIP")
    labels = Labelled.objects.unscoped().filter(conversation=row)
    assert sorted(labels.values_list("label__name", flat=True)) == ["Refund", "VIP"]
    assert Label.objects.unscoped().filter(tenant=desk.tenant).count() == 2
    desk.do(row, "unlabel", label=str(label.id))
    assert list(labels.values_list("label__name", flat=True)) == ["VIP"]
    assert audited(desk) == ["conversation.labelled", "conversation.labelled", "conversation.unlabelled"]


@pytest.mark.parametrize("fields", [{"name": "\0"}, {"label": "x"}, {}], ids=["nul", "no id", "nothing"])
def test_a_label_has_a_name_or_is_one_of_the_list(desk: Desk, fields: dict[str, str]) -> None:
    row = desk.talk("Ana", waiting=1, **QUEUED)
    assert desk.do(row, "label", **fields).status_code == 400
    assert not Label.objects.unscoped().exists()


def test_hand_back_and_close(desk: Desk) -> None:
    row = desk.talk("Ana", assignee=desk.member, **HELD)
    assert desk.do(row, "hand_back").json() == {"told": "The bot answers again."}
    assert desk.do(row, "close").json() == {"told": "The conversation has ended."}
    assert fresh(row).is_open is False
    assert 'data-verb="take_over"' not in desk.open(row).content.decode()


def test_a_verb_that_does_not_exist_is_refused(desk: Desk) -> None:
    assert desk.do(desk.talk("Ana"), "explode").status_code == 403
