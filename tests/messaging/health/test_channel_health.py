"""A channel fails and is repaired: nothing is lost, staff are told once. The platform is the running twin."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.core import mail

from channels_app.content.types import text
from channels_app.contract import ChannelNotice, CheckResult
from channels_app.health import ADVICE, health_forget
from channels_app.models import Channel, ChannelHealth, ChannelIncident
from channels_app.services import bad_signature_count, channel_save
from channels_app.twin import server
from conversations.models import Conversation, Event, Message
from messaging import sweep as sweep_verb
from messaging import tasks
from messaging.deliver import deliver
from messaging.health import watch
from messaging.models import Delivery, DeliveryAttempt, StaffAlert
from messaging.outbox.alerts import TRIES, alert_send
from messaging.publish import publish_events
from messaging.receipts.applying import APPLY
from messaging.rules.agent_replies import agent_reply
from messaging.rules.hold import channel_admits
from tenants import tenant_settings
from tenants.models import Tenant
from tenants.storage import memo
from tenants.storage.db import now
from tests.channels_app.loopback import answers, http_answer, served
from tests.factories import ConversationFactory, IdentityFactory, MembershipFactory, MessageFactory, RoleFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def twin(reachable):
    with server.start() as running:
        reachable(running.url)
        yield running


@pytest.fixture
def channel(scope, whatsapp, twin) -> Channel:
    return channel_save(whatsapp, config={"api_base": twin.url, **whatsapp.secrets})


@pytest.fixture
def admin(tenant) -> str:
    return MembershipFactory(tenant=tenant, role=RoleFactory(tenant=tenant, name="admin")).user.email


def lane(channel: Channel, *words: str, to: str = "+4915112345678") -> Conversation:
    identity = IdentityFactory(tenant=channel.tenant, channel=channel, scheme="phone", value=to)
    soon = now() + timedelta(hours=20)
    made = ConversationFactory(
        tenant=channel.tenant,
        channel=channel,
        identity=identity,
        contact=identity.contact,
        reply_window_expires_at=soon,
    )
    [agent_reply(made.id, None, text(word)) for word in words]
    return made


def told(twin) -> list[str]:
    return [entry["body"]["text"]["body"] for entry in twin.sent]


def events() -> list[str]:
    return list(Event.objects.filter(type__startswith="chat.system.").order_by("id").values_list("type", flat=True))


def state(channel: Channel) -> str:
    return ChannelHealth.objects.get(channel=channel).state


def hold_over() -> None:
    ChannelHealth.objects.update(held_until=now() - timedelta(seconds=1))
    Delivery.objects.update(due_at=now())
    memo.forget_all()


def run(calls, *names: str) -> None:
    """Do what was called for since the last time, from the rows alone."""
    sent, calls.all[:] = [call for call in calls.all if call[0] in names], []
    [getattr(tasks, name)(str(row)) for name, row, _ in dict.fromkeys((name, row, 0) for name, row, _ in sent)]


# ------------------------------------------------------------- hold and repair, end to end


def test_a_revoked_token_loses_nothing_and_the_repaired_channel_sends_at_once(channel, twin, calls, admin) -> None:
    lanes = [lane(channel, "one", "two", "three"), lane(channel, "uno", "due", to="+4915112345679")]
    channel.secrets = {**channel.secrets, "access_token": "revoked"}
    channel_save(channel)
    [deliver(one.id) for one in lanes]
    assert (state(channel), told(twin)) == ("credential_refused", [])
    assert set(Delivery.objects.values_list("status", "attempts")) == {("queued", 0)}
    assert len(twin.requests) == 1  # the second lane did not even try
    incident = ChannelIncident.objects.get(is_open=True)
    assert Event.objects.get(type="chat.system.channel_degraded").payload["incident_id"] == str(incident.id)

    calls.all.clear()
    channel_save(channel, config={"access_token": "token-0123456789"})
    watch.channel_saved(channel)
    run(calls, "deliver")  # one message tries it: the others follow
    run(calls, "deliver")
    assert state(channel) == "healthy"
    assert [word for word in told(twin) if word in ("one", "two", "three")] == ["one", "two", "three"]
    assert [word for word in told(twin) if word in ("uno", "due")] == ["uno", "due"]
    assert set(Delivery.objects.values_list("status", "attempts")) == {("sent", 1)}
    assert events() == ["chat.system.channel_degraded", "chat.system.channel_recovered"]
    incident.refresh_from_db()
    assert (incident.is_open, incident.closed_at is not None) == (False, True)


def test_a_check_that_finds_it_healthy_lets_held_messages_go(channel, twin, calls) -> None:
    made = lane(channel, "one", "two")
    twin.faults.order("refuse_token", times=1)
    deliver(made.id)
    assert told(twin) == []
    calls.all.clear()
    assert watch.channel_check(channel).state == "healthy"
    run(calls, "deliver")
    assert (told(twin), state(channel)) == (["one", "two"], "healthy")
    assert list(Delivery.objects.values_list("attempts", flat=True)) == [1, 1]


def test_the_round_proves_it_with_a_message_before_it_says_recovered(channel, twin, calls) -> None:
    """The token can be looked at but not sent with: staff are not told of a recovery at every check."""
    made = lane(channel, "one")
    twin.faults.order("refuse_token", times=2)
    deliver(made.id)
    calls.all.clear()
    assert watch.channel_watch(channel).state == "healthy"
    run(calls, "deliver")
    assert (state(channel), told(twin), events()) == ("credential_refused", [], ["chat.system.channel_degraded"])
    ChannelHealth.objects.update(checked_at=None)
    health_forget(channel.id)
    watch.channel_watch(channel)
    run(calls, "deliver")
    assert (state(channel), told(twin)) == ("healthy", ["one"])


def test_when_a_hold_runs_out_one_message_tries(channel, twin) -> None:
    lanes = [lane(channel, "one"), lane(channel, "uno", to="+4915112345679")]
    twin.faults.order("refuse_token", times=None)
    deliver(lanes[0].id)
    hold_over()
    [deliver(one.id) for one in lanes]
    assert len(twin.requests) == 2
    assert channel_admits(channel) > now()
    assert events() == ["chat.system.channel_degraded"]


def test_the_breaker_opens_after_five_failures_and_closes_again(channel, twin) -> None:
    made = lane(channel, "one")
    twin.faults.order("500", times=5)
    for _ in range(5):
        Delivery.objects.update(due_at=now())
        deliver(made.id)
    assert state(channel) == "degraded"
    hold_over()
    assert deliver(made.id) == 1
    assert events() == ["chat.system.channel_degraded", "chat.system.channel_recovered"]


# ------------------------------------------------------------------- what else is noticed


def test_the_round_finds_a_revoked_token_before_a_message_does(channel, twin) -> None:
    channel_save(channel, config={"access_token": "revoked"})
    assert watch.channel_watch(channel).state == "credential_refused"
    assert channel_admits(channel) > now()
    assert watch.channel_watch(channel) is None  # not due again


def test_many_bad_signatures_between_two_checks_degrade_and_quiet_recovers(channel) -> None:
    [bad_signature_count(channel) for _ in range(20)]
    watch.channel_check(channel)
    row = ChannelHealth.objects.get(channel=channel)
    assert row.state == "degraded"
    assert "20 webhook requests" in row.reason
    watch.channel_check(channel)
    assert state(channel) == "healthy"


@pytest.mark.parametrize(
    ("messages", "hours", "setting", "expected"),
    [(10, 49, {}, "silent"), (10, 47, {}, "healthy"), (9, 49, {}, "healthy"),
     (10, 49, {"silent_after_hours": None}, "healthy"), (10, 3, {"silent_after_hours": 2}, "silent")],
    ids=["long", "not-yet", "never-busy", "off", "own-threshold"],
)  # fmt: skip
def test_silence_of_a_busy_channel(channel, messages, hours, setting, expected) -> None:
    Tenant.objects.filter(id=channel.tenant_id).update(settings={"alerts": setting})
    tenant_settings.invalidate(channel.tenant_id)
    made = lane(channel)
    [MessageFactory(tenant=channel.tenant, conversation=made) for _ in range(messages)]
    Message.objects.update(created_at=now() - timedelta(hours=hours + 1))
    watch.inbound_seen(channel)
    ChannelHealth.objects.update(last_inbound_at=now() - timedelta(hours=hours))
    watch.channel_check(channel)
    assert state(channel) == expected
    health_forget(channel.id)
    watch.inbound_seen(channel)
    assert state(channel) == "healthy"


def test_inbound_is_noted_once_a_minute(channel, django_assert_num_queries) -> None:
    watch.inbound_seen(channel)
    watch.inbound_seen(channel)
    with django_assert_num_queries(0):
        watch.inbound_seen(channel)


def test_the_platform_tells_that_the_token_was_revoked(channel) -> None:
    APPLY[ChannelNotice](channel, ChannelNotice("credential_refused", "The app was removed.", "app_uninstalled"))
    row = ChannelHealth.objects.get(channel=channel)
    assert (row.state, row.reason, row.held_until > now()) == ("credential_refused", "The app was removed.", True)


BANNED = ChannelNotice("degraded", "The platform is going to ban the account.", "SCHEDULE", lasting=True)


def test_what_the_platform_tells_and_no_check_sees_outlasts_the_checks(channel, monkeypatch) -> None:
    """The token of a page that is blocked is good: the next round would end the incident."""
    monkeypatch.setattr(type(channel.adapter), "check", lambda self, config, http: CheckResult("healthy"))
    APPLY[ChannelNotice](channel, BANNED)
    watch.channel_check(channel)
    assert (state(channel), ChannelIncident.objects.get().is_open) == ("degraded", True)
    APPLY[ChannelNotice](channel, ChannelNotice("healthy", "", "REINSTATE", lasting=True))
    assert (state(channel), ChannelIncident.objects.get().is_open) == ("healthy", False)


@pytest.mark.parametrize("ended_by", ["a day", "saved by staff"])
def test_a_notice_does_not_last_for_ever(channel, monkeypatch, ended_by) -> None:
    monkeypatch.setattr(type(channel.adapter), "check", lambda self, config, http: CheckResult("healthy"))
    APPLY[ChannelNotice](channel, BANNED)
    ends = {
        "a day": lambda: ChannelHealth.objects.update(noticed_until=now() - timedelta(seconds=1)),
        "saved by staff": lambda: watch.channel_saved(channel),
    }
    ends[ended_by]()
    watch.channel_check(channel)
    assert state(channel) == "healthy"


def test_good_news_of_the_platform_alone_proves_nothing(channel) -> None:
    watch.channel_notice(channel, ChannelNotice("degraded", "odd"))
    watch.channel_notice(channel, ChannelNotice("healthy", "", "UPGRADE", lasting=True))
    assert state(channel) == "degraded"


def test_a_channel_that_was_switched_off_is_nobodys_worry(channel, admin) -> None:
    watch.channel_notice(channel, ChannelNotice("degraded", "odd"))
    publish_events()
    StaffAlert.objects.all().delete()
    channel.enabled = False
    channel_save(channel)
    watch.channel_saved(channel)
    assert not ChannelIncident.objects.filter(is_open=True).exists()
    assert Event.objects.get(type="chat.system.channel_recovered").payload["state"] == "disabled"
    assert publish_events() == 1
    assert not StaffAlert.objects.exists()


@pytest.mark.parametrize("broken", [CheckResult("unknown", "timed out", {"code": "read_timeout"}), RuntimeError()])
def test_an_unanswered_question_changes_nothing(channel, monkeypatch, broken) -> None:
    def check(self, config, http):
        [raise_ for raise_ in [broken] if isinstance(raise_, CheckResult)] or _raise(broken)
        return broken

    monkeypatch.setattr(type(channel.adapter), "check", check)
    assert watch.channel_check(channel).state == "unknown"
    assert (state(channel), events()) == ("unchecked", [])


def _raise(error: Exception) -> None:
    raise error


# ---------------------------------------------------------------------------- the round


def test_the_round_wakes_enabled_channels_of_active_tenants_that_are_due(
    channel, whatsapp, other_tenant, calls
) -> None:
    from tests.factories import ChannelFactory

    off = ChannelFactory(tenant=channel.tenant, enabled=False)
    theirs = ChannelFactory(tenant=other_tenant)
    Tenant.objects.filter(id=other_tenant.id).update(status="suspended")
    watch.channels_watch()
    assert calls.of("watch_channel") == [channel.id]
    assert {off.id, theirs.id}.isdisjoint(calls.of("watch_channel"))
    tasks.watch_channel(str(channel.id))
    assert watch.channels_due() == []
    assert watch.channels_due(now() + timedelta(hours=1)) == [channel.id]


@pytest.mark.parametrize("crowd", [0, watch.MOST + 1], ids=["alone", "behind a crowd"])
def test_a_channel_that_was_never_checked_is_the_first(channel, crowd, monkeypatch) -> None:
    """SQLite puts NULL first, PostgreSQL last."""
    own = {"tenant": channel.tenant, "kind": "web"}
    others = Channel.objects.bulk_create(Channel(**own, name=f"{n}", key=f"ch_{n}") for n in range(crowd))
    long_ago = now() - timedelta(days=2)
    ChannelHealth.objects.bulk_create(ChannelHealth(channel=other, checked_at=long_ago) for other in others)
    ChannelHealth.objects.filter(channel=channel).delete()
    assert watch.channels_due()[:1] == [channel.id]


def test_the_round_can_be_switched_off(channel, settings) -> None:
    settings.ENV = {**settings.ENV, "CHANNEL_CHECK_INTERVAL_S": 0}
    assert watch.channels_due() == []


# ------------------------------------------------------------------------------ alerts


def test_admins_are_mailed_once_per_change(channel, twin, calls, admin, other_tenant) -> None:
    MembershipFactory(tenant=other_tenant, role=RoleFactory(tenant=other_tenant))
    MembershipFactory(tenant=channel.tenant, role=RoleFactory(tenant=channel.tenant, permissions=["messages:read"]))
    made = lane(channel, "one")
    twin.faults.order("refuse_token", times=3)
    for _ in range(3):
        deliver(made.id)
        hold_over()
    deliver(made.id)
    publish_events()
    run(calls, "send_alert")
    assert [(one.bcc, one.to) for one in mail.outbox] == [([admin], [])] * 2
    assert "was refused by the platform" in mail.outbox[0].subject
    assert "works again" in mail.outbox[1].subject
    assert "revoked" not in mail.outbox[0].body
    assert ADVICE["credential_refused"] in mail.outbox[0].body
    assert [f"/admin/channels_app/channel/{channel.id}/change/" in one.body for one in mail.outbox] == [True, True]
    assert len({one.extra_headers["Message-ID"] for one in mail.outbox}) == 2
    ended = ChannelIncident.objects.get()
    assert [(alert.way, alert.status) for alert in ended.alerts.all()] == [("email", "sent")] * 2


def test_slack_and_a_webhook_are_told_and_a_failure_is_tried_again(channel, settings) -> None:
    with served(answers(http_answer("500 Oops"), http_answer(), http_answer())) as hook:
        settings.ENV = {**settings.ENV, "OUTBOUND_ALLOW_HOSTS": [hook.authority]}
        alerts = {"email": False, "slack_webhook_url": f"{hook.url}/slack", "webhook_url": f"{hook.url}/own"}
        Tenant.objects.filter(id=channel.tenant_id).update(settings={"alerts": alerts})
        tenant_settings.invalidate(channel.tenant_id)
        watch.channel_notice(channel, ChannelNotice("degraded", "odd"))
        publish_events()
        alert = {row.way: row.id for row in StaffAlert.objects.all()}
        assert [alert_send(alert["slack"]), alert_send(alert["slack"])] == [False, False]
        assert StaffAlert.objects.get(way="slack").error == "http_500"
        StaffAlert.objects.update(due_at=now())
        assert [alert_send(alert["slack"]), alert_send(alert["webhook"])] == [True, True]
        assert [alert_send(alert["slack"]), alert_send(alert["webhook"])] == [False, False]
    slack, own = (json.loads(raw.partition(b"\r\n\r\n")[2]) for raw in hook.requests[1:])
    headline, *rest = slack["text"].splitlines()
    assert headline == "Acme: channel WhatsApp (whatsapp) does not work as it should"
    assert rest[:-1] == ["odd", ADVICE["degraded"]]
    event = Event.objects.get(type="chat.system.channel_degraded")
    assert (own["type"], own["id"], own["data"]["state"]) == (event.type, str(event.id), "degraded")
    assert own["text"] == slack["text"]


def test_an_alert_whose_wake_up_was_lost_is_found_by_the_sweep(channel, admin, calls) -> None:
    watch.channel_notice(channel, ChannelNotice("degraded", "odd"))
    publish_events()
    calls.all.clear()
    StaffAlert.objects.update(due_at=now() - timedelta(seconds=10))
    sweep_verb.sweep()
    run(calls, "send_alert")
    assert len(mail.outbox) == 1


def test_the_channels_page_says_how_staff_were_told(channel, admin, calls, admin_client) -> None:
    watch.channel_notice(channel, ChannelNotice("degraded", "odd"))
    publish_events()
    run(calls, "send_alert")
    page = admin_client.get(f"/admin/channels_app/channel/{channel.id}/change/").content.decode()
    assert "email (sent)" in page


def test_an_alert_about_a_channel_that_is_gone_is_not_sent(channel, admin, calls) -> None:
    watch.channel_notice(channel, ChannelNotice("degraded", "odd"))
    publish_events()
    watch.channel_check(channel)
    channel.delete()
    publish_events()
    run(calls, "send_alert")
    assert (mail.outbox, StaffAlert.objects.count()) == ([], 0)


def test_an_alert_without_a_recipient_is_given_up_at_last(channel) -> None:
    watch.channel_notice(channel, ChannelNotice("degraded", "odd"))
    publish_events()
    alert = StaffAlert.objects.get()
    StaffAlert.objects.update(attempts=TRIES.tries - 1)
    assert not alert_send(alert.id)
    alert.refresh_from_db()
    assert (alert.status, alert.error) == ("failed", "nobody_to_mail")


def test_attempts_show_what_was_refused(channel, twin) -> None:
    made = lane(channel, "one")
    twin.faults.order("refuse_token")
    deliver(made.id)
    [attempt] = DeliveryAttempt.objects.all()
    assert (attempt.outcome, attempt.code) == ("config", "190")


# -------------------------------------------------------------------------------- REST


def test_health_by_rest(channel, api) -> None:
    watch.channel_notice(channel, ChannelNotice("degraded", "Quality is low."))
    client = api(channel.tenant, "channels:read", "channels:write")
    address = f"/api/v2/channels/{channel.id}/health"
    report = client.data_of(client.get(address))
    assert (report["state"], report["reason"], len(report["incidents"])) == ("degraded", "Quality is low.", 1)
    assert report["problems"][0]["remedy"]
    assert client.data_of(client.post(address))["state"] == "healthy"


def test_another_tenants_channel_has_no_health_here(channel, other_tenant, api) -> None:
    client = api(other_tenant)
    answer = client.get(f"/api/v2/channels/{channel.id}/health")
    assert (answer.status_code, client.error_of(answer)["code"]) == (404, "channel_not_found")
    readonly = api(channel.tenant, "channels:read")
    assert readonly.post(f"/api/v2/channels/{channel.id}/health").status_code == 403
