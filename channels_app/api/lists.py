"""What a list takes that has times: the parameters of the documents, all of them.

Must not know any list; how pages are walked: tenants/api/pages.py.
"""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from channels_app.words.moments import Moment
from tenants.api.pages import PageQuery


class ListQuery(PageQuery):
    RANGES: ClassVar = (("start_date", "end_date"),)

    start_date: Moment | None = Field(None, description="Rows from then on")
    end_date: Moment | None = Field(None, description="Rows until then")
