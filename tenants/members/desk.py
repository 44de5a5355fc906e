"""How a member of staff works: how much at a time, in which languages, with which skills.

Owns the meaning of ``Membership.desk``. Must not know what work is.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

Skill = Annotated[str, Field(min_length=1, max_length=40)]
Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$", max_length=15)]
DEFAULT_CAPACITY = 10


class Desk(BaseModel):
    """``capacity``: conversations that they have at a time, where a rule assigns them; None: DEFAULT_CAPACITY."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    capacity: int | None = Field(None, ge=0, le=500)
    languages: tuple[Language, ...] = Field((), max_length=20)
    skills: tuple[Skill, ...] = Field((), max_length=50)

    @property
    def most(self) -> int:
        return DEFAULT_CAPACITY if self.capacity is None else self.capacity


def desk_read(stored: Any) -> Desk:
    """What a membership holds; one that was made by hand and is not valid counts as none."""
    try:
        return Desk.model_validate(stored or {})
    except ValidationError:
        return Desk()
