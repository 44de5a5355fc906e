"""What a day may cost a tenant, and what it has cost (AI-5, SEC-4)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from assistant.llm import budget
from assistant.llm.ask import chat
from assistant.llm.chat import ChatError
from assistant.llm.faults import ProviderFault
from assistant.llm.providers.offers import Offer, Server
from assistant.models import ModelBudget, ModelUse
from channels_app.twin import server as twins
from conversations.models import Event
from messaging.models import StaffAlert
from messaging.publish import publish_events
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tenants.tenant_settings import invalidate
from tests.assistant.llm import model, provider, question, reachable

REACHED = "chat.system.budget_reached"


@pytest.fixture
def twin(monkeypatch):
    monkeypatch.setattr("assistant.llm.ask.time.sleep", lambda seconds: None)
    with twins.start() as twin, reachable(twin):
        yield twin


@pytest.fixture
def limits(tenant):
    """Sets the tenant's limits."""

    def set_to(**limits: float) -> None:
        Tenant.objects.filter(id=tenant.id).update(settings={"llm_budget": limits})
        invalidate(tenant.id)

    yield set_to
    invalidate(tenant.id)


def stops() -> list[str]:
    return [event.payload["stop"] for event in Event.objects.filter(type=REACHED).order_by("id")]


@pytest.mark.django_db
def test_what_a_day_took_is_counted_by_model(twin, tenant, other_tenant, scope) -> None:
    model(provider(tenant, twin), input_usd=1_000, output_usd=10_000)
    twin.llm.say("It comes tomorrow.", times=2)
    chat(question(), purpose="answer")
    chat(question(), purpose="summary", stream=lambda piece: None)
    use = ModelUse.objects.get()
    assert (use.model, use.questions, use.failures) == ("openai/gpt-twin", 2, 0)
    assert (use.input_tokens, use.output_tokens, use.cost_micros) == (12, 6, 12 * 1_000 + 6 * 10_000)
    assert ModelBudget.objects.get().spent_micros == use.cost_micros
    with tenant_scope(other_tenant.id):
        assert not ModelUse.objects.exists() and not ModelBudget.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("limit", "price", "written"), [({}, 1_000, False), ({"hard_usd": 5.0}, 0, False), ({"hard_usd": 5.0}, 1_000, True)]
)
def test_nothing_is_written_before_a_model_is_asked_where_no_limit_can_be_passed(
    tenant, scope, limits, limit, price, written
) -> None:
    """On SQLite each first word waited for the one writer."""
    limits(**limit)
    offer = Offer(
        Server("openai", "own", "openai", "http://llm.example", "sk"), "gpt", input_usd=price, output_usd=price
    )
    held = budget.reserve(offer, question())
    assert (held.micros > 0, ModelBudget.objects.exists()) == (written, written)


@pytest.mark.django_db
def test_refusals_cost_nothing_and_what_broke_off_does(twin, tenant, scope) -> None:
    model(provider(tenant, twin), input_usd=1_000, output_usd=10_000)
    twin.faults.order("refuse_token")
    with pytest.raises(ChatError):
        chat(question(), purpose="answer")
    assert ModelBudget.objects.get().spent_micros == 0
    twin.faults.order("cut")
    twin.llm.say("It comes tomorrow.")
    with pytest.raises(ChatError, match="llm_cut"):
        chat(question(), purpose="answer", stream=lambda piece: None)
    use = ModelUse.objects.get()
    assert (use.failures, use.cost_micros) == (2, ModelBudget.objects.get().spent_micros)
    assert use.input_tokens > 0 and use.output_tokens > 0


@pytest.mark.django_db
def test_the_hard_stop_comes_before_the_money_is_spent(twin, tenant, scope, limits) -> None:
    limits(hard_usd=1)
    model(provider(tenant, twin), output_usd=10_000)
    with pytest.raises(ChatError, match="budget_exceeded"):
        chat(question(max_tokens=200), purpose="answer")
    assert (list(twin.requests), stops()) == ([], ["hard"])
    assert chat(question(max_tokens=50), purpose="answer").text
    assert ModelBudget.objects.get().spent_micros < 1_000_000
    with pytest.raises(ChatError, match="budget_exceeded"):
        chat(question(max_tokens=200), purpose="answer")
    assert stops() == ["hard"]


@pytest.mark.django_db
def test_a_model_that_costs_nothing_goes_on_answering(twin, tenant, scope, limits) -> None:
    limits(hard_usd=0)
    own = provider(tenant, twin)
    model(own, "dear", rank=1)
    model(own, "own", rank=2, input_usd=0, output_usd=0)
    assert chat(question(), purpose="answer").model == "openai/own"


@pytest.mark.django_db
def test_it_does_so_behind_however_many_that_cannot_be_paid(twin, tenant, scope, limits) -> None:
    """Four that the money refuses are none that a person waits for."""
    limits(hard_usd=0)
    own = provider(tenant, twin)
    for number in range(5):
        model(own, f"dear-{number}", rank=1)
    model(own, "own", rank=2, input_usd=0, output_usd=0)
    found = chat(question(), purpose="answer")
    assert found.model == "openai/own" and [one.code for one in found.failed] == ["budget_exceeded"] * 5


@pytest.mark.django_db
def test_a_person_waits_for_four_models_at_most(twin, tenant, scope) -> None:
    own = provider(tenant, twin)
    for number in range(9):
        model(own, f"gpt-{number}")
    twin.llm.models = ("another",)
    with pytest.raises(ChatError, match="llm_model_unknown") as caught:
        chat(question(), purpose="answer")
    assert len(twin.requests) == len(caught.value.failed) == 4


