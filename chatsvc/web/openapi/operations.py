"""What the OpenAPI document says of an operation beside the words of its view: the permissions that it takes (TEN-4).

Must not know any view.
"""

from __future__ import annotations

from typing import Any

from drf_spectacular.openapi import AutoSchema

from tenants.access.permissions import AUTHENTICATED, PUBLIC, declared


class Operation(AutoSchema):  # type: ignore[no-untyped-call]
    def get_operation(self, *place: Any) -> dict[str, Any] | None:
        told: dict[str, Any] | None = super().get_operation(*place)
        needed = [name for name in declared(self.view, self.method) if name not in (PUBLIC, AUTHENTICATED)]
        if told and needed:
            told["description"] = f"{told['description']}\n\nTakes {' and '.join(f'`{name}`' for name in needed)}."
        return told
