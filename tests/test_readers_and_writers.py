"""Every setting, variable, permission, event, state and option has a reader and a writer (PRIV-4, TEN-2, OPS-2).

What another issue builds stands on a list with its name; a line that is not true any more fails, too, so that
the lists shrink. Sources are read as text: what counts is that the code names the thing where it is used.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.db import models

from channels_app.adapters.web import WebConfig
from chatsvc import env
from chatsvc.env.example import example
from conversations import timeline
from messaging.integrators.endpoints import event_types_check
from messaging.webchat.views import WidgetConfig
from tenants.access.permissions import PERMISSIONS
from tenants.errors import Invalid
from tenants.tenant_settings import AWAITED, Alerts, Features, LlmBudget, SafetyRules, TenantSettings, settings_check

ROOT = Path(__file__).resolve().parents[1]
APPS = ("assistant", "channels_app", "chatsvc", "conversations", "messaging", "tenants")

#: setting of a tenant → a line of code that obeys it
OBEYED = {
    "second_factor": ("tenants/access/permissions.py", 'settings.get("second_factor")'),
    "languages": ("messaging/turns/request.py", ".languages"),
    "region": ("conversations/messages.py", "rules.region"),
    "safety": ("conversations/messages.py", "rules.safety"),
    "allowed_models": ("assistant/llm/providers/offers.py", ".allowed_models"),
    "default_model": ("assistant/llm/ask.py", ".default_model"),
    "knowledge_days": ("assistant/knowledge/articles.py", "knowledge_days"),
    "llm_budget": ("assistant/llm/budget.py", ".llm_budget"),
    "bot_name": ("messaging/webchat/views.py", "tenant.bot_name"),
    "agent_names": ("tenants/staff.py", ".agent_names"),
    "greeting": ("messaging/webchat/views.py", "tenant.greeting"),
    "fallback_reply": ("messaging/context/wording.py", ".fallback_reply"),
    "fallback_replies": ("messaging/context/wording.py", ".fallback_replies"),
    "features": ("messaging/rules/control.py", ".features.assistant"),
    "stop_reply": ("messaging/consent/steps.py", '"stop_reply"'),
    "help_reply": ("messaging/consent/steps.py", '"help_reply"'),
    "rate_limit": ("tenants/access/limits.py", "chosen.rate_limit"),
    "burst_limit": ("tenants/access/limits.py", "chosen.burst_limit"),
    "user_rate_limit": ("tenants/access/limits.py", "chosen.user_rate_limit"),
    "user_burst_limit": ("tenants/access/limits.py", "chosen.user_burst_limit"),
    "assistant": ("assistant/builtin/engine.py", '"assistant"'),
    "flows": ("messaging/context/flows.py", ".flows"),
    "default_flow": ("messaging/context/flows.py", ".default_flow"),
    "event_words": ("conversations/messages.py", ".event_words"),
    "csat_enabled": ("messaging/rating/asked.py", ".csat_enabled"),
    "csat_channels": ("messaging/rating/asked.py", ".csat_channels"),
    "alerts": ("messaging/outbox/alerts.py", ".alerts"),
    "business_hours": ("channels_app/hours.py", ".hours_of"),
    "business_hours_of": ("channels_app/hours.py", ".hours_of"),
    "out_of_hours_reply": ("messaging/context/hours.py", ".out_of_hours_reply"),
    "out_of_hours_replies": ("messaging/context/hours.py", ".out_of_hours_replies"),
    "expected_reply_minutes": ("messaging/context/hours.py", ".expected_reply_minutes"),
    "assignment": ("messaging/agents/rule.py", ".assignment"),
    "queue_told_on": ("messaging/hours/told.py", ".queue_told_on"),
    "retention_days": ("messaging/privacy/retention.py", ".retention_days"),
    "legal_hold": ("messaging/privacy/retention.py", ".legal_hold"),
    "first_response_minutes": ("messaging/hours/late.py", ".first_response_minutes"),
    "system_prompt": ("assistant/engines.py", '"system_prompt"'),
    "provider_mask": ("assistant/engines.py", '"provider_mask"'),
    "prompt_tokens": ("assistant/engines.py", '"prompt_tokens"'),
}
#: permission → what will ask for it
PERMISSIONS_AWAITED: dict[str, str] = {}
#: state of a row that nothing sets, by what will
STATES_AWAITED: dict[str, str] = {}


@cache
def sources() -> dict[str, str]:
    """The code of the apps by path, without migrations and what is generated."""
    files = [path for app in APPS for path in (ROOT / app).rglob("*.py")]
    kept = (path for path in files if not {"migrations", "grpc_gen"} & set(path.parts))
    return {str(path.relative_to(ROOT)): path.read_text() for path in kept}


def named(pattern: str, *, outside: tuple[str, ...] = (), within: str = "") -> list[str]:
    """The files in which ``pattern`` occurs, save for those and folders where it is declared or shown as an example.

    ``within``: a part of all that it matches; files without it are passed over quickly.
    """
    found = ((path, code) for path, code in sources().items() if within in code and not path.startswith(outside))
    return [path for path, code in found if re.search(pattern, code)]


# ------------------------------------------------------------------------------ settings


def test_every_setting_of_a_tenant_is_obeyed_or_awaited():
    assert set(TenantSettings.model_fields) == OBEYED.keys() | AWAITED.keys()
    assert not OBEYED.keys() & AWAITED.keys()


@pytest.mark.parametrize("name", OBEYED)
def test_the_line_that_obeys_is_there(name):
    path, line = OBEYED[name]
    assert re.search(re.escape(line) + r"(?!\w)", sources()[path])


@pytest.mark.parametrize(
    "name", [*SafetyRules.model_fields, *Alerts.model_fields, *Features.model_fields, *LlmBudget.model_fields]
)
def test_every_part_of_a_setting_is_read(name):
    assert named(
        rf"\.{name}\b|\bself\.{name}\b|{PARTS.get(name, '(?!)')}",
        outside=("tenants/tenant_settings/",),
        within="" if name in PARTS else name,
    )


PARTS = dict.fromkeys(("silent_after_hours", "silent_after_hours_of"), r"\.silence_h\(")


GIVEN: dict[str, Any] = {
    "engine": "own",
}


@pytest.mark.parametrize("name", AWAITED)
def test_a_setting_that_nothing_obeys_is_refused(name):
    with pytest.raises(Invalid) as caught:
        settings_check({"bot_name": "Ada", name: GIVEN[name]})
    [told] = caught.value.details
    assert (caught.value.code, told["field"], told["code"]) == ("invalid_settings", name, "not_obeyed_yet")
    assert AWAITED[name] in told["message"]


def test_defaults_and_what_is_obeyed_are_stored():
    given = {"bot_name": "Ada", "languages": ["de"], "legal_hold": False, "features": {}, "retention_days": None}
    assert settings_check(given).bot_name == "Ada"


# ----------------------------------------------------------------------------- variables


@pytest.mark.parametrize("name", env.VARIABLES)
def test_every_variable_of_the_environment_is_read(name):
    assert named(
        rf"\b{name}\b|{PREFIXED.get(name, '(?!)')}",
        outside=("chatsvc/env/",),
        within="" if name in PREFIXED else name,
    )


#: read by a name that is put together, or by another name of theirs (env.ALSO)
PREFIXED = {
    "SERVICE_PORT": r'ENV\["PORT"\]',
    **{f"MEDIA_S3_{part.upper()}": rf'MEDIA_S3_\{{name.*"{part}"' for part in ("region", "access_key", "secret_key")},
}


@pytest.mark.parametrize("name", env.AWAITED)
def test_a_variable_that_nothing_obeys_is_refused(name, tmp_path):
    with pytest.raises(env.BadSettings, match=f"{name} is not obeyed yet"):
        env.read({name: "1"}, tmp_path)
    assert env.read({name: ""}, tmp_path)
    assert name not in example()
    assert not named(rf"\b{name}\b", outside=("chatsvc/env/",), within=name)


# --------------------------------------------------------------------------- permissions


def console_permissions() -> set[str]:
    admin.autodiscover()
    pages = [page for page in admin.site._registry.values() if hasattr(page, "resource")]
    return {f"{page.resource}:{deed}" for page in pages for deed in ("read", "write")}


def asked_for(name: str) -> bool:
    return name in console_permissions() or bool(
        named(f'"{name}"', outside=("tenants/access/permissions.py",), within=name)
    )


@pytest.mark.parametrize("name", PERMISSIONS)
def test_every_permission_guards_something_or_is_awaited(name):
    assert asked_for(name) != (name in PERMISSIONS_AWAITED)


# -------------------------------------------------------------------------------- events

SHOWN = ("conversations/timeline.py", "conversations/event_schemas/", "messaging/kafka/asyncapi.py")


@pytest.mark.parametrize("name", timeline.VERSIONS)
def test_every_event_is_written_or_awaited(name):
    written = named(rf'"{re.escape(name)}"', outside=(*SHOWN, "messaging/integrators/views.py"), within=name)
    by_part = {"chat.message.": r'f"chat\.message\.\{', "chat.contact.": r'f"chat\.contact\.\{'}
    made = [path for start, pattern in by_part.items() for path in named(pattern) if name.startswith(start)]
    assert bool(written or made) != (name in timeline.AWAITED)


@pytest.mark.parametrize("name", timeline.AWAITED)
def test_no_integrator_can_wait_for_an_event_that_nothing_writes(name):
    with pytest.raises(Invalid, match="Choose among"):
        event_types_check([name])
    event_types_check(["*"])


# -------------------------------------------------------------------------------- states


#: state → how it is set where its name is not spelled out
OTHERWISE = {
    "messaging.Delivery.Status.SENDING": r"RUNNING = Status\.SENDING",  # by the lease
    **{f"conversations.Conversation.Holder.{name}": rf'"?held_by"?[=:] ?Holder\.{name}\b'
       for name in ("BOT", "QUEUE", "STAFF", "OUTSIDE")},
    "tenants.Tenant.Status.SUSPENDED": r'facts = \("name", "slug", "status"',  # by superusers, in a form
    **{f"channels_app.ChannelHealth.State.{name}": rf"\bFinding\(State\.{name}\b" for name in
       ("UNCHECKED", "HEALTHY", "DEGRADED", "CREDENTIAL_REFUSED", "SILENT")},
    # an attempt's outcome is the class of its error
    **{f"messaging.DeliveryAttempt.Outcome.{name.upper()}": rf'outcome\b.*= "{name}"' for name in
       ("retryable", "throttled", "permanent", "unknown", "config")},
    # how a provider is spoken to is said by who sets it up
    "assistant.Provider.MaxTokensField.OLD": r'Literal\["max_completion_tokens", "max_tokens"\]',
    "assistant.Provider.SystemRole.DEVELOPER": r'Literal\["system", "developer"\]',
    **{f"assistant.Provider.JsonMode.{name}": r'Literal\["json_schema", "json_object", "none"\]'
       for name in ("OBJECT", "NONE")},
}  # fmt: skip


def states() -> Iterator[str]:
    """Every member of every choice of a column."""
    for model in apps.get_models():
        own = vars(model).values() if model.__module__.split(".")[0] in APPS else ()
        kinds = (kind for kind in own if isinstance(kind, type) and issubclass(kind, models.TextChoices))
        yield from (f"{model._meta.label}.{kind.__name__}.{member.name}" for kind in kinds for member in kind)


@pytest.mark.parametrize("name", list(states()))
def test_every_state_of_a_row_is_set_somewhere(name):
    spelled = name.split(".", 1)[1]
    written = named(rf"\b{re.escape(spelled)}\b", within=spelled) or named(OTHERWISE.get(name, r"(?!)"))
    assert bool(written) != (name in STATES_AWAITED)


# ------------------------------------------------------------------------------- options


def widget() -> str:
    return "\n".join(path.read_text() for path in sorted((ROOT / "static/widget/src").glob("*.js")))


@pytest.mark.parametrize("name", WidgetConfig.model_fields)
def test_every_option_that_is_sent_is_read_by_the_widget(name):
    assert re.search(rf"\b(?:config|session\.config)\??\.{name}\b|\b{name}\b", widget())


def test_every_option_that_the_widget_reads_is_sent():
    read = set(re.findall(r"\bconfig\??\.([a-z_]+)", widget()))
    assert read <= WidgetConfig.model_fields.keys()


@pytest.mark.parametrize("name", WebConfig.model_fields)
def test_every_option_of_a_web_channel_has_a_reader(name):
    assert named(
        rf"config\.{name}\b|self\.{name}\b|\"{name}\"", outside=("channels_app/adapters/__init__.py",), within=name
    )
