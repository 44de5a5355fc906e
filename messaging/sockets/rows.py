"""How a socket, which lives on the event loop, asks the rules, which wait for the database.

Must not know the rules.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from channels.db import database_sync_to_async

from tenants.access.auth import require_active
from tenants.scope import tenant_scope


class Rows:
    """Runs rules for one socket, in the scope of a tenant."""

    def __init__(self, tenant_id: uuid.UUID):
        self._tenant_id = tenant_id

    async def ask(self, call: Callable[..., Any], *arguments: Any) -> Any:
        """``call(*arguments)``, in a thread. Raises what it raises, and Forbidden ``tenant_suspended``."""

        def scoped() -> Any:
            require_active(self._tenant_id)
            with tenant_scope(self._tenant_id):
                return call(*arguments)

        return await in_thread(scoped)


async def in_thread(call: Callable[..., Any], *arguments: Any) -> Any:
    # Not thread-sensitive: all sockets of a process would wait for one single thread.
    return await database_sync_to_async(call, thread_sensitive=False)(*arguments)
