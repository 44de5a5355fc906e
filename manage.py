#!/usr/bin/env python
"""Django's command line, behind what chatsvc/management/line.py refuses."""

import os
import sys

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatsvc.settings")
    from chatsvc.management.line import run

    run(sys.argv)
