"""What the assistant does for staff takes the same permissions by REST and in the console, and never reading alone (AI-10, TEN-4)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from assistant import engines
from assistant.engines import models_changed
from assistant.evaluations.models import EvaluationCase
from assistant.models import Intent, KnowledgeEntry, LanguageModel, Provider
from assistant.port import EngineReply
from assistant.prompts.models import SystemPrompt
from assistant.tools.models import Tool
from channels_app.content.types import text
from conversations.models import Message
from tenants.access.permissions import PERMISSIONS, declared
from tenants.scope import tenant_scope
from tests.admin.conftest import World, rows, url
from tests.tenants.access.test_permissions import OPERATIONS

pytestmark = pytest.mark.django_db
WRITES = ("conversations:write", "messages:send", "messages:write", "intents:write", "models:write")
ASKS, PROPOSES = {"conversations:write"}, {"conversations:write", "messages:send"}
KEEPS, PAYS = {"intents:write"}, {"models:write"}

#: deed → what it takes beside reading, and the address of REST and of the console, each with its body. The rows of ``at``
DEEDS: dict[str, tuple[set[str], Callable[[dict[str, str]], tuple[str, Any, str, Any]]]] = {
    "set of what answers": (KEEPS, lambda at: ("evaluations", {}, at["asked"], {"set": "main", "engine": "current"})),
    "set of builtin": (
        KEEPS, lambda at: ("evaluations", {"engine": "builtin"}, at["asked"], {"set": "main", "engine": "builtin"}),
    ),
    "question": (KEEPS, lambda at: ("evaluations", {"against": ["builtin"]}, f"{at['case']}do/run/", {})),
    "set of a model": (
        PAYS, lambda at: ("evaluations", {"engine": at["named"]}, at["asked"], {"set": "main", "engine": at["named"]}),
    ),
    "model beside": (
        PAYS, lambda at: ("evaluations", {"engine": at["named"], "against": ["current"]}, f"{at['model_page']}compare/",
                          {"set": "main", "against": "current"}),
    ),
    "prompt beside": (
        PAYS, lambda at: ("evaluations", {"against": ["prompt:1"]}, f"{at['prompt_page']}compare/", {"set": "main", "against": "current"}),
    ),
    "another answer": (
        ASKS, lambda at: (f"chat/messages/{at['answer']}/compare", {"engines": [at["named"]]}, at["why"], {"engines": [at["named"]]}),
    ),
    "answer again": ({"messages:write"}, lambda at: (f"chat/messages/{at['answer']}/regenerate", {}, at["why"], {"again": "1"})),
    "proposal": (PROPOSES, lambda at: (f"chat/conversations/{at['talk']}/proposal", None, f"{at['talk_page']}propose/", {})),
    "translation": (
        ASKS, lambda at: (f"chat/messages/{at['words']}/translation", {"language": "de"}, f"{at['talk_page']}translate/",
                          json.dumps({"seqs": [1], "language": "de"})),
    ),
    "reply translated": (
        PROPOSES, lambda at: (f"chat/conversations/{at['talk']}/reply-translation", {"text": "It comes."},
                              f"{at['talk_page']}translate_reply/", json.dumps({"text": "It comes."})),
    ),
    "judgement": (
        ASKS, lambda at: (f"PUT chat/messages/{at['answer']}/judgement", {"good": True}, f"{at['talk_page']}judge/", {"seq": "2", "good": "1"}),
    ),
    "model tried": (
        PAYS, lambda at: (f"models/{at['model']}/test", {"text": "Hi"}, f"{at['model_page']}try/", {"text": "Hi", "max_tokens": "20"}),
    ),
    "model tested": (PAYS, lambda at: (f"models/{at['model']}/test", {"text": "Hi"}, f"{at['model_page']}do/test/", {})),
    "provider tested": (PAYS, lambda at: (f"providers/{at['provider']}/test", None, f"{at['provider_page']}do/test/", {})),
    "tool tried": (PAYS, lambda at: (f"tools/{at['tool']}/try", {"arguments": {}}, f"{at['tool_page']}try/", {"arguments": "{}"})),
    "tools offered": (
        PAYS, lambda at: ("tools/offered", {"url": "https://127.0.0.1:9/"}, reverse("admin:assistant_tool_offered"),
                          {"url": "https://127.0.0.1:9/"}),
    ),
    "prompt activated": (PAYS, lambda at: (f"prompts/{at['prompt']}/activate", None, f"{at['prompt_page']}do/activate/", {})),
    "training": (KEEPS, lambda at: ("intents/trainings", {}, f"{at['intent_page']}do/train/", {})),
    "article checked": (KEEPS, lambda at: (f"knowledge/{at['article']}/check", None, f"{at['article_page']}do/checked/", {})),
}  # fmt: skip

#: what is reckoned here, in milliseconds; and what takes more by whom it names (above)
READ_ALONE = {"api/v2/intents/classify", "api/v2/prompts/preview", "api/v2/evaluations"}
#: what has a page in the console → addresses of its rows
ROWS = {
    Intent: ("intents", "intents/<uuid:intent_id>"),
    KnowledgeEntry: ("knowledge", "knowledge/<uuid:article_id>"),
    EvaluationCase: ("evaluation-cases", "evaluation-cases/<uuid:case_id>"),
    Provider: ("providers", "providers/<uuid:provider_id>"),
    LanguageModel: ("models", "models/<uuid:model_id>"),
    SystemPrompt: ("prompts",),
    Tool: ("tools", "tools/<uuid:tool_id>"),
}  # fmt: skip


class Engine:
    """Says the same to all, in the place of what would be paid for."""

    name = "test"

    def respond(self, request: Any) -> EngineReply:
        return EngineReply(contents=(text("Within 30 days."),))


@pytest.fixture
def at(acme: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """Ids and addresses of rows of one tenant; its provider is nowhere."""
    monkeypatch.setattr(engines, "_by_model", lambda *given, **options: Engine())
    monkeypatch.setattr(engines, "engine_for", lambda settings: Engine())
    own = acme.tenant
    rows(Provider).filter(tenant=own).update(kind="compatible", base_url="http://127.0.0.1:9/v1", key="")
    rows(Tool).filter(tenant=own).update(
        url="https://127.0.0.1:9/", secret="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwK1fTq0mFa2c="
    )
    rows(EvaluationCase).filter(tenant=own).update(name="main")
    models_changed(own.id)
    said = {row.role: row for row in rows(Message).filter(conversation=acme.conversation)}
    rows(Message).filter(pk=said["bot"].pk).update(reply_to=said["visitor"].pk)
    named = {
        "case": EvaluationCase, "model": LanguageModel, "provider": Provider, "prompt": SystemPrompt, "tool": Tool,
        "intent": Intent, "article": KnowledgeEntry,
    }  # fmt: skip
    found = {word: rows(kind).filter(tenant=own).first() for word, kind in named.items()}
    pages = {
        f"{word}_page": url(kind, "change", found[word].pk).removesuffix("change/") for word, kind in named.items()
    }
    talk = reverse("admin:conversations_conversation_why", args=[acme.conversation.pk])
    yield {
        **{word: str(row.pk) for word, row in found.items()}, **pages, "case": pages["case_page"],
        "named": f"model:{found['model'].provider.name}/{found['model'].name}", "talk": str(acme.conversation.pk),
        "words": str(said["visitor"].pk), "answer": str(said["bot"].pk), "why": f"{talk}?seq={said['bot'].seq}",
        "talk_page": talk.removesuffix("why/"), "asked": reverse("admin:assistant_evaluationcase_asked"),
    }  # fmt: skip
    models_changed(own.id)


def is_refused(answer: Any) -> bool:
    form = (getattr(answer, "context", None) or {}).get("form")
    return answer.status_code == 403 or bool(form is not None and {"engine"} & set(form.errors))


@pytest.mark.parametrize("deed", DEEDS)
def test_what_it_takes_is_the_same_both_ways(
    deed: str, at: dict[str, str], acme: World, api: Any, staff_of: Any
) -> None:
    needed, addresses = DEEDS[deed]
    rest, body, page, data = addresses(at)
    method, _, address = rest.rpartition(" ")
    asked: dict[str, tuple[bool, bool]] = {}
    for lacks in (*WRITES, ""):
        held = tuple(sorted(PERMISSIONS.keys() - {lacks}))
        with tenant_scope(acme.tenant.id):
            by_rest = getattr(api(acme.tenant, *held), (method or "POST").lower())(f"/api/v2/{address}", body)
        kind = {"content_type": "application/json"} if isinstance(data, str) else {}
        client: Client = staff_of(acme.tenant, held)
        asked[lacks] = is_refused(by_rest), is_refused(client.post(page, data, **kind))
    assert asked == {lacks: (lacks in needed, lacks in needed) for lacks in (*WRITES, "")}


def test_rows_are_changed_by_the_same() -> None:
    views = {address: cls for address, _, cls, _ in (case.values for case in OPERATIONS)}
    for kind, addresses in ROWS.items():
        writes = (f"{admin.site.get_model_admin(kind).resource}:write",)
        for address in addresses:
            view = views[f"api/v2/{address}"]
            methods = [one for one in ("POST", "PATCH", "DELETE") if hasattr(view, one.lower())]
            assert {one: declared(view, one) for one in methods} == dict.fromkeys(methods, writes), address


def test_reading_alone_asks_no_one() -> None:
    """Of the rooms whose operations may be paid for."""
    rooms, reads = ("assistant.", "messaging.api.assist."), set()
    for address, _, cls, method in (case.values for case in OPERATIONS):
        if method != "GET" and cls.__module__.startswith(rooms):
            reads |= {address} if all(name.endswith(":read") for name in declared(cls, method)) else set()
    assert reads == READ_ALONE
