"""The text of .env.example: ``python -m chatsvc.env.example > .env.example``."""

from __future__ import annotations

import sys

from chatsvc.env.variables import VARIABLES


def example() -> str:
    """The text of .env.example: every variable with its help, commented out at its default."""
    lines = [
        "# Settings of the service. Copy to .env and change what you need; every line is optional",
        "# outside production. Written by: python -m chatsvc.env.example > .env.example",
        "",
    ]
    for name, variable in VARIABLES.items():
        needed = " Needed in production." if variable.needed_in_production else ""
        lines += [f"# {variable.help}.{needed}", f"#{name}={variable.default}", ""]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.write(example())
