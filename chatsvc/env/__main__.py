"""``python -m chatsvc.env``: says what is wrong with the environment, before a program that is not ours reads of it."""

from __future__ import annotations

import os
from pathlib import Path

from chatsvc.env.reading import read

read(os.environ, Path(__file__).parents[2])
