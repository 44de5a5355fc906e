"""Files by their kinds and sizes, and captions that do not fit."""

from __future__ import annotations

import pytest

from channels_app.content.fit import fit
from channels_app.content.types import (
    Content,
)
from tests.channels_app.fit.samples import (
    IMAGE,
    PLACE,
    SMS,
    WHATSAPP,
    pick,
)


@pytest.mark.parametrize(
    ("media", "types"),
    [
        pytest.param(IMAGE, ["image"], id="fits"),
        pytest.param(IMAGE.model_copy(update={"size_bytes": 6_000_000}), ["text"], id="too large"),
        pytest.param(IMAGE.model_copy(update={"type": "image/gif"}), ["text"], id="format unknown to the channel"),
        pytest.param(IMAGE.model_copy(update={"type": "video/mp4"}), ["image"], id="family"),
    ],
)
def test_media_limits(media, types):
    assert [part.type for part in fit(Content(type="image", media=media), WHATSAPP).parts] == types


def test_an_image_goes_as_a_file_where_only_files_go():
    caps = SMS.model_copy(update={"types": frozenset({"text", "file"})})
    fitted = fit(Content(type="image", media=IMAGE), caps)
    assert (fitted.parts[0].type, fitted.cuts) == ("file", ("image → file",))


def test_media_that_lies_with_us_gets_an_address_to_open():
    content = Content(type="image", media=IMAGE.model_copy(update={"url": "media:42", "alt_text": None}))
    fitted = fit(content, SMS, link=lambda url: f"https://chat.example/{url.removeprefix('media:')}")
    assert fitted.parts[0].text == "https://chat.example/42"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param(
            Content(type="image", media=IMAGE, text="x" * 1025),
            [("image", None), ("text", "x" * 1025)],
            id="long caption",
        ),
        pytest.param(
            Content(type="location", location=PLACE, text="Here"), [("location", None), ("text", "Here")], id="location"
        ),
        pytest.param(
            Content(type="location", location=PLACE, buttons=(pick("A"),)),
            [("location", None), ("text", "…")],
            id="buttons need words to hang on",
        ),
    ],
)
def test_captions_that_do_not_fit_go_in_a_message_of_their_own(content, expected):
    parts = fit(content, WHATSAPP).parts
    assert [(part.type, part.text) for part in parts] == expected
    assert parts[0].buttons is None
