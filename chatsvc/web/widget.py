"""Files of the web chat widget that a release before or after this one has named.

A page may hold the loader of another release: its cache lives a minute, and of several processes one may be of yesterday.
It gets the widget of this release, which any loader can start; and a bundle of another release that is in a browser's cache
gets the words of this one by their keys, for it knows another order of them. Must not serve what is named as this release
names it: WhiteNoise does.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from django.conf import settings
from django.http import FileResponse, Http404, HttpRequest
from django.views.decorators.gzip import gzip_page

WIDGET = Path(settings.BASE_DIR) / "static/widget"
NAME = re.compile(r"(?P<what>chat|[a-z]{2})-[0-9a-f]{10}\.(?P<ending>js|json)")
TYPES = {"js": "text/javascript", "json": "application/json"}


@gzip_page  # no collectstatic has compressed what is asked for so
def of_another_release(request: HttpRequest, name: str) -> FileResponse:
    found = NAME.fullmatch(name)
    path = ours(found["what"], found["ending"]) if found else None
    if path is None or found is None:
        raise Http404
    answer = FileResponse(path.open("rb"), content_type=f"{TYPES[found['ending']]}; charset=utf-8")
    answer["Cache-Control"] = "no-store"
    answer["Access-Control-Allow-Origin"] = "*"
    return answer


@cache
def ours(what: str, ending: str) -> Path | None:
    if ending == "js":
        return next((WIDGET / "dist").glob(f"{what}-*.js"), None)
    return next((WIDGET / "strings").glob(f"{what}.json"), None)
