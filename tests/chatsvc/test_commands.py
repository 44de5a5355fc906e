"""What operators type: every command does its work, says what it did, and refuses clearly."""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
from datetime import timedelta
from io import StringIO

import httpx
import pytest
import respx
from django.core.management import CommandError, call_command

from channels_app.models import Channel
from channels_app.twin import server as twin_server
from chatsvc import demo, embedded
from chatsvc.management.commands.serve import check_free, welcome
from conversations.models import Message
from messaging.models import Delivery, InboundEvent, Turn
from tenants.api_keys import api_key_verify
from tenants.db import now
from tenants.models import ApiKey, Role, Tenant, User
from tenants.scope import tenant_scope
from tests.factories import ChannelFactory, ConversationFactory, DeliveryFactory, MessageFactory

pytestmark = pytest.mark.django_db


def run(name: str, *words: str) -> str:
    out = StringIO()
    call_command(name, *words, stdout=out)
    return out.getvalue()


@pytest.fixture
def access(db: None) -> dict:
    return json.loads(run("seed_demo", "--json"))


class TestSeedDemo:
    def test_gives_an_access_that_works(self, access):
        facts = api_key_verify(access["api_key"])
        assert str(facts.tenant_id) == access["tenant_id"]
        assert User.objects.get(username=access["admin_user"]).check_password(access["admin_password"])
        with tenant_scope(facts.tenant_id):
            kinds = {channel.key: channel.kind for channel in Channel.objects.all()}
        assert kinds == {access["web_channel_key"]: "web", access["whatsapp"]["channel_key"]: "whatsapp"}

    def test_a_second_run_adds_nothing_and_says_the_same(self, access):
        again = json.loads(run("seed_demo", "--json"))
        assert {**again, "access_token": ""} == {**access, "access_token": ""}
        with tenant_scope(demo.demo_tenant().id):
            assert (ApiKey.objects.count(), Channel.objects.count(), Role.objects.count()) == (1, 2, 4)

    def test_leaves_what_people_have_changed(self, access):
        Tenant.objects.filter(slug=demo.SLUG).update(settings={"languages": ["fr"]})
        admin = User.objects.get(username="admin")
        admin.set_password("their own")
        admin.save()
        assert json.loads(run("seed_demo", "--json"))["admin_password"] == ""
        assert Tenant.objects.get(slug=demo.SLUG).settings["languages"] == ["fr"]

    def test_an_old_key_ends_with_its_secret_key(self, access, settings):
        settings.SECRET_KEY = "another" * 10
        assert json.loads(run("seed_demo", "--json"))["api_key"] != access["api_key"]
        with tenant_scope(demo.demo_tenant().id):
            assert ApiKey.objects.count() == 1

    def test_production_refuses(self, settings):
        settings.PRODUCTION = True
        with pytest.raises(CommandError, match="--force"):
            run("seed_demo")
        assert not Tenant.objects.exists()


class TestServe:
    def test_says_how_to_begin(self, access):
        text = welcome("http://localhost:8001", left_over=3)
        assert access["api_key"] in text
        assert "curl http://localhost:8001/api/v2/chat/message" in text
        assert "3 pieces of work" in text

    def test_without_a_demo_tenant(self):
        assert "seed_demo" in welcome("http://localhost:8001", left_over=0)

    def test_a_taken_port_is_said_plainly(self):
        with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(CommandError, match="--port"):
            check_free("127.0.0.1", taken.getsockname()[1])

    def test_every_routed_queue_is_served(self):
        assert embedded.queues() == ["background", "deliver", "events", "inbound", "respond"]

    def test_leases_of_a_killed_process_end_at_the_start(self, tenant, settings):
        settings.REDIS_URL = ""
        leased = now() + timedelta(seconds=50)
        conversation = ConversationFactory(tenant=tenant)
        delivery = DeliveryFactory(tenant=tenant, status=Delivery.Status.SENDING, due_at=leased)
        with tenant_scope(tenant.id):
            turn = Turn.objects.create(
                tenant=tenant, conversation=conversation, first_seq=1, last_seq=1, status="running", due_at=leased
            )
            receipt = InboundEvent.objects.create(
                tenant=tenant, channel=conversation.channel, digest="d", request={}, due_at=leased
            )
            assert embedded.take_up() == 3
            for row in (delivery, turn, receipt):
                row.refresh_from_db()
                assert row.due_at < now()

    def test_with_a_broker_others_may_hold_leases(self, tenant, settings):
        settings.REDIS_URL = "redis://127.0.0.1:1/0"
        DeliveryFactory(tenant=tenant, status=Delivery.Status.SENDING, due_at=now() + timedelta(seconds=50))
        assert embedded.take_up() == 0


