"""What is wrong with a field is said as people say it, in all forms of the console (ADM-1)."""

from __future__ import annotations

from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, Field, ValidationError, field_validator

from tenants.api.parse import problems
from tenants.console.plain_words import OTHER_FORM, plain_words
from tenants.tenant_settings import Alerts


class Form(BaseModel):
    name: str = Field("Ana", min_length=1, max_length=5)
    code: str = Field("", pattern="^(XY[0-9])?$")
    language: str = Field("en", pattern=r"^[a-z]{2}$")
    count: Annotated[int, Field(ge=1, le=9)] = 1
    share: float = Field(0.5, gt=0, lt=1)
    pair: Annotated[list[str], Field(min_length=2, max_length=3)] = ["a", "b"]
    choice: Literal["one", "two"] = "one"
    own: str = ""

    @field_validator("own")
    @classmethod
    def _own(cls, value: str) -> str:
        if value:
            raise ValueError("Not on a Sunday")
        return value


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"name": ""}, "Write something."),
        ({"name": "Annabel"}, "At most 5 characters."),
        ({"code": "AB"}, OTHER_FORM),
        ({"language": "English"}, "Write a language as two letters, such as en."),
        ({"count": 0}, "Not less than 1."),
        ({"count": 10}, "Not more than 9."),
        ({"count": "many"}, "Write a whole number."),
        ({"count": 1.5}, "Write a whole number."),
        ({"share": 0}, "More than 0."),
        ({"share": 1}, "Less than 1."),
        ({"share": "half"}, "Write a number."),
        ({"pair": ["a"]}, "At least 2."),
        ({"pair": ["a", "b", "c", "d"]}, "At most 3."),
        ({"choice": "three"}, "Choose 'one' or 'two'."),
        ({"own": "x"}, "Not on a Sunday."),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_form_says_what_to_write(wrong: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Form.model_validate(wrong)
    assert [plain_words(one) for one in problems(refused.value)] == [words]


def test_an_address_of_the_tenants_settings_says_how_one_begins() -> None:
    with pytest.raises(ValidationError) as refused:
        Alerts.model_validate({"slack_webhook_url": "nonsense"})
    (said,) = map(plain_words, problems(refused.value))
    assert said == "Write a web address that begins with https://."


def test_what_the_project_says_itself_stays() -> None:
    assert plain_words({"code": "not_obeyed_yet", "message": "Nothing obeys this yet."}) == "Nothing obeys this yet."
