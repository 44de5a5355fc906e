"""How tools look in the API: pydantic models for bodies and answers. A secret is shown once, where it was made."""

from __future__ import annotations

import uuid
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from assistant.tools.models import MOST, Tool
from tenants.api.moments import Moment
from tenants.api.parse import Changes
from tenants.names import Said
from tenants.storage.crypto import mask

Kind = Literal["http", "mcp"]
Title = Annotated[str, Field(min_length=1, max_length=80, description="What people read before they say yes"), Said]
Description = Annotated[str, Field(min_length=1, max_length=1000, description="What the model reads"), Said]
Schema = Annotated[
    dict[str, Any],
    Field(
        description="JSON Schema of the arguments: an object, without `pattern` and foreign `$ref`. A property with `x-person`: "
        "`contact_id` or `identity` is filled in by us, with what is proved of the person, and never by the model"
    ),
]
Url = Annotated[str, Field(min_length=1, max_length=2048, description="https, reachable from the internet")]
Secret = Annotated[
    str,
    Field(
        max_length=2000,
        description="`http`: `whsec_…`, which signs calls as Standard Webhooks, ours where it is left out; `mcp`: the token of the "
        "server, if it wants one. Written only",
    ),
]
Remote = Annotated[
    str, Field(max_length=128, description="`mcp`: the tool's name at the server, where it is another one")
]
Seconds = Annotated[int, Field(ge=1, le=20)]


class ToolCreate(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=60, description="Small letters, digits and `_`")
    kind: Kind = "http"
    title: Title
    description: Description
    schema_: Schema = Field(alias="schema")
    url: Url
    secret: Secret = ""
    remote: Remote = ""
    changes: bool = Field(True, description="It changes something: the person is asked before each call")
    enabled: bool = True
    timeout_s: Seconds = 5


class ToolChange(Changes):
    """What is left out stays as it is. A new `url` needs the `secret` again."""

    NOT_EMPTIED = frozenset({"secret"})  # an empty one is refused further on

    title: Title = ""
    description: Description = ""
    schema_: Schema = Field({}, alias="schema")
    url: Url = ""
    secret: Secret = ""
    remote: Remote = ""
    changes: bool = True
    enabled: bool = True
    timeout_s: Seconds = 5

    def given(self) -> dict[str, Any]:
        return self.model_dump(exclude_unset=True, by_alias=True)


class ToolShape(BaseModel):
    id: uuid.UUID
    name: str
    kind: Kind
    title: str
    description: str
    schema_: dict[str, Any] = Field(alias="schema")
    url: str
    secret: str = Field(description="Masked")
    remote: str
    changes: bool
    enabled: bool
    timeout_s: int
    created_at: Moment
    updated_at: Moment


class ToolDetail(ToolShape):
    """One tool."""


class ToolWithSecret(ToolShape):
    secret: str = Field(description="Shown this once")


class ToolList(BaseModel):
    items: list[ToolShape] = Field(max_length=MOST)


class ToolTry(BaseModel):
    model_config = ConfigDict(extra="forbid")

    arguments: dict[str, Any] = Field(description="By the tool's schema")


class ToolTried(BaseModel):
    code: str = Field(description="`ok`, or why there is no answer")
    text: str = Field(description="What the tool said, at most 12,000 characters")
    took_ms: int


class OfferedQuestion(BaseModel):
    model_config = ConfigDict(extra="forbid")

    url: Url
    token: str = Field("", max_length=2000, description="Of the server, if it wants one; kept nowhere")


class OfferedTool(BaseModel):
    name: str
    title: str
    description: str
    schema_: dict[str, Any] = Field(alias="schema")
    reads_only: bool = Field(description="The server says that it changes nothing: its word alone")
    usable: str = Field(description='"" where it can be put on the list as it is, else why not')


class OfferedList(BaseModel):
    items: list[OfferedTool]


def tool_shape(row: Tool) -> dict[str, Any]:
    names = ("id", "name", "kind", "title", "description", "schema", "url", "remote", "changes", "enabled", "timeout_s",
             "created_at", "updated_at")  # fmt: skip
    return {**{name: getattr(row, name) for name in names}, "secret": mask(row.secret)}
