"""How a member of staff is shown to the people they write to: a name and a picture, as far as the tenant allows.

Must never show an account's name or its e-mail address.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from tenants.models import Membership
from tenants.storage.memo import Memo
from tenants.tenant_settings import settings_for


@dataclass(frozen=True)
class Face:
    """A name and the https address of a picture; "" where there is none to show."""

    name: str = ""
    picture: str = ""


UNNAMED = Face()
_members: Memo[Membership] = Memo("staff", ttl=30)


def face_of(tenant_id: uuid.UUID, user_id: uuid.UUID | None) -> Face:
    """What people see of this user, by the tenant's setting ``agent_names``; at most 30 s old. Nothing of users
    who are no members of the tenant. Call within its scope."""
    shown = settings_for(tenant_id).agent_names
    if user_id is None or shown == "none":
        return UNNAMED
    member = _members.get((tenant_id, user_id), lambda: _member(user_id))
    if member is None:
        return UNNAMED
    return Face(member.user.first_name if shown == "first" else member.user.get_full_name(), member.picture)


def _member(user_id: uuid.UUID) -> Membership | None:
    return Membership.objects.select_related("user").filter(user_id=user_id).first()
