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
    408: ("llm_unavailable", True, True),
    409: ("llm_unavailable", True, False),
    413: ("llm_prompt_too_long", False, False),
    422: ("llm_refused", False, False),
    429: ("llm_throttled", True, False),
    503: ("llm_overloaded", True, True),
    529: ("llm_overloaded", True, True),
}
OTHERS = {3: ("llm_refused", False, False), 4: ("llm_refused", False, False), 5: ("llm_unavailable", True, True)}
QUOTA = re.compile(r"quota|billing|spend_limit|usage_limit|credit_balance")
LENGTH = re.compile(r"context_length|context length|prompt is too long|too many tokens|maximum context", re.I)


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
    kind = _kind(error)
    if "overloaded" in kind or "server_error" in kind or "api_error" in kind:  # within a stream that began well
        return ProviderFault("llm_overloaded", again=True, away=True)
    if "rate_limit" in kind:
        return ProviderFault("llm_throttled", again=True)
    return ProviderFault("llm_answer_broken", again=True)


def _of_status(error: Exception, status: int) -> ProviderFault:
    code, again, away = STATUSES.get(status) or OTHERS.get(status // 100, ("llm_unavailable", True, True))
    kind = _kind(error)
    if status == 429 and QUOTA.search(kind):
        code, again = "llm_quota_used_up", False
    if status in (400, 422) and LENGTH.search(kind):
        code = "llm_prompt_too_long"
    return ProviderFault(code, again=again, away=away, wait_s=_wait(error) if again else None)


def _kind(error: Exception) -> str:
    """The provider's own words for it: to be searched, never to be kept."""
    body = getattr(error, "body", None)
    inner: Any = body.get("error", body) if isinstance(body, dict) else body
    facts = [getattr(error, "code", ""), getattr(error, "type", "")]
    facts += [inner.get(name, "") for name in ("type", "code", "message")] if isinstance(inner, dict) else [inner]
    details = inner.get("details") if isinstance(inner, dict) else None
    facts += [details.get("error_code", "")] if isinstance(details, dict) else []
    return " ".join(str(fact or "") for fact in facts)[:2000]


def _wait(error: Exception) -> float | None:
    """Seconds that the answer asks us to wait."""
    headers = getattr(getattr(error, "response", None), "headers", None) or {}
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