@pytest.mark.django_db
def test_from_the_soft_stop_on_the_cheapest_is_asked_and_staff_are_told_once(twin, tenant, scope, limits) -> None:
    limits(soft_usd=0.005)
    own = provider(tenant, twin)
    model(own, "dear", rank=1, output_usd=10_000)
    model(own, "cheap", rank=2)
    assert [chat(question(), purpose="answer").model for _ in range(3)] == [
        "openai/dear",
        "openai/cheap",
        "openai/cheap",
    ]
    assert stops() == ["soft"]


@pytest.mark.django_db(transaction=True)
def test_the_alert_travels_as_others_do(scope, limits) -> None:
    limits(hard_usd=0)
    offer = Offer(Server("1", "house", "openai", "https://llm.example.com/v1", ""), "m", output_usd=1)
    with pytest.raises(ProviderFault, match="budget_exceeded"):
        budget.reserve(offer, question())
    publish_events()
    assert set(StaffAlert.objects.values_list("subject", flat=True)) == {"Language models are not asked any more today"}


@pytest.mark.django_db(transaction=True)
def test_many_at_once_never_pass_the_limit(tenant, limits) -> None:
    """Each sets aside more than a tenth of the day's money."""
    limits(hard_usd=1)
    offer = Offer(Server("1", "house", "openai", "https://llm.example.com/v1", ""), "m", output_usd=1_000)
    asked = question(max_tokens=110)

    def one(_: int) -> bool:
        try:
            with tenant_scope(tenant.id):
                budget.reserve(offer, asked)
        except ProviderFault:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(6) as crew:
        assert sum(crew.map(one, range(18))) == 9
    with tenant_scope(tenant.id):
        assert ModelBudget.objects.get().spent_micros == 9 * 110_000


@pytest.mark.django_db
def test_a_new_day_begins_with_nothing(scope, limits, monkeypatch) -> None:
    limits(hard_usd=1)
    offer = Offer(Server("1", "house", "openai", "https://llm.example.com/v1", ""), "m", output_usd=1_000)
    asked, day = question(max_tokens=900), budget.today()
    budget.reserve(offer, asked)
    with pytest.raises(ProviderFault):
        budget.reserve(offer, asked)
    monkeypatch.setattr(budget, "today", lambda: day.replace(year=day.year + 1))
    assert budget.reserve(offer, asked).micros == 900_000


@pytest.mark.django_db
def test_a_question_belongs_to_the_day_on_which_it_was_asked(scope, limits, monkeypatch) -> None:
    """Midnight gives back nothing of the new day, and takes nothing from it."""
    limits(hard_usd=1)
    offer = Offer(Server("1", "house", "openai", "https://llm.example.com/v1", ""), "m", output_usd=1_000)
    asked, day = question(max_tokens=900), budget.today()
    held = budget.reserve(offer, asked)
    monkeypatch.setattr(budget, "today", lambda: day.replace(year=day.year + 1))
    later = budget.reserve(offer, asked)
    budget.settle_failed(held, asked, "llm_refused", "")
    spent = dict(ModelBudget.objects.values_list("day", "spent_micros"))
    assert spent == {held.day: 0, later.day: 900_000} and held.day == day
    assert ModelUse.objects.get().day == day


@pytest.mark.django_db
def test_each_try_that_was_answered_is_paid(twin, tenant, scope) -> None:
    """A provider is paid for what it wrote, whether it makes sense to us or not."""
    model(provider(tenant, twin), output_usd=1000)
    twin.llm.say("This is no JSON at all, and yet it has been written.", times=2)
    twin.llm.say('{"text": "x"}')
    found = chat(question(schema={"type": "object"}), purpose="summary")
    [use] = ModelUse.objects.all()
    assert (use.questions, use.failures, len(twin.requests)) == (1, 2, 3)
    assert use.cost_micros > found.cost_usd * 1e6 + 2 * 12 * 1000


@pytest.mark.django_db
def test_the_hard_limit_holds_between_two_tries(twin, tenant, scope, limits) -> None:
    model(provider(tenant, twin), output_usd=1000)
    limits(hard_usd=0.81)
    twin.llm.say("This is no JSON at all, and yet it has been written. " * 5, times=None)
    with pytest.raises(ChatError, match="budget_exceeded"):
        chat(question(schema={"type": "object"}), purpose="summary")
    assert len(twin.requests) == 1


@pytest.mark.django_db
@pytest.mark.parametrize(("at_home", "asked"), [(True, False), (False, True)])
def test_a_model_without_a_price_passes_no_limit(twin, tenant, scope, limits, monkeypatch, at_home, asked) -> None:
    """Its answers counted as free, and the day's limit was none."""
    if at_home:
        monkeypatch.setattr("assistant.llm.providers.offers.ADDRESSES", {"openai": f"{twin.url}/v1"})
    model(provider(tenant, twin), input_usd=0, output_usd=0)
    assert chat(question(), purpose="answer").text  # there is no limit to hold
    limits(hard_usd=1.0)
    if asked:
        assert chat(question(), purpose="answer").text
    else:
        with pytest.raises(ChatError, match="price_unknown"):
            chat(question(), purpose="answer")
    assert len(twin.requests) == 1 + asked
