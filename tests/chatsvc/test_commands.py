"""What operators type: every command does its work, says what it did, and refuses clearly."""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from io import StringIO

import httpx
import pytest
import respx
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from channels_app.contract import BadSignature, RawRequest
from channels_app.http.client import HttpClient
from channels_app.models import Channel
from channels_app.registry import KINDS
from channels_app.services import channel_save
from channels_app.twin import server as twin_server
from channels_app.twin.platforms import PLATFORMS
from channels_app.words.moments import EARLIEST
from chatsvc import demo
from chatsvc.management.arguments import channel_keyed, moment
from chatsvc.management.commands.send_webhook import SIGNED
from chatsvc.management.commands.serve import welcome
from chatsvc.management.commands.twin import required as connected
from chatsvc.observe.workers import queues
from chatsvc.processes import embedded
from chatsvc.processes.history import FORMER
from chatsvc.web.serving.sockets import check_free
from conversations.models import Message
from messaging.models import Delivery, InboundEvent, Turn
from tenants.access.api_keys import api_key_verify
from tenants.models import ApiKey, Role, Tenant, User
from tenants.scope import tenant_scope
from tenants.storage.db import new_id, now
from tests.factories import ChannelFactory, ConversationFactory, DeliveryFactory, MessageFactory

pytestmark = pytest.mark.django_db


def run(name: str, *words: str) -> str:
    out = StringIO()
    call_command(name, *words, stdout=out)
    return out.getvalue()


@pytest.fixture
def access(db: None) -> dict:
    return json.loads(run("seed_demo", "--bare", "--json"))


class TestMigrate:
    @pytest.mark.parametrize("command", ["migrate", "serve"])
    def test_a_database_from_before_the_first_release_is_refused_in_one_line(self, db, command):
        MigrationRecorder(connection).record_applied(*FORMER)
        with pytest.raises(CommandError, match="made before chatsvc 0.1.0") as refused:
            run(command, *{"serve": ("--port", "0")}.get(command, ()))
        assert "\n" not in str(refused.value)


