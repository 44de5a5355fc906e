"""Why a provider gave no answer: what its SDK raises, as our codes, and what may help.

Owns that table. Must not retry anything.
"""

from __future__ import annotations

import re
from typing import Any

import httpx2

from assistant.llm.chat import ChatError
from channels_app.contract import SendError
from channels_app.http.pauses import retry_after

MOST_WAIT_S = 120.0  # that a provider may ask for
#: status → code, whether the same server may answer a moment later, whether it counts as away
STATUSES: dict[int, tuple[str, bool, bool]] = {
    400: ("llm_refused", False, False),
    401: ("llm_denied", False, False),
    402: ("llm_quota_used_up", False, False),
    403: ("llm_denied", False, False),
    404: ("llm_model_unknown", False, False),
    410: ("llm_model_unknown", False, False),
    408: ("llm_unavailable", True, True),
    409: ("llm_unavailable", True, False),
    413: ("llm_prompt_too_long", False, False),
    422: ("llm_refused", False, False),
    429: ("llm_throttled", True, False),
    503: ("llm_overloaded", True, True),
    529: ("llm_overloaded", True, True),
}
OTHERS = {3: ("llm_refused", False, False), 4: ("llm_refused", False, False), 5: ("llm_unavailable", True, True)}
#: what a refusal's own names (type, code) say, where its status says less, or is 200; the first that fits counts
NAMED: tuple[tuple[re.Pattern[str], tuple[str, bool, bool]], ...] = tuple(
    (re.compile(names), fault)
    for names, fault in (
        (r"quota|billing|spend_limit|usage_limit|credit_balance", ("llm_quota_used_up", False, False)),
        (r"context_length|context_size|request_too_large", ("llm_prompt_too_long", False, False)),
        (r"model_not_found|not_found_error", ("llm_model_unknown", False, False)),
        (r"authentication|api_key|permission", ("llm_denied", False, False)),
        (r"overloaded|server_error|api_error|timeout_error", ("llm_overloaded", True, True)),
        (r"rate_limit|slow_down", ("llm_throttled", True, False)),
        (r"invalid_request|BadRequest", ("llm_refused", False, False)),
    )
)
#: what nothing but its sentence says. A sentence of those who are to come later speaks of billing, too
SAID: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"current quota|credit balance", re.I), "llm_quota_used_up"),
    (
        re.compile(r"context length|context size|prompt is too long|too many tokens|maximum context", re.I),
        "llm_prompt_too_long",
    ),
)
#: statuses that stand for several things
VAGUE = frozenset({400, 403, 422, 429})


class ProviderFault(ChatError):
    """``again``: the same server may answer after ``wait_s`` seconds (None: it did not say). ``away``: it seems to be
    down."""

    def __init__(self, code: str, *, again: bool = False, away: bool = False, wait_s: float | None = None):
        super().__init__(code, retryable=True)
        self.again, self.away, self.wait_s = again, away, wait_s


def fault_of(error: Exception) -> ProviderFault:
    """What an SDK, its client or our way out raised. Nothing of the error's text is kept."""
    if isinstance(error, ProviderFault):
        return error
    refused = next((one for one in _chain(error) if isinstance(one, SendError)), None)
    if refused is not None:
        code = "llm_address_blocked" if refused.code == "address_blocked" else "llm_unreachable"
        return ProviderFault(code, again=refused.retryable, away=refused.retryable)
    status = getattr(error, "status_code", None)
    if isinstance(status, int) and status >= 300:
        return _of_status(error, status)
    timeouts = ("APITimeoutError", "APIResponseTimeoutError")
    if isinstance(error, httpx2.TimeoutException) or type(error).__name__ in timeouts:
        return ProviderFault("llm_timeout", away=True)
    if any(isinstance(one, (httpx2.ConnectError, httpx2.PoolTimeout)) for one in _chain(error)):
        return ProviderFault("llm_unreachable", again=True, away=True)
    if any(isinstance(one, httpx2.HTTPError) for one in _chain(error)):
        return ProviderFault("llm_cut", again=True, away=True)
    return told_as(getattr(error, "body", None))


def told_as(body: Any) -> ProviderFault:
    """What the body of an error says that came where an answer was to come, after a good status."""
    named, said = _named(body)
    code, again, away = _known(named, said) or ("llm_answer_broken", True, False)
    return ProviderFault(code, again=again, away=away)


def _known(named: str, said: str) -> tuple[str, bool, bool] | None:
    by_sentence = next(((code, False, False) for words, code in SAID if words.search(said)), None)
    return by_sentence or next((fault for names, fault in NAMED if names.search(named)), None)


def _of_status(error: Exception, status: int) -> ProviderFault:
    code, again, away = STATUSES.get(status) or OTHERS.get(status // 100, ("llm_unavailable", True, True))
    headers = getattr(getattr(error, "response", None), "headers", None) or {}
    if status in VAGUE and (known := _known(*_named(getattr(error, "body", None)))) and not known[1]:
        code, again, away = known
    again = {"true": True, "false": False}.get(headers.get("x-should-retry", ""), again)
    return ProviderFault(code, again=again, away=away, wait_s=_wait(headers) if again else None)


def _named(body: Any) -> tuple[str, str]:
    """The names and the sentence of an error, wherever a provider writes them: to be searched, never to be kept."""
    inner: Any = body.get("error", body) if isinstance(body, dict) else body
    if not isinstance(inner, dict):
        return "", str(inner or "")[:2000]
    details = inner.get("details")
    facts = [inner.get("type"), inner.get("code"), details.get("error_code") if isinstance(details, dict) else ""]
    sentence = inner.get("message") or inner.get("detail")
    return " ".join(str(fact or "") for fact in facts)[:2000], str(sentence or "")[:2000]


def _wait(headers: Any) -> float | None:
    """Seconds that the answer asks us to wait."""
    told_ms = str(headers.get("retry-after-ms", ""))
    if re.fullmatch(r"\d{1,9}(\.\d{1,6})?", told_ms, re.ASCII):
        return min(float(told_ms) / 1000, MOST_WAIT_S)
    return retry_after(headers, MOST_WAIT_S)


def _chain(error: BaseException | None) -> list[BaseException]:
    found: list[BaseException] = []
    while error is not None and error not in found:
        found.append(error)
        error = error.__cause__ or error.__context__
    return found
