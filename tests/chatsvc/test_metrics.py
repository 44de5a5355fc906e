"""/metrics after a small journey, who may read it, and the dashboard whose every query it must answer."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import promql_parser
import pytest
from django.core.cache import cache
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from assistant.llm.measures import call_count
from assistant.llm.providers.offers import Offer, Server
from channels_app.contract import InboundMessage, SendResult
from channels_app.models import Channel
from chatsvc.observe import row_metrics
from conversations.models import Message
from messaging import accept, deliver, measures, publish, respond
from messaging.models import Delivery, Turn
from tenants.models import Tenant
from tenants.storage.db import new_id, now
from tests.factories import TenantFactory
from tests.messaging.conftest import calls, nothing_learnt, said, web, whatsapp  # noqa: F401  fixtures

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "metrics-token"


@pytest.fixture
def token(settings: Any) -> str:
    settings.ENV = {**settings.ENV, "METRICS_TOKEN": TOKEN, "METRICS_ALLOW": []}
    return TOKEN


@pytest.fixture
def scrape(browser: Client, token: str) -> Callable[[], str]:
    def read() -> str:
        answer = browser.get("/metrics", headers={"authorization": f"Bearer {token}"})
        assert answer.status_code == 200
        return answer.content.decode()

    return read


@pytest.fixture
def journey(
    scope: Tenant,
    whatsapp: Channel,  # noqa: F811
    said: Callable[..., InboundMessage],  # noqa: F811
    browser: Client,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One message in, its reply out at the second try, an engine that counts, a page that is not there."""
    accepted = accept.accept(whatsapp, said("What are your opening hours?", id="wamid.1"))
    accept.accept(whatsapp, said("What are your opening hours?", id="wamid.1"))
    Turn.objects.update(due_at=now())
    respond.respond(Turn.objects.get().id)
    deliver.deliver(accepted.conversation.id)
    monkeypatch.setattr(type(whatsapp.adapter), "send", lambda *_: SendResult("wamid.out"))
    Delivery.objects.update(due_at=now())
    deliver.deliver(accepted.conversation.id)
    publish.publish_events()
    measures.engine_count("llm", 0.7, {"input_tokens": 12, "output_tokens": 5, "cost_usd": 0.01}, degraded=False)
    call_count(Offer(Server("1", "own", "openai", "", ""), "gpt-x"), "answered", 0.7, input_tokens=12, cost_usd=0.01)
    measures.batch_count(3, 1, 0.2)
    measures.lag_show("figures", {("conversation.events.v1", 0): 4}, 1.5)
    measures.CONSUMED.labels("figures", "handled").inc()
    cache.set_many({f"worker-seen:{queue}": 1.0 for queue in ("inbound", "deliver")})
    browser.get("/api/v2/nothing")


def samples(text: str) -> dict[str, list[dict[str, str]]]:
    """Name → the label sets it has."""
    found: dict[str, list[dict[str, str]]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, []).append(sample.labels)
    return found


def value(text: str, name: str, **labels: str) -> float:
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == name and labels.items() <= sample.labels.items():
                return sample.value
    raise AssertionError(f"no {name} with {labels}")


# ------------------------------------------------------------------------------------ the dashboard


def queries() -> dict[str, str]:
    panels = json.loads((ROOT / "deploy" / "grafana" / "chatsvc.json").read_text())["panels"]
    return {
        f"{panel['title']}-{target['refId']}": target["expr"].replace("$__rate_interval", "5m")
        for panel in panels
        for target in panel.get("targets", [])
    }


def selectors(node: Any) -> Iterator[tuple[str, list[Any], set[str]]]:
    """(metric, label matchers, labels grouped by around it) of every selector of a parsed query."""
    match node:
        case promql_parser.VectorSelector():
            yield node.name, list(node.matchers.matchers), set()
        case promql_parser.MatrixSelector():
            yield from selectors(node.vector_selector)
        case promql_parser.AggregateExpr():
            by = set(node.modifier.labels) if node.modifier else set()
            for name, matchers, inner in selectors(node.expr):
                yield name, matchers, inner | by
        case promql_parser.Call():
            for argument in node.args:
                yield from selectors(argument)
        case promql_parser.BinaryExpr():
            yield from selectors(node.lhs)
            yield from selectors(node.rhs)
        case promql_parser.ParenExpr() | promql_parser.UnaryExpr():
            yield from selectors(node.expr)


def test_the_dashboard_asks_for_what_there_is(journey: None, scrape: Callable[[], str]) -> None:
    """One journey for all of its queries: they only look at what was counted."""
    there = samples(scrape())
    faults = []
    for panel, query in queries().items():
        asked = list(selectors(promql_parser.parse(query)))
        faults += [] if asked else [f"{panel} asks for nothing"]
        for name, matchers, grouped in asked:
            labels = set().union(*there.get(name, []))
            wanted = grouped | {matcher.name for matcher in matchers}
            if name not in there or not wanted <= labels:
                faults.append(f"{panel}: {name} has {sorted(labels)}, not {sorted(wanted - labels)}")
    assert faults == []


# ---------------------------------------------------------------------------------------- measures


