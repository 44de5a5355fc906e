"""Who may not answer any more has nothing any longer: what they held waits for a colleague, what they planned is refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.urls import reverse

from channels_app.content.types import text
from conversations.models import Conversation, Event, Message, Note
from messaging.agents.models import ScheduledReply
from messaging.agents.scheduled import schedule
from messaging.housekeeping import gone
from messaging.housekeeping.gone import gone_give_up
from messaging.rules.control import take_over
from tenants import tenant_settings
from tenants.models import AuditEntry, Membership, Role, Tenant, User
from tenants.scope import tenant_scope
from tenants.storage.db import new_id, now, on_mongo
from tests.factories import ConversationFactory, MembershipFactory, UserFactory

pytestmark = pytest.mark.django_db(transaction=True)

GOES: dict[str, Callable[[User], object]] = {
    "erased": lambda user: user.delete(),
    "left": lambda user: Membership.objects.filter(user=user).delete(),
    "switched off": lambda user: User.objects.filter(id=user.id).update(is_active=False),
    "may not answer": lambda user: Role.objects.filter(id=Membership.objects.get(user=user).role_id).update(
        permissions=["conversations:read"]
    ),
}


SELECTED = "/admin/tenants/user/"
DELETES = {"action": "delete_selected", "post": "yes"}


def always() -> bool:
    return True


@pytest.fixture(params=GOES.values(), ids=GOES.keys())
def goes(request) -> Callable[[User], object]:
    return request.param


def test_what_they_held_waits_for_a_colleague_and_their_replies_are_refused(goes, queued, ana, ben, calls) -> None:
    theirs, of_another, unnamed = queued(5), queued(4), queued(3)
    take_over(theirs.id, ana)
    take_over(of_another.id, ben)
    take_over(unnamed.id, None)
    since = Conversation.objects.get(id=theirs.id).waiting_since
    epoch = Conversation.objects.get(id=theirs.id).control_epoch
    planned = [schedule(of_another.id, user, text("later"), now() + timedelta(hours=1)) for user in (ana, ben)]
    goes(ana)
    gone_give_up(always)
    theirs.refresh_from_db()
    assert (theirs.held_by, theirs.assignee, theirs.control_owner) == ("queue", None, "human")
    assert (theirs.waiting_since, theirs.control_epoch) == (since, epoch + 1)
    assert Message.objects.filter(conversation=theirs).latest("seq").metadata["state"] == "queued"
    assert Event.objects.filter(conversation=theirs, payload__trigger="unassign").count() == 1
    assert AuditEntry.objects.filter(action="conversation.unassigned", actor="system").count() == 1
    held = Conversation.objects.filter(id__in=[of_another.id, unnamed.id], held_by="staff")
    assert set(held.values_list("assignee__username", flat=True)) == {"ben", None}
    found = [ScheduledReply.objects.get(id=row.id) for row in planned]
    assert [row.status for row in found] == ["refused", "waiting"]
    assert found[0].reason in ("author_gone", "author_may_not")
    assert Note.objects.filter(conversation=of_another).count() == 1
    assert gone_give_up(always) == 0


def test_what_is_given_to_an_account_while_it_is_erased_waits_too(queued, ana, monkeypatch) -> None:
    row, look = queued(), gone._held_given_up

    def looks_too_early(user: User) -> None:
        look(user)
        if Conversation.objects.get(id=row.id).control_epoch == 0:
            take_over(row.id, ana)

    monkeypatch.setattr(gone, "_held_given_up", looks_too_early)
    ana.delete()
    row.refresh_from_db()
    assert (row.held_by, row.assignee_id, row.control_epoch) == ("queue", None, 2)


@pytest.mark.skipif(not on_mongo(), reason="SQL knows no row that points to none")
def test_a_name_that_mongodb_left_in_the_row_is_found(queued, ana) -> None:
    row = queued(held_by="staff", assignee_id=new_id())
    assert gone_give_up(always) == 1
    row.refresh_from_db()
    assert (row.held_by, row.assignee_id) == ("queue", None)


def test_an_account_that_holds_too_much_is_switched_off_first(queued, ana, client, monkeypatch):
    monkeypatch.setattr(gone, "MOST", 2)
    rows = [queued(held_by="staff", assignee=ana) for _ in range(3)]
    client.force_login(UserFactory(username="root", is_superuser=True))
    place = reverse("admin:tenants_user_delete", args=[ana.id])
    for address, body in ((place, {"post": "yes"}), (SELECTED, {**DELETES, "_selected_action": str(ana.id)})):
        told = client.post(address, body, follow=True)
        assert "ana has more than 2 open conversations. Switch the account off first" in told.content.decode()
    assert User.objects.filter(id=ana.id).exists()
    User.objects.filter(id=ana.id).update(is_active=False)
    assert gone_give_up(always) == 3
    assert client.post(place, {"post": "yes"}).status_code == 302
    assert not User.objects.filter(id=ana.id).exists()
    held = Conversation.objects.filter(id__in=[row.id for row in rows]).values_list("held_by", "assignee")
    assert set(held) == {("queue", None)}


def test_each_tenant_by_itself(queued, ana, tenant, other_tenant) -> None:
    with tenant_scope(other_tenant.id):
        MembershipFactory(tenant=other_tenant, user=ana)
        there = ConversationFactory(tenant=other_tenant, last_message_at=now(), held_by="staff", assignee=ana)
    here = queued(held_by="staff", assignee=ana)
    Membership.objects.filter(user=ana, tenant=tenant).delete()
    assert gone_give_up(always) == 1
    # unscoped: of both tenants
    rows = Conversation.objects.unscoped().filter(id__in=[here.id, there.id])
    assert dict(rows.values_list("id", "held_by")) == {here.id: "queue", there.id: "staff"}


def test_a_superuser_needs_no_membership(queued, scope) -> None:
    root = UserFactory(username="root", is_superuser=True)
    row = queued(held_by="staff", assignee=root)
    schedule(row.id, root, text("later"), now() + timedelta(hours=1))
    assert gone_give_up(always) == 0


def test_a_suspended_tenant_is_left_as_it_is(queued, ana, scope: Tenant) -> None:
    queued(held_by="staff", assignee=ana)
    Membership.objects.filter(user=ana).delete()
    scope.status = Tenant.Status.SUSPENDED
    scope.save()
    tenant_settings.invalidate(scope.id)
    assert gone_give_up(always) == 0
