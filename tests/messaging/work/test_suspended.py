"""A suspended tenant is refused at every door by one rule; what platforms bring is kept and held (TEN-2)."""

from __future__ import annotations

import hashlib
import hmac
import json
import uuid

import pytest
from channels.db import database_sync_to_async
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from assistant.engine.server import Refused, builtin_answer
from assistant.port import EngineRequest
from channels_app.content.types import text
from channels_app.models import Channel
from conversations.files.media_links import media_link
from conversations.models import Attachment, Message
from messaging.models import InboundEvent
from messaging.webchat.sockets.lookout import lookout
from tenants import tenant_settings
from tenants.access.auth import issue_access_token, issue_refresh_token
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.api.document import document
from tests.factories import ChannelFactory, MembershipFactory, RoleFactory, UserFactory
from tests.messaging.webchat.clients import SHOP, Page, Socket, outcome

pytestmark = pytest.mark.django_db(transaction=True)

REFUSED = (403, "tenant_suspended")


def turn(tenant: Tenant, status: str) -> None:
    Tenant.objects.filter(id=tenant.id).update(status=status)
    tenant_settings.invalidate(tenant.id)


@pytest.fixture
def suspended(tenant: Tenant) -> Tenant:
    turn(tenant, "suspended")
    return tenant


@pytest.fixture
def widget(tenant: Tenant) -> Channel:
    return ChannelFactory(tenant=tenant, key="ch_01HABC", config={"allowed_origins": [SHOP]})


def _operations():
    for path, item in document()["paths"].items():
        for method in ("get", "post", "put", "patch", "delete"):
            if {"bearer": []} in item.get(method, {}).get("security", []):  # a visitor's own: below, by the web chat
                yield method, path


OPERATIONS = sorted(_operations())


def address_of(path: str) -> str:
    names = [part[1:-1] for part in path.split("/") if part.startswith("{")]
    return path.format(**{name: str(uuid.UUID(int=7)) for name in names})


def test_there_are_operations_to_walk():
    assert len(OPERATIONS) > 20


def test_rest_by_key(api, suspended, subtests):
    client = api(suspended)
    for method, path in OPERATIONS:
        with subtests.test(method=method, path=path):
            assert outcome(getattr(client, method)(address_of(path))) == REFUSED


def test_rest_by_tokens_from_before(api, suspended):
    client = api()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {issue_access_token(suspended, 'u1', permissions=['*'])}")
    assert outcome(client.get("/api/v2/chat/conversations")) == REFUSED
    refresh = issue_refresh_token(suspended, "u1", permissions=["*"])
    assert outcome(api().post("/api/v2/auth/refresh", {"refresh_token": refresh})) == REFUSED


def test_the_web_chat_over_http(tenant, widget):
    page = Page(widget)
    page.begin()
    assert page.say("hello").status_code == 200
    turn(tenant, "suspended")
    assert outcome(page.say("again", cid="c2")) == REFUSED
    assert outcome(page.read()) == REFUSED
    assert outcome(page.session()) == REFUSED
    assert outcome(page.client.post(f"{page.base}/files", {"size": 1}, headers=page._known())) == REFUSED


def test_the_web_chat_goes_on_after_a_suspension(tenant, widget):
    page = Page(widget)
    page.begin()
    turn(tenant, "suspended")
    assert outcome(page.say("hello")) == REFUSED
    turn(tenant, "active")
    assert page.say("hello").status_code == 200


async def _open(channel: Channel) -> Socket:
    page = Page(channel)
    await database_sync_to_async(page.session)()
    socket = Socket(channel)
    assert (await socket.connect())[0]
    await socket.send_json_to({"t": "hello", "token": page.token})
    await socket.until("ready")
    return socket


async def test_an_idle_socket_is_closed(tenant, widget):
    socket = await _open(widget)
    await database_sync_to_async(turn)(tenant, "suspended")
    await lookout.closed()
    assert (await socket.until("error"))[-1]["code"] == "tenant_suspended"
    assert await socket.closed_with() == 4403


async def test_a_socket_takes_nothing_more(tenant, widget):
    socket = await _open(widget)
    await database_sync_to_async(turn)(tenant, "suspended")
    error = await socket.ask("error", t="send", cid="c1", kind="text", text="hello")
    assert (error["code"], error["fatal"]) == ("tenant_suspended", True)
    assert await socket.closed_with() == 4403
    assert await database_sync_to_async(lambda: Message.objects.unscoped().count())() == 0
    assert (await Socket(widget).connect())[0] is False


