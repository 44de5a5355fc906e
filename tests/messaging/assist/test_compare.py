"""One message, several models and prompts: each is asked alone, and nothing is sent (AI-10)."""

from __future__ import annotations

import pytest

from assistant.engines import models_changed
from assistant.evaluations.models import EvaluationCase
from assistant.llm.providers.ready import sdks_load
from assistant.models import ModelUse
from assistant.prompts.models import SystemPrompt
from channels_app.twin import server as twins
from conversations.models import Conversation, Message
from tests.assistant.llm import model, provider, reachable
from tests.factories import ChannelFactory, ConversationFactory, IdentityFactory, MessageFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def twin(tenant, scope):
    with twins.start() as twin, reachable(twin):
        server = provider(tenant, twin)
        model(server, "first", rank=1)
        model(server, "second", rank=2)
        SystemPrompt.objects.create(tenant=tenant, version=1, text="You are Ada of the shop.")
        models_changed(tenant.id)
        sdks_load()  # as processes do that answer: the first question has no time for it
        yield twin
    models_changed(tenant.id)


@pytest.fixture
def said(scope) -> Message:
    channel = ChannelFactory(tenant=scope)
    talk = ConversationFactory(tenant=scope, channel=channel, identity=IdentityFactory(tenant=scope, channel=channel))
    words = "Do your boots fit wide feet?"
    MessageFactory(tenant=scope, conversation=talk, role="visitor", direction="inbound", text=words,
                   content={"type": "text", "text": words})  # fmt: skip
    return Message.objects.get(conversation=Conversation.objects.get())


def test_models_and_prompts_are_compared_each_alone(twin, said, tenant, api) -> None:
    twin.llm.say("Most of them do.", times=2)
    client, where = api(tenant), f"/api/v2/chat/messages/{said.id}/compare"
    told = client.data_of(client.post(where, {"engines": ["model:second", "prompt:1", "builtin"]}))["answers"]
    assert [(one["engine"], one["model"].rpartition("/")[2]) for one in told] == [
        ("model:second", "second"), ("prompt:1", "first"), ("builtin", ""),
    ]  # fmt: skip
    assert [one["text"] for one in told[:2]] == ["Most of them do."] * 2
    assert {use.model.rpartition("/")[2]: use.questions for use in ModelUse.objects.all()} == {"second": 1, "first": 1}
    assert told[1]["why"]["prompt"]["version"] == 1
    assert Message.objects.count() == 1


def test_the_model_that_is_named_has_no_stand_in(twin, said, tenant, api) -> None:
    twin.faults.order("500", times=None)
    client = api(tenant)
    told = client.data_of(client.post(f"/api/v2/chat/messages/{said.id}/compare", {"engines": ["model:second"]}))
    assert told["answers"][0]["degraded"].startswith("llm_")


@pytest.mark.parametrize("name", ["model:third", "prompt:2"])
def test_an_engine_that_is_not_there_is_refused_before_any_is_asked(name, twin, said, tenant, api) -> None:
    client = api(tenant)
    refused = client.post(f"/api/v2/chat/messages/{said.id}/compare", {"engines": ["current", name]})
    assert (refused.status_code, client.error_of(refused)["code"]) == (404, "engine_not_found")
    EvaluationCase.objects.create(tenant=tenant, name="main", question="Do your boots fit?", facts=["boots"])
    refused = client.post("/api/v2/evaluations", {"set": "main", "against": [name]})
    assert (refused.status_code, client.error_of(refused)["code"]) == (404, "engine_not_found")
    assert not ModelUse.objects.exists()
