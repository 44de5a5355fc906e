"""Each kind of channel has a set-up guide of one shape, which names every setting that its form has (OPS-9)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from channels_app.adapters.config import ChannelConfig
from channels_app.registry import KINDS, adapter_for

DOCS = Path(__file__).resolve().parents[2] / "docs"
SECTIONS = ["At the platform", "In the console", "Limits", "Try it"]
OF_THE_PAGE = {"web": ["On the page", "In the console", "Limits", "Try it"]}  # its platform is the owner's site


def page(kind: str) -> str:
    return (DOCS / "channels" / f"{kind}.md").read_text()


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_guide_has_its_sections_in_order(kind: str) -> None:
    headings = re.findall(r"^## (.+)$", page(kind), re.MULTILINE)
    wanted = OF_THE_PAGE.get(kind, SECTIONS)
    assert [heading for heading in headings if heading in wanted] == wanted


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_guide_names_every_setting_of_its_kind(kind: str) -> None:
    settings = adapter_for(kind).config_class.model_fields.keys() - ChannelConfig.model_fields.keys()
    assert sorted(name for name in settings if f"`{name}`" not in page(kind)) == []


def test_the_settings_of_all_kinds_have_a_page() -> None:
    text = (DOCS / "channel-settings.md").read_text()
    assert [name for name in ChannelConfig.model_fields if f"`{name}`" not in text] == []


@pytest.mark.parametrize("kind", sorted(KINDS.keys() - {"web"}))
def test_a_guide_gives_the_whole_address_of_the_webhook(kind: str) -> None:
    assert f"https://<your host>/api/v2/webhooks/{kind}/<channel key>" in page(kind)


@pytest.mark.parametrize("kind", sorted(KINDS.keys() - {"web"}))
def test_who_tries_it_reaches_the_service_and_the_twin_where_they_listen(kind: str) -> None:
    tried = page(kind).partition("## Try it")[2]
    assert "manage.py twin" in tried
    assert set(re.findall(r"http://[\w.]+:(\d+)", tried)) <= {"8001", "8900"}
