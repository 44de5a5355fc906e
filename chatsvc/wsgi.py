"""The WSGI application: REST and admin in production."""

import os

from chatsvc.web.requests import wsgi

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatsvc.settings")
application = wsgi()

from chatsvc.observe import pulse  # noqa: E402
from chatsvc.processes.embedded import warm_up  # noqa: E402

pulse.mine.start("web")  # it holds leases, too: of the turns that are answered within a request
warm_up()
