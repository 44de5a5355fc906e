"""Whether a provider may be asked now: its breaker, and how many questions a minute it takes of us.

Owns these two for each provider. Must not ask.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

from assistant.llm.faults import ProviderFault
from assistant.llm.providers.offers import Server
from tenants.access.limits import allow
from tenants.scope import current_tenant_id
from tenants.work.breaker import Breaker

FAILURES = 4  # in a row, until a provider is left alone
COOL_S, LONGEST_S = 5.0, 60.0


@lru_cache(maxsize=2000)
def breaker(server: Server) -> Breaker:
    """In this process. A provider whose address or key was changed begins anew; two tenants share none, but for the
    operator's providers."""
    return Breaker(failures=FAILURES, cool_s=COOL_S, longest_s=LONGEST_S)


@contextmanager
def asking(server: Server) -> Iterator[None]:
    """Entered around one question. Raises ProviderFault: ``llm_resting`` while the provider is known to be away,
    ``llm_busy`` where the tenant has asked it as often as a minute allows; at once, so that the next model is asked.
    """
    own = breaker(server)
    if server.requests_per_minute and (wait := allow(
        f"llm:{current_tenant_id()}:{server.id}", server.requests_per_minute / 60, server.requests_per_minute
    )):  # fmt: skip
        raise ProviderFault("llm_busy", wait_s=wait)
    if not own.admits():
        raise ProviderFault("llm_resting")
    try:
        yield
    except ProviderFault as fault:
        if fault.away:
            own.failed()
        else:
            own.succeeded()
        raise
    own.succeeded()
