"""Tenants, keys and people in the console: who may grant, touch and read what (ADM-1)."""

from __future__ import annotations

from typing import Any

from django.test import Client
from django.urls import reverse

from conversations.models import Conversation
from messaging.models import Delivery, InboundEvent
from tenants.access.api_keys import api_key_verify
from tenants.models import ApiKey, Membership, Role, Tenant, User
from tests.admin.conftest import World, do, rows, url
from tests.factories import (
    MembershipFactory,
    RoleFactory,
    UserFactory,
)


def test_a_key_is_shown_once_and_can_be_revoked(superuser: Client, tenant: Tenant) -> None:
    data = {"tenant": tenant.pk, "name": "shop", "scopes": ["messages:send"], "expires_at_0": "", "expires_at_1": ""}
    page = superuser.post(url(ApiKey, "add"), data, follow=True).content.decode()
    key = rows(ApiKey).get(name="shop")
    plaintext = page[page.index(f"csk_{key.prefix}_") :][: len("csk_12345678_") + 43]
    assert api_key_verify(plaintext).tenant_id == tenant.pk
    assert plaintext not in superuser.get(url(ApiKey, "changelist")).content.decode()
    do(superuser, key, "revoke")
    assert rows(ApiKey).get(pk=key.pk).revoked_at is not None


def test_no_member_of_staff_grants_more_than_they_have(staff_of: Any, acme: World) -> None:
    client = staff_of(acme.tenant, ("members:read", "members:write", "keys:read", "keys:write"))
    scopes = {"scopes": ["*"], "permissions": ["*"]}
    for model in (Role, ApiKey):
        page = client.post(url(model, "add"), {"tenant": acme.tenant.pk, "name": "more", **scopes})
        assert b"You cannot give permissions that you do not have yourself." in page.content
        assert not rows(model).filter(name="more").exists()


def test_a_row_is_not_made_in_another_tenant(staff_of: Any, acme: World, globex: World) -> None:
    client = staff_of(acme.tenant)
    page = client.post(url(Role, "add"), {"tenant": globex.tenant.pk, "name": "spy", "permissions": ["*"]})
    assert page.status_code == 200
    assert not rows(Role).filter(name="spy").exists()
    role, user = rows(Role).get(name="globex-role"), User.objects.get(username="globex-colleague")
    page = client.post(url(Membership, "add"), {"tenant": acme.tenant.pk, "user": user.pk, "role": role.pk})
    assert set(page.context["adminform"].form.errors) == {"user", "role"}


def test_staff_cannot_touch_accounts(staff_of: Any, acme: World, globex: World) -> None:
    client = staff_of(acme.tenant)
    me = User.objects.get(username="acme-colleague")
    assert client.post(url(User, "change", me.pk), {"is_superuser": "on"}).status_code == 403
    assert client.get(reverse("admin:auth_user_password_change", args=[me.pk])).status_code == 403
    page = client.get(url(User, "change", me.pk))
    assert page.status_code == 200
    assert me.password not in page.content.decode()


def test_wrong_tenant_settings_are_refused(superuser: Client, tenant: Tenant) -> None:
    data = {"name": "Acme", "slug": "acme", "status": "active", "settings": '{"greting": "Hi"}'}
    page = superuser.post(url(Tenant, "change", tenant.pk), data)
    assert "greting" in str(page.context["adminform"].form.errors["settings"])


def test_a_name_taken_is_told(superuser: Client, acme: World, globex: World) -> None:
    first = Role(tenant=acme.tenant, name="one", permissions=[])
    second = Role(tenant=acme.tenant, name="two", permissions=[])
    first.save(), second.save()
    page = superuser.post(url(Role, "change", second.pk), {"name": "one", "permissions": ["messages:send"]})
    assert page.status_code == 200
    assert page.context["adminform"].form.errors


