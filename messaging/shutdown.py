"""Has this process been told to stop? Then no new piece of work is begun; its row keeps its place.

Owns the flag. Who sets it: the worker's signal handler (chatsvc/celery.py) and `manage.py serve`.
"""

from __future__ import annotations

import threading

#: set once; a verb that goes through several rows looks at it between two of them
stopping = threading.Event()