async def test_another_tenants_socket_stays(tenant, other_tenant, widget):
    theirs = await database_sync_to_async(ChannelFactory)(tenant=other_tenant, config={"allowed_origins": [SHOP]})
    socket = await _open(theirs)
    await database_sync_to_async(turn)(tenant, "suspended")
    await lookout.closed()
    assert (await socket.say("still here"))["seq"] == 1
    await socket.disconnect()


def test_a_webhook_is_proved_kept_and_held(suspended, whatsapp, calls):
    body = json.dumps({"object": "whatsapp_business_account", "entry": []}).encode()
    address = f"/api/v2/webhooks/whatsapp/{whatsapp.key}"
    proof = "sha256=" + hmac.new(b"twin-app-secret", body, hashlib.sha256).hexdigest()
    answer = Client().post(address, body, "application/json", headers={"X-Hub-Signature-256": proof})
    assert answer.status_code == 200
    with tenant_scope(suspended.id):
        assert InboundEvent.objects.get().status == InboundEvent.Status.RECEIVED


def test_a_file_s_link_is_for_staff_only(tenant, widget):
    with tenant_scope(tenant.id):
        file = Attachment.objects.create(tenant=tenant, channel=widget, kind="image", name="lamp", state="remote")
    link = media_link(file.id).removeprefix("http://localhost:8001")
    turn(tenant, "suspended")
    assert outcome(Client().get(link)) == REFUSED
    colleague = Client()
    colleague.force_login(UserFactory())
    assert colleague.get(link).status_code == 503  # not fetched yet: the rule is passed


class TestConsole:
    @pytest.fixture
    def staff(self, tenant, other_tenant):
        user = UserFactory()
        for own in (tenant, other_tenant):
            MembershipFactory(tenant=own, user=user, role=RoleFactory(tenant=own, permissions=["*"]))
        client = Client()
        client.force_login(user)
        return client

    def test_staff_read_and_change_nothing(self, staff, suspended, widget):
        page = reverse("admin:channels_app_channel_change", args=[widget.pk])
        shown = staff.get(page)
        assert (shown.status_code, shown.context["has_change_permission"]) == (200, False)
        assert staff.post(page, {"name": "other"}).status_code == 403
        assert staff.post(reverse("admin:channels_app_channel_delete", args=[widget.pk])).status_code == 403
        assert staff.post(reverse("admin:channels_app_channel_do", args=[widget.pk, "test"])).status_code == 403
        with tenant_scope(suspended.id):
            assert Channel.objects.get(pk=widget.pk).name == widget.name

    def test_the_suspended_tenant_cannot_be_chosen_for_new_rows(self, staff, suspended, other_tenant):
        form = staff.get(reverse("admin:tenants_apikey_add")).context["adminform"].form
        assert set(form.fields["tenant"].queryset) == {other_tenant}

    def test_an_operator_can_end_the_suspension(self, suspended):
        root = Client()
        root.force_login(UserFactory(is_superuser=True))
        page = reverse("admin:tenants_tenant_change", args=[suspended.pk])
        root.post(page, {"name": "Acme", "slug": "acme", "status": "active", "settings": "{}"})
        assert tenant_settings.tenant_state(suspended.id).active


COMMANDS = [
    ("chat", "hello", "--tenant", "acme"),
    ("retry_deliveries", "--tenant", "acme"),
    ("retry_deliveries", "--channel", "ch_01HABC"),
    ("replay_dead_letters", "--tenant", "acme", "--all"),
    ("replay_events", "--tenant", "acme"),
    ("webhook_replay", "--tenant", "acme", "--endpoint", str(uuid.UUID(int=7))),
    ("sync_templates", "--tenant", "acme"),
    ("check_channels", "--tenant", "acme"),
    ("send_webhook", "--channel", "ch_01HABC", "--text", "hello"),
    ("train_assistant", "--tenant", "acme"),
]


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: " ".join(words[:2]))
def test_commands_refuse(suspended, widget, words):
    with pytest.raises(CommandError, match="suspended"):
        call_command(*words)


def test_the_engine_refuses(suspended):
    with pytest.raises(Refused):
        builtin_answer(EngineRequest(suspended.id, uuid.UUID(int=1), "web", (text("hello"),)))
