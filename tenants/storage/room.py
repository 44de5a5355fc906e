"""No room left in this machine: open files, memory of the kernel, disk.

Owns which faults of the system say so. Must not know what was being done.
"""

from __future__ import annotations

import errno

NO_ROOM = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS, errno.ENOSPC, errno.EDQUOT})


def no_room(error: BaseException | None) -> OSError | None:
    """The fault of that kind which ``error`` is, or which led to it; None where it is another one."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        if isinstance(error, OSError) and error.errno in NO_ROOM:
            return error
        error = error.__cause__ or error.__context__
    return None