def test_an_intent_is_saved_and_trained(superuser: Client, acme: World) -> None:
    data = {
        "name": "refund",
        "examples": "money back\nrefund please",
        "enabled": "on",
    }
    superuser.post(url(type(acme.intent), "change", acme.intent.pk), data)
    acme.intent.refresh_from_db()
    assert acme.intent.examples == ["money back", "refund please"]
    assert "a worker begins within seconds" in do(superuser, acme.intent, "train").content.decode()
    assert "A training is under way" in do(superuser, acme.intent, "train").content.decode()
    page = superuser.post(url(type(acme.intent), "change", acme.intent.pk), {**data, "slots-0-name": "x y"})
    assert page.context["adminform"].form.errors["slots"]


def test_who_may_not_read_messages_reads_none_beside_deliveries(staff_of: Any, acme: World) -> None:
    client = staff_of(acme.tenant, ("deliveries:read",))
    for page in (url(Delivery, "changelist"), url(Delivery, "change", acme.delivery.pk)):
        assert f"{acme.word} answer" not in client.get(page).content.decode()
    shown = client.get(url(InboundEvent, "change", acme.receipt.pk)).content.decode()
    assert "script" not in shown.partition("<main")[2].partition("Body")[2]
    assert ">Body<" not in shown
    found = client.get(url(Delivery, "changelist"), {"q": f"{acme.word} answer"})
    assert len(found.context["cl"].result_list) == 0


def test_who_may_reads_them(staff_of: Any, acme: World) -> None:
    client = staff_of(acme.tenant, ("deliveries:read", "messages:read"))
    assert f"{acme.word} answer" in client.get(url(Delivery, "changelist")).content.decode()
    assert "Body" in client.get(url(InboundEvent, "change", acme.receipt.pk)).content.decode()
    assert (
        client.get(url(Delivery, "changelist"), {"q": f"{acme.word} answer"}).context["cl"].result_list[0]
        == acme.delivery
    )


def test_who_reads_conversations_but_no_messages_sees_and_finds_no_words(staff_of: Any, acme: World) -> None:
    Conversation.objects.unscoped().filter(id=acme.conversation.id).update(last_message_preview="where is my parcel")
    client, page = staff_of(acme.tenant, ("conversations:read",)), url(Conversation, "changelist")
    assert f"{acme.word} contact" in client.get(page).content.decode()
    for shown in (
        page,
        url(Conversation, "change", acme.conversation.pk),
        url(Conversation, "history", acme.conversation.pk),
    ):
        assert "parcel" not in client.get(shown).content.decode()
    assert len(client.get(page, {"q": "parcel"}).context["cl"].result_list) == 0
    reader = staff_of(acme.tenant, ("conversations:read", "messages:read"))
    assert len(reader.get(page, {"q": "parcel"}).context["cl"].result_list) == 1


def test_who_reads_deliveries_but_no_messages_learns_no_name(staff_of: Any, acme: World) -> None:
    client = staff_of(acme.tenant, ("deliveries:read",))
    for page in (url(Delivery, "changelist"), url(Delivery, "change", acme.delivery.pk)):
        assert f"{acme.word} contact" not in client.get(page).content.decode()
    reader = staff_of(acme.tenant, ("deliveries:read", "messages:read"))
    assert f"{acme.word} contact" in reader.get(url(Delivery, "changelist")).content.decode()


def test_one_tenant_s_permission_does_not_open_another_s_words(acme: World, globex: World) -> None:
    user = UserFactory()
    for own, held in ((acme, ["deliveries:read", "messages:read"]), (globex, ["deliveries:read"])):
        MembershipFactory(tenant=own.tenant, user=user, role=RoleFactory(tenant=own.tenant, permissions=held))
    client = Client()
    client.force_login(user)
    assert "answer" not in client.get(url(Delivery, "changelist")).content.decode()
    assert f"{acme.word} answer" in client.get(url(Delivery, "change", acme.delivery.pk)).content.decode()
    assert f"{globex.word} answer" not in client.get(url(Delivery, "change", globex.delivery.pk)).content.decode()