def test_a_journey_is_counted(journey: None, scrape: Callable[[], str]) -> None:
    text = scrape()
    there = samples(text)
    assert {labels["stage"] for labels in there["chatsvc_stage_seconds_count"]} == {
        "accept", "respond", "deliver", "publish",
    }  # fmt: skip
    assert value(text, "chatsvc_messages_total", kind="whatsapp", repeated="false") >= 1
    assert value(text, "chatsvc_messages_total", kind="whatsapp", repeated="true") >= 1
    assert value(text, "chatsvc_deliveries_total", kind="whatsapp", outcome="retryable") >= 1
    assert value(text, "chatsvc_engine_cost_usd_total", engine="llm") >= 0.01
    assert value(text, "chatsvc_http_requests_total", route="none", status="404", method="GET") >= 1
    assert value(text, "chatsvc_tenant_last_hour", tenant="acme", what="messages_inbound") == 1


def test_business_of_today_is_measured(journey: None, scrape: Callable[[], str]) -> None:
    text = scrape()
    told = {
        labels["what"]: value(text, "chatsvc_tenant_today", **labels)
        for labels in samples(text)["chatsvc_tenant_today"]
    }
    assert (told["started"], told["received"], told["sent_by_bot"], told["ratings"]) == (1, 1, 1, 0)
    assert value(text, "chatsvc_tenant_today_seconds", tenant="acme", what="first_answer", quantile="0.9") >= 0


def test_age_counts_from_when_a_row_was_due(
    scope: Tenant,
    whatsapp: Channel,  # noqa: F811
    said: Callable[..., InboundMessage],  # noqa: F811
    scrape: Callable[[], str],
    time_machine: Any,
) -> None:
    accept.accept(whatsapp, said("Hello there", id="wamid.1"))
    due = Turn.objects.get().due_at
    time_machine.move_to(due.timestamp() + 90, tick=False)
    text = scrape()
    assert value(text, "chatsvc_queue_age_seconds", queue="respond") == pytest.approx(90, abs=0.01)
    assert value(text, "chatsvc_queue_rows", queue="respond") == 1
    assert value(text, "chatsvc_queue_age_seconds", queue="deliver") == 0
    assert value(text, "chatsvc_outbox_age_seconds", outbox="published") >= 90


def test_only_the_busiest_tenants_have_a_name(monkeypatch: pytest.MonkeyPatch, db: None) -> None:
    monkeypatch.setattr(row_metrics, "MOST_TENANTS", 2)
    ids = [TenantFactory(slug=f"shop-{number}").id for number in range(4)]
    named = row_metrics._named({(tenant_id, "conversations"): number + 1 for number, tenant_id in enumerate(ids)})
    assert named == {("shop-3", "conversations"): 4, ("shop-2", "conversations"): 3, ("other", "conversations"): 3}


def test_an_hour_is_a_range_of_ids() -> None:
    assert row_metrics.first_id_at(now()) <= new_id()
    assert new_id() < row_metrics.first_id_at(now().replace(year=now().year + 1))


# ------------------------------------------------------------------------------------ who may read


@pytest.mark.parametrize("path", ["/metrics", "/api/v2/health/metrics", "/health/detailed"])
@pytest.mark.parametrize(
    ("given", "allow", "address", "status"),
    [
        pytest.param("", [], "127.0.0.1", 403, id="no-token"),
        pytest.param("Bearer wrong", [], "127.0.0.1", 403, id="wrong-token"),
        pytest.param("Bearer ", [], "127.0.0.1", 403, id="empty-token"),
        pytest.param(f"Bearer {TOKEN}", [], "203.0.113.9", 200, id="token"),
        pytest.param("", ["10.0.0.0/8"], "10.1.2.3", 200, id="allowed-address"),
        pytest.param("", ["10.0.0.0/8"], "203.0.113.9", 403, id="other-address"),
    ],
)
def test_who_may_read(
    browser: Client, settings: Any, path: str, given: str, allow: list[str], address: str, status: int
) -> None:
    settings.ENV = {**settings.ENV, "METRICS_TOKEN": TOKEN, "METRICS_ALLOW": allow}
    answer = browser.get(path, headers={"authorization": given}, REMOTE_ADDR=address)
    assert answer.status_code == status


@pytest.mark.parametrize(("production", "status"), [(False, 200), (True, 403)])
def test_without_settings_only_a_laptop_shows_its_measures(
    browser: Client, settings: Any, production: bool, status: int
) -> None:
    settings.ENV = {**settings.ENV, "METRICS_TOKEN": "", "METRICS_ALLOW": []}
    settings.PRODUCTION = production
    assert browser.get("/metrics").status_code == status
    assert browser.get("/metrics", REMOTE_ADDR="203.0.113.9").status_code == 403


# ------------------------------------------------------------------------------- several processes


COUNT = """
import sys
from messaging.measures import MESSAGES, SOCKETS
MESSAGES.labels("web", "false").inc(int(sys.argv[1]))
SOCKETS.set(int(sys.argv[1]))
"""
SHOW = """
import django; django.setup()
from chatsvc.observe.metrics import exposition
print(exposition(rows=False).decode())
"""


def test_processes_are_counted_together(tmp_path: Path) -> None:
    environ = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path), "DJANGO_SETTINGS_MODULE": "chatsvc.settings"}
    for number in ("3", "4"):
        subprocess.run([sys.executable, "-c", COUNT, number], env=environ, cwd=ROOT, check=True)
    shown = subprocess.run(
        [sys.executable, "-c", SHOW], env=environ, cwd=ROOT, check=True, capture_output=True, text=True
    )
    assert value(shown.stdout, "chatsvc_messages_total", kind="web", repeated="false") == 7


def test_message_is_not_in_the_measures(journey: None, scrape: Callable[[], str]) -> None:
    text = scrape()
    assert "opening" not in text
    assert "+4915112345678" not in text
    assert str(Message.objects.first().conversation_id) not in text
