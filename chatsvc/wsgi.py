"""REST and admin in production: the WSGI application, and the front that the web server calls."""

import os

from chatsvc.web.serving.requests import wsgi

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatsvc.settings")
application = wsgi()

from django.conf import settings  # noqa: E402
from django.urls import get_resolver  # noqa: E402

from chatsvc.observe import pulse  # noqa: E402
from chatsvc.processes import garbage  # noqa: E402
from chatsvc.web.serving.front import Front  # noqa: E402
from messaging.media.fetch import most_bytes  # noqa: E402
from messaging.media.upload_views import ROOM  # noqa: E402
from tenants.storage.connections import connection_keep  # noqa: E402

pulse.mine.start("web")  # it holds leases, too: of the turns that are answered within a request
front = Front(
    application,
    threads=settings.ENV["WEB_THREADS"],
    begin=connection_keep if settings.ENV["WEB_THREADS"] <= settings.ENV["DATABASE_POOL_SIZE"] else None,
    most=max(most_bytes() + ROOM, settings.DATA_UPLOAD_MAX_MEMORY_SIZE),
)
get_resolver().url_patterns  # noqa: B018  the views are imported: they stay
garbage.stand()