class TestChannels:
    def test_check_says_how_each_one_is(self, access):
        with twin_server.start() as twin:
            _point_at(access, twin.url)
            assert "healthy" in run("check_channels", "--tenant", "acorn")

    def test_check_fails_when_one_does_not_work(self, access):
        _point_at(access, "http://127.0.0.1:1")
        with pytest.raises(CommandError, match="1 of 2"):
            run("check_channels")

    def test_twin_needs_to_know_where_webhooks_go(self):
        with pytest.raises(CommandError, match="--webhook-url"):
            run("twin")


def _point_at(access: dict, url: str) -> None:
    with tenant_scope(demo.demo_tenant().id):
        channel = Channel.objects.get(key=access["whatsapp"]["channel_key"])
        channel.config = {**channel.config, "api_base": url}
        channel.save()


class TestSendWebhook:
    @respx.mock
    def test_posts_the_very_same_signed_request(self, access):
        route = respx.post("http://svc.test/hook").mock(return_value=httpx.Response(200))
        key = access["whatsapp"]["channel_key"]
        run("send_webhook", "--channel", key, "--text", "hi", "--times", "3", "--url", "http://svc.test/hook")
        assert len({call.request.content for call in route.calls}) == 1
        assert route.call_count == 3
        sent = route.calls[0].request
        digest = hmac.new(access["whatsapp"]["app_secret"].encode(), sent.content, hashlib.sha256).hexdigest()
        assert sent.headers["x-hub-signature-256"] == f"sha256={digest}"

    @respx.mock
    def test_takes_a_stored_request(self, access, tmp_path):
        route = respx.post("http://svc.test/hook").mock(return_value=httpx.Response(200))
        stored = tmp_path / "payload.json"
        stored.write_text(json.dumps({"method": "POST", "path": "/", "body": {"entry": []}}))
        key = access["whatsapp"]["channel_key"]
        run("send_webhook", "--channel", key, "--file", str(stored), "--url", "http://svc.test/hook")
        assert json.loads(route.calls[0].request.content) == {"entry": []}

    @respx.mock
    def test_a_refusal_is_an_error(self, access):
        respx.post("http://svc.test/hook").mock(return_value=httpx.Response(401, text="bad signature"))
        key = access["whatsapp"]["channel_key"]
        with pytest.raises(CommandError, match="401"):
            run("send_webhook", "--channel", key, "--text", "hi", "--url", "http://svc.test/hook")

    def test_only_whatsapp_can_be_signed(self, access):
        with pytest.raises(CommandError, match="only WhatsApp"):
            run("send_webhook", "--channel", access["web_channel_key"], "--text", "hi")


class TestChat:
    def test_answers_and_stores_both_sides(self, access):
        assert "AC-10042" in run("chat", "Where is my order AC-10042?", "--user", "tester")
        with tenant_scope(demo.demo_tenant().id):
            assert list(Message.objects.order_by("seq").values_list("role", flat=True)) == ["visitor", "bot"]

    def test_an_unknown_tenant_is_told_the_known_ones(self, tenant):
        with pytest.raises(CommandError, match="acme"):
            run("chat", "hi", "--tenant", "nobody")


class TestDeliveries:
    def test_retry_makes_waiting_ones_due_of_the_named_tenant_only(self, tenant, other_tenant):
        later = now() + timedelta(hours=1)
        ours, theirs = (DeliveryFactory(tenant=owner, due_at=later) for owner in (tenant, other_tenant))
        assert run("retry_deliveries", "--tenant", "acme").startswith("1 deliveries in 1 ")
        for row in (ours, theirs):
            row.refresh_from_db()
        assert ours.due_at <= now() < theirs.due_at

    def test_retry_narrows_by_channel_and_time(self, tenant):
        channel = ChannelFactory(tenant=tenant)
        DeliveryFactory(tenant=tenant, message=MessageFactory(tenant=tenant))
        assert run("retry_deliveries", "--channel", channel.key, "--since", "2h").startswith("0 ")

    @pytest.mark.parametrize("text", ["yesterday", "2026-13-45", "5w"])
    def test_no_time_is_refused(self, text):
        with pytest.raises(CommandError, match="is no time"):
            run("retry_deliveries", "--since", text)

    def test_replay_sends_dead_letters_again(self, dead):
        assert run("replay_dead_letters", "--tenant", "acme", "--all").startswith("1 ")
        dead.refresh_from_db()
        assert (dead.status, dead.attempts, dead.dead_at) == ("queued", 0, None)

    def test_dry_run_changes_nothing(self, dead):
        assert str(dead.id) in run("replay_dead_letters", "--tenant", "acme", "--all", "--dry-run")
        dead.refresh_from_db()
        assert dead.status == "failed"

    def test_another_tenants_dead_letter_is_not_found(self, dead, other_tenant):
        with pytest.raises(CommandError, match="No dead letter"):
            run("replay_dead_letters", "--tenant", "globex", "--id", str(dead.id))

    @pytest.fixture
    def dead(self, tenant):
        return DeliveryFactory(tenant=tenant, status="failed", attempts=8, dead_at=now(), error_code="x")
