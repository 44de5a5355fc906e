"""The WSGI application: REST and admin in production."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatsvc.settings")
application = get_wsgi_application()

from chatsvc.processes.embedded import warm_up  # noqa: E402

warm_up()
