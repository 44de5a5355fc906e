"""What must be known of one Teams bot. Must not hold anything learnt at run time."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from channels_app.adapters.base import ChannelConfig

GUID = r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"
HTTP = r"^https?://[^\s\x85\ufeff?#]+$"
Guid = Annotated[str, StringConstraints(pattern=GUID)]
HostPattern = Annotated[
    str, StringConstraints(pattern=r"^(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)*(:[0-9]{1,5})?$", max_length=255)
]

SERVICE_HOSTS = (
    "smba.trafficmanager.net",
    "*.botframework.com",
    "smba.infra.gcc.teams.microsoft.com",
    "smba.infra.gov.teams.microsoft.us",
)


class TeamsConfig(ChannelConfig):
    """One bot. The addresses have the public cloud's values; a government cloud has others."""

    api_base: str = Field(
        default="https://smba.trafficmanager.net/teams",
        pattern=HTTP,
        description="Where messages go to people who have not written yet; others are answered where they write from",
    )
    app_id: str = Field(pattern=GUID, description="Microsoft App ID of the Azure Bot")
    client_secret: str = Field(
        min_length=1, description="A client secret of the app registration (its value, not its ID)"
    )
    tenant_id: str = Field(
        default="", pattern=f"{GUID}|^$", description="Directory of a single-tenant app; empty for a multi-tenant one"
    )
    allowed_tenants: tuple[Guid, ...] = Field(
        default=(), description="Directories whose people may write; empty: that of a single-tenant app, else all"
    )
    service_hosts: tuple[HostPattern, ...] = Field(
        default=SERVICE_HOSTS, description="Hosts that may get the bot's token; *.example.com means every name below it"
    )
    login_base: str = Field(default="https://login.microsoftonline.com", pattern=HTTP)
    login_scope: str = Field(default="https://api.botframework.com/.default", pattern=r"^[^\s\x85\ufeff]+$")
    openid_url: str = Field(
        default="https://login.botframework.com/v1/.well-known/openidconfiguration",
        pattern=HTTP,
        description="Metadata that leads to the keys which sign inbound activities",
    )
    issuer: str = Field(default="https://api.botframework.com", pattern=r"^https?://[^\s\x85\ufeff]+$")
    suggested_actions: Literal["personal", "always", "never"] = Field(
        default="personal", description="Chats where quick replies may stand above the compose box instead of on a card"
    )
    card_answer: str = Field(
        default="Received.", min_length=1, max_length=200, description="Shown to a person whose card action arrived"
    )

    @property
    def bot_id(self) -> str:
        return f"28:{self.app_id}"

    @property
    def token_url(self) -> str:
        return f"{self.login_base.rstrip('/')}/{self.tenant_id or 'botframework.com'}/oauth2/v2.0/token"

    def serves(self, tenant: str) -> bool:
        """Whether people of this directory may write. Ids of directories are compared without case."""
        allowed = self.allowed_tenants or ((self.tenant_id,) if self.tenant_id else ())
        return not allowed or tenant.lower() in {one.lower() for one in allowed}
