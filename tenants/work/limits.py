"""Run as a script: ``limits.py <seconds> <bytes of output> <bytes of memory> <program> <argument>…``.

Becomes the program, with limits that it cannot lift. The standard library only: it starts for every file.
"""

import os
import resource
import sys


def main() -> None:
    seconds, output, memory = (int(value) for value in sys.argv[1:4])
    limits = {
        resource.RLIMIT_CPU: seconds,
        resource.RLIMIT_FSIZE: output,
        resource.RLIMIT_AS: memory,
        resource.RLIMIT_NOFILE: 64,
        resource.RLIMIT_CORE: 0,
    }
    for limit, value in limits.items():
        most = resource.getrlimit(limit)[1]
        value = value if most == resource.RLIM_INFINITY else min(value, most)
        # At the lower limit of time it gets a signal that tells why (SIGXCPU), at the upper one it is killed without a word.
        upper = value if limit != resource.RLIMIT_CPU or value == most else value + 1
        try:
            resource.setrlimit(limit, (value, upper))
        except (OSError, ValueError):  # macOS knows no limit of the address space
            if limit != resource.RLIMIT_AS:
                raise
    os.nice(10)
    os.execv(sys.argv[4], sys.argv[4:])  # noqa: S606  no shell is wanted


if __name__ == "__main__":
    main()
