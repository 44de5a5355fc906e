"""Labels, snoozes, notes with mentions, canned replies, filters, presence."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from conversations.models import Conversation, Event, Note
from messaging.accept import accept
from messaging.agents import labels as labels_module
from messaging.agents import presence
from messaging.agents.canned import canned_fill, canned_found, canned_save
from messaging.agents.labels import label_put, label_save, label_take, labels_of
from messaging.agents.members import loads_of, member_shapes, members, team_save, team_shapes
from messaging.agents.models import CannedReply, Label, Mention
from messaging.agents.notes import MOST_NAMED, mentions_seen, note_write, notes_of
from messaging.agents.snooze import snooze, snoozes_end, unsnooze
from messaging.arrivals.entrance import Entrance
from messaging.models import StaffAlert
from tenants.errors import Conflict, Invalid, NotFound, Unprocessable
from tenants.scope import tenant_scope
from tenants.storage.db import now
from tests.factories import LabelFactory, MembershipFactory, RoleFactory, TeamFactory

pytestmark = pytest.mark.django_db(transaction=True)


def now_of(conversation: Conversation) -> Conversation:
    return Conversation.objects.get(id=conversation.id)


def updates() -> list[dict[str, Any]]:
    return [event.payload for event in Event.objects.filter(type="chat.conversation.updated").order_by("seq")]


# --------------------------------------------------------------------------------- labels


def test_a_label_is_put_and_taken_once(queued, tenant) -> None:
    talk, label = queued(), LabelFactory(tenant=tenant, name="Refund")
    assert [label_put(talk.id, label.id).repeated for _ in range(2)] == [False, True]
    assert [one.name for one in labels_of([talk.id])[talk.id]] == ["Refund"]
    assert [label_take(talk.id, label.id).repeated for _ in range(2)] == [False, True]
    assert [told["labels"] for told in updates()] == [["Refund"], []]


def test_no_label_of_another_tenant(queued, other_tenant) -> None:
    with pytest.raises(NotFound):
        label_put(queued().id, LabelFactory(tenant=other_tenant).id)


def test_labels_have_bounds_and_one_name(queued, tenant, monkeypatch) -> None:
    monkeypatch.setattr(labels_module, "MOST", 1)
    talk = queued()
    label_put(talk.id, LabelFactory(tenant=tenant, name="one").id)
    with pytest.raises(Unprocessable) as many:
        label_put(talk.id, LabelFactory(tenant=tenant).id)
    with pytest.raises(Conflict) as twice:
        label_save(Label(tenant_id=tenant.id, name="one"))
    assert (many.value.code, twice.value.code) == ("too_many_labels", "label_exists")


# --------------------------------------------------------------------------------- snooze


def test_a_snooze_ends_with_its_time(queued) -> None:
    talk = queued()
    snooze(talk.id, now() + timedelta(hours=1))
    assert snoozes_end(lambda: True) == 0
    Conversation.objects.filter(id=talk.id).update(snoozed_until=now() - timedelta(seconds=1))
    assert snoozes_end(lambda: True) == 1
    assert snoozes_end(lambda: True) == 0
    assert [told["trigger"] for told in updates()] == ["snooze", "wake"]
    assert now_of(talk).snoozed_until is None


def test_a_snooze_ends_when_the_person_writes(scope, web, said) -> None:
    talk = accept(web, said("a human"), Entrance(hints={"bypass_automation": True})).conversation
    snooze(talk.id, now() + timedelta(hours=1))
    assert accept(web, said("are you there?")).conversation.snoozed_until is None
    assert now_of(talk).snoozed_until is None
    assert [told["trigger"] for told in updates()][-2:] == ["snooze", "wake"]


def test_what_the_bot_answers_is_not_put_off(queued) -> None:
    with pytest.raises(Conflict) as refused:
        snooze(queued(control_owner="bot", held_by="bot").id, now() + timedelta(hours=1))
    assert refused.value.code == "with_bot"


def test_a_snooze_is_ended_by_hand(queued) -> None:
    talk = queued()
    snooze(talk.id, now() + timedelta(hours=1))
    assert [unsnooze(talk.id).repeated for _ in range(2)] == [False, True]


@pytest.mark.parametrize("away", [timedelta(seconds=-1), timedelta(days=367)], ids=["past", "too far"])
def test_a_snooze_has_bounds(queued, away) -> None:
    with pytest.raises(Unprocessable) as refused:
        snooze(queued().id, now() + away)
    assert refused.value.code == "snooze_time"


# ---------------------------------------------------------------------------------- notes


def test_a_note_names_colleagues(queued, ana, ben, other_tenant) -> None:
    MembershipFactory(tenant=other_tenant, user__username="spy")
    talk = queued()
    note = note_write(talk.id, ana, "@ben, and @spy: mail to ana@ben.example, or ask @ben.")
    assert note.mentioned == [ben]
    assert [(row.user, row.note, row.seen_at) for row in Mention.objects.all()] == [(ben, note, None)]
    assert [mentions_seen(talk.id, ben) for _ in range(2)] == [True, False]
    second = note_write(talk.id, ana, "@ben again")
    assert [(row.note, row.seen_at) for row in Mention.objects.all()] == [(second, None)]


def test_a_note_calls_a_colleague_among_any_number_of_other_names(queued, ana, ben) -> None:
    others = " ".join(f"@a{number}" for number in range(MOST_NAMED + 5))
    assert note_write(queued().id, ana, f"{others} @ben").mentioned == [ben]


def test_a_name_is_known_however_it_is_written_and_as_a_whole(queued, ana, ben, tenant) -> None:
    benno, big = (MembershipFactory(tenant=tenant, user__username=name).user for name in ("ben.o", "BIG"))
    named = {words: note_write(queued().id, ana, words).mentioned for words in (
        "@Ben, please", "@ben.o please", "@Benn", "ask @big- or @BEN...", "(@ben)", "me@ben", "@ben's",
    )}  # fmt: skip
    assert list(named.values()) == [[ben], [benno], [], [big, ben], [ben], [], [ben]]
    assert [note.shown for note in notes_of(Note.objects.latest("id").conversation_id)] == ["@ben's"]


def test_of_two_names_that_differ_by_large_letters_the_one_that_is_written_is_meant(queued, ana, ben, tenant) -> None:
    other = MembershipFactory(tenant=tenant, user__username="Ben").user
    said = [note_write(queued().id, ana, words).mentioned for words in ("@Ben", "@ben", "@BEN")]
    assert said == [[other], [ben], [other, ben]]


def test_who_may_not_read_conversations_is_not_told_of_a_note(queued, ana, tenant) -> None:
    role = RoleFactory(tenant=tenant, permissions=["templates:read"])
    MembershipFactory(tenant=tenant, user__username="editor", user__email="e@acme.example", role=role)
    assert note_write(queued().id, ana, "@editor look").mentioned == []
    assert (Mention.objects.count(), StaffAlert.objects.count()) == (0, 0)


def test_a_conversation_whose_notes_name_many_shows_them_all(queued, ana, tenant) -> None:
    talk, names = queued(), [f"c{number}" for number in range(MOST_NAMED + 5)]
    for name in names:
        user = MembershipFactory(tenant=tenant, user__username=name, user__first_name=name.upper()).user
        assert note_write(talk.id, ana, f"@{name}").mentioned == [user]
    assert [note.shown.split()[0] for note in notes_of(talk.id)] == [f"@{name.upper()}" for name in names]


def test_a_note_that_names_a_crowd_is_refused_and_calls_no_part_of_it(queued, ana, tenant, monkeypatch) -> None:
    monkeypatch.setattr("messaging.agents.notes.MOST_NAMED", 2)
    crowd = [MembershipFactory(tenant=tenant).user.username for _ in range(3)]
    with pytest.raises(Invalid) as refused:
        note_write(queued().id, ana, " ".join(f"@{name}" for name in crowd))
    assert (refused.value.code, Mention.objects.count(), Note.objects.count()) == ("too_many_named", 0, 0)
    assert len(note_write(queued().id, ana, f"@{crowd[0]} @{crowd[1]}").mentioned) == 2


def test_a_note_says_something(queued, ana) -> None:
    for words, code in (("  ", "empty_note"), ("x" * 4097, "note_too_long")):
        with pytest.raises(Invalid) as refused:
            note_write(queued().id, ana, words)
        assert refused.value.code == code


# ------------------------------------------------------------------------- canned replies


def test_a_canned_reply_fills_itself_in(queued, tenant, ana) -> None:
    ana.first_name = "Ana"
    ana.save()
    talk = queued(contact__name="Mira Novak")
    said = "Hello {{first_name}}, {{agent}} here: {{amount}} from {{channel}}"
    row = canned_save(CannedReply(tenant_id=tenant.id, shortcut="refund", title="Refund",
                                  content={"type": "text", "text": said}))  # fmt: skip
    first = canned_fill(row, talk, ana, {})
    assert (first.content, first.missing) == (None, ["amount"])
    filled = canned_fill(row, talk, ana, {"amount": "{{name}}"})
    assert filled.content.text == f"Hello Mira, Ana here: {{{{name}}}} from {talk.channel.name}"
    assert [found.shortcut for found in canned_found("ref")] == ["refund"]
    with pytest.raises(Conflict) as twice:
        canned_save(CannedReply(tenant_id=tenant.id, shortcut="refund", title="x", content=row.content))
    assert twice.value.code == "shortcut_taken"


# ---------------------------------------------------------------------- members, presence


def test_members_show_who_is_there_and_what_they_have(queued, tenant, ana, ben) -> None:
    team = team_save(TeamFactory.build(tenant=tenant, name="Billing"), ["ben"])
    queued(assignee=ben, held_by="staff")
    queued(assignee=ben, held_by="staff", is_open=False)
    presence.presence_say(tenant.id, ben.id, "online")
    shown = {row["name"]: row for row in member_shapes(members())}
    assert {name: (row["presence"], row["open_conversations"]) for name, row in shown.items()} == {
        "ana": ("offline", 0), "ben": ("online", 1),
    }  # fmt: skip
    assert shown["ben"]["teams"] == [{"id": team.id, "name": "Billing"}]
    assert [member["name"] for member in team_shapes([team])[0]["members"]] == ["ben"]
    presence.presence_say(tenant.id, ben.id, "offline")
    assert presence.presence_of(tenant.id, [ben.id]) == {ben.id: "offline"}


def test_a_team_is_of_members_of_the_tenant(tenant, other_tenant, scope) -> None:
    MembershipFactory(tenant=other_tenant, user__username="spy")
    with pytest.raises(Unprocessable) as refused:
        team_save(TeamFactory.build(tenant=tenant), ["spy"])
    assert refused.value.details == {"names": ["spy"]}


def test_who_looks_is_seen_for_twenty_seconds(tenant, ana, ben, queued, monkeypatch) -> None:
    talk, other, at = queued(), queued(), presence.time.time()
    monkeypatch.setattr(presence.time, "time", lambda: at)
    presence.look_say(tenant.id, ana.id, talk.id)
    presence.look_say(tenant.id, ben.id, talk.id, typing=True)
    presence.look_say(tenant.id, ben.id, other.id)

    def seen() -> dict[Any, Any]:
        looks = presence.looks_at(tenant.id, [ana.id, ben.id], [talk.id, other.id])
        return {key: {(look.user_id, look.typing) for look in of} for key, of in looks.items()}

    assert seen() == {talk.id: {(ana.id, False), (ben.id, True)}, other.id: {(ben.id, False)}}
    presence.look_end(tenant.id, ben.id, other.id)
    assert seen()[other.id] == set()
    monkeypatch.setattr(presence.time, "time", lambda: at + presence.LOOKING_TTL_S)
    assert seen() == {talk.id: set(), other.id: set()}


def test_presence_is_of_one_tenant(tenant, other_tenant, ana) -> None:
    presence.presence_say(tenant.id, ana.id, "away")
    assert presence.presence_of(other_tenant.id, [ana.id]) == {ana.id: "offline"}


def test_loads_count_one_tenants_conversations(queued, ana, tenant, other_tenant) -> None:
    queued(assignee=ana, held_by="staff")
    with tenant_scope(other_tenant.id):
        assert loads_of([ana.id]) == {}
    assert loads_of([ana.id]) == {ana.id: 1}