class TestSeedDemo:
    def test_gives_an_access_that_works(self, access):
        facts = api_key_verify(access["api_key"])
        assert str(facts.tenant_id) == access["tenant_id"]
        assert User.objects.get(username=access["admin_user"]).check_password(access["admin_password"])
        with tenant_scope(facts.tenant_id):
            kinds = {channel.key: channel.kind for channel in Channel.objects.all()}
        assert sorted(kinds.values()) == sorted(KINDS)
        assert kinds[access["web_channel_key"]] == "web"
        assert kinds[access["whatsapp"]["channel_key"]] == "whatsapp"
        assert {key: kind for kind, key in access["channels"].items()} == kinds

    def test_a_second_run_adds_nothing_and_says_the_same(self, access):
        again = json.loads(run("seed_demo", "--bare", "--json"))
        assert {**again, "access_token": ""} == {**access, "access_token": ""}
        with tenant_scope(demo.demo_tenant().id):
            assert (ApiKey.objects.count(), Channel.objects.count(), Role.objects.count()) == (1, len(KINDS), 4)

    def test_leaves_what_people_have_changed(self, access):
        Tenant.objects.filter(slug=demo.SLUG).update(settings={"languages": ["fr"]})
        admin = User.objects.get(username="admin")
        admin.set_password("their own")
        admin.save()
        assert json.loads(run("seed_demo", "--bare", "--json"))["admin_password"] == ""
        assert Tenant.objects.get(slug=demo.SLUG).settings["languages"] == ["fr"]

    def test_an_old_key_ends_with_its_secret_key(self, access, settings):
        settings.SECRET_KEY = "another" * 10
        assert json.loads(run("seed_demo", "--bare", "--json"))["api_key"] != access["api_key"]
        with tenant_scope(demo.demo_tenant().id):
            assert ApiKey.objects.count() == 1

    def test_production_refuses(self, settings):
        settings.PRODUCTION = True
        with pytest.raises(CommandError, match="--force"):
            run("seed_demo")
        assert not Tenant.objects.exists()

    def test_a_twin_that_may_not_be_reached_is_told_before_anything_is_made(self, settings):
        settings.ENV = {**settings.ENV, "OUTBOUND_ALLOW_HOSTS": []}
        with pytest.raises(CommandError, match="OUTBOUND_ALLOW_HOSTS=127.0.0.1:8900"):
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
        assert queues() == ["background", "deliver", "events", "inbound", "respond"]

    def test_leases_of_a_killed_process_end_at_the_start(self, tenant, settings):
        settings.REDIS_URL = ""
        leased = now() + timedelta(seconds=50)
        conversation = ConversationFactory(tenant=tenant)
        delivery = DeliveryFactory(tenant=tenant, status=Delivery.Status.SENDING, claim=new_id(), due_at=leased)
        with tenant_scope(tenant.id):
            turn = Turn.objects.create(
                tenant=tenant,
                conversation=conversation,
                first_seq=1,
                last_seq=1,
                status="running",
                claim=new_id(),
                due_at=leased,
            )
            receipt = InboundEvent.objects.create(
                tenant=tenant,
                channel=conversation.channel,
                digest="d",
                request={},
                claim=new_id(),
                due_at=leased,
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
    def test_check_says_how_each_one_is(self, point_at):
        with twin_server.start() as twin:
            point_at(twin.url)
            [twin.configure(kind, webhook_url="http://svc.test/hook") for kind in ("sms", "voice")]
            assert run("check_channels", "--tenant", "acorn").count("healthy") == len(KINDS)

    def test_check_fails_when_one_does_not_work(self, point_at):
        point_at("http://127.0.0.1:1")
        with pytest.raises(CommandError, match=f"of {len(KINDS)} channels do not work"):
            run("check_channels")

    def test_doctor_says_what_is_wrong_and_what_to_do(self, point_at):
        with twin_server.start() as twin:
            point_at(twin.url)
            [twin.configure(kind, webhook_url="http://svc.test/hook") for kind in ("sms", "voice")]
            twin.configure("messenger", subscribed_fields=[])
            with pytest.raises(CommandError, match=f"1 of {len(KINDS)} channels need attention"):
                run("channel_doctor", "--tenant", "acorn")
            out = StringIO()
            with pytest.raises(CommandError):
                call_command("channel_doctor", kind="messenger", stdout=out)
            assert "✗ The page is not subscribed to messages" in out.getvalue()
            assert "docs/channels/messenger.md" in out.getvalue()
            assert json.loads(run("channel_doctor", "--kind", "slack", "--json"))[0]["state"] == "healthy"

    def test_twin_fits_itself_to_the_channels_that_point_at_it(self, access):
        settings = connected("acorn", 8900)
        assert set(settings) == set(PLATFORMS)
        assert settings["slack"]["webhook_url"].endswith(f"/api/v2/webhooks/slack/{access['channels']['slack']}")
        with tenant_scope(demo.demo_tenant().id):
            channel_save(
                Channel.objects.get(kind="sms"), config={"auth_token": "own-token", "from_number": "+15005550009"}
            )
        assert connected("acorn", 8900)["sms"] | {"webhook_url": ""} == {
            "account_sid": PLATFORMS["sms"].settings["account_sid"],
            "auth_token": "own-token",
            "number": "+15005550009",
            "webhook_url": "",
        }
        with pytest.raises(CommandError, match="port 8901"):
            connected("acorn", 8901)

    def test_twin_needs_to_know_where_webhooks_go(self):
        with pytest.raises(CommandError, match="--webhook-url"):
            run("twin")


@pytest.fixture
def point_at(access: dict, reachable: Callable[[str], None]) -> Callable[[str], None]:
    """``point_at(twin.url)``: all channels but the widget speak with that address."""

    def change(url: str) -> None:
        reachable(url)
        _point_at(url)

    return change


def _point_at(url: str) -> None:
    with tenant_scope(demo.demo_tenant().id):
        for channel in Channel.objects.exclude(kind="web"):
            channel_save(channel, config=PLATFORMS[channel.kind].channel_config(url))


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

    @pytest.mark.parametrize("kind", SIGNED)
    @respx.mock
    def test_signs_as_every_platform_does(self, access, kind):
        url = f"http://svc.test/api/v2/webhooks/{kind}/{access['channels'][kind]}"
        route = respx.post(url).mock(return_value=httpx.Response(200))
        run("send_webhook", "--channel", access["channels"][kind], "--text", "hi", "--url", url)
        sent, channel = route.calls[0].request, channel_keyed(access["channels"][kind])
        raw = RawRequest(
            "POST", "/", {name.lower(): value for name, value in sent.headers.items()}, body=sent.content, url=url
        )
        channel.adapter.verify(raw, channel.adapter_config(), HttpClient())
        with pytest.raises(BadSignature):
            channel.adapter.verify(replace(raw, body=raw.body + b"x"), channel.adapter_config(), HttpClient())

    @pytest.mark.parametrize("kind", ["web", "teams"])
    def test_others_cannot_be_signed(self, access, kind):
        with pytest.raises(CommandError, match="cannot be signed"):
            run("send_webhook", "--channel", access["channels"][kind], "--text", "hi")


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
        with pytest.raises(CommandError, match="is not a time"):
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
        with pytest.raises(CommandError, match="Not given up"):
            run("replay_dead_letters", "--tenant", "globex", "--id", str(dead.id))

    @pytest.fixture
    def dead(self, tenant):
        return DeliveryFactory(tenant=tenant, status="failed", attempts=8, dead_at=now(), error_code="x")


class TestTimes:
    @pytest.mark.parametrize("text", ["999999d", "999999h", "30m", "2026-01-31", "2026-01-31T12:00:00+01:00"])
    def test_a_time_is_read(self, text):
        assert EARLIEST <= moment(text) <= now()

    @pytest.mark.parametrize(
        "text", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-01-31T12:00", "x"]
    )
    def test_a_time_outside_the_calendar_or_without_a_zone_is_refused(self, text):
        with pytest.raises(CommandError, match="not a time"):
            moment(text)

    @pytest.mark.parametrize("command", ["replay_events", "webhook_replay"])
    def test_a_span_that_ends_before_it_begins_is_refused(self, tenant, command):
        wanted = {"replay_events": (), "webhook_replay": ("--tenant", tenant.slug, "--endpoint", str(tenant.id))}
        with pytest.raises(CommandError, match="ends before it begins"):
            run(command, *wanted[command], "--since", "1h", "--until", "2h")
