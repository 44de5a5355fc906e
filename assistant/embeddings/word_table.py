"""A network's file (ONNX, a message of protobuf) without its table of words, which is half of it: the runtime would keep four
bytes for each of the table's, and what is needed are the rows of the words that are asked for.

Owns as much of the format as that takes. Must not know a network but by the names that it is told.
"""

from __future__ import annotations

from collections.abc import Iterator

GRAPH = 7  # of a model
NODE, CONSTANT, GIVEN = 1, 5, 11  # of a graph
TAKES, MAKES, DOES = 1, 2, 4  # of a node
NAME, NUMBERS = 8, 9  # of a constant
NUMBER, BYTES = 0, 2  # how a member is written; the others are of a fixed size
FIXED = {1: 8, 5: 4}
#: the type of what the network is given instead: a tensor of float32, texts × tokens × 384
ROWS = b"\x0a\x1c\x08\x01\x12\x18\x0a\x07\x12\x05texts\x0a\x08\x12\x06tokens\x0a\x03\x08\x80\x03"


def parted(model: bytes, *names: str) -> tuple[bytes, str, dict[str, memoryview]]:
    """The model without the constants ``names``; its new input in their place, the rows (ROWS) that were looked up in them;
    and their numbers, which still lie in ``model``. Raises ValueError where nothing looks them up."""
    members = list(_members(memoryview(model)))
    graph = next(value for number, _, value in members if number == GRAPH)
    left, rows, numbers = _without(graph, {name.encode() for name in names})
    if len(numbers) != len(names) or not rows:
        raise ValueError(f"{names} are not looked up in this network")
    left += _written(GIVEN, _written(1, rows) + _written(2, ROWS))
    parts = [_written(GRAPH, left) if number == GRAPH else bytes(whole) for number, whole, _ in members]
    return b"".join(parts), rows.decode(), numbers


def _without(graph: memoryview, names: set[bytes]) -> tuple[bytes, bytes, dict[str, memoryview]]:
    """What leads from the constants to the look-up goes with them. Nodes stand in the order in which they are done."""
    left, rows, gone = bytearray(), b"", set(names)
    numbers: dict[str, memoryview] = {}
    for number, whole, value in _members(graph):
        if number == NODE and gone.intersection(_those(value, TAKES)):
            if _those(value, DOES) == [b"Gather"]:
                (rows,) = _those(value, MAKES)
            else:
                gone.update(_those(value, MAKES))
        elif number == CONSTANT and names.intersection(_those(value, NAME)):
            (name,) = _those(value, NAME)
            numbers[name.decode()] = next(part for kind, _, part in _members(value) if kind == NUMBERS)
        else:
            left += whole
    return bytes(left), rows, numbers


def _those(message: memoryview, wanted: int) -> list[bytes]:
    return [bytes(value) for number, _, value in _members(message) if number == wanted]


def _members(message: memoryview) -> Iterator[tuple[int, memoryview, memoryview]]:
    """Number, the member as it is written, and what it holds."""
    at = 0
    while at < len(message):
        begin = at
        key, at = _varint(message, at)
        holds = at
        if key & 7 == NUMBER:
            _, at = _varint(message, at)
        elif key & 7 == BYTES:
            size, holds = _varint(message, at)
            at = holds + size
        else:
            at += FIXED[key & 7]
        yield key >> 3, message[begin:at], message[holds:at]


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    """The number that begins there, and where it ends: seven bits a byte, the lowest first."""
    found = shift = 0
    while message[at] > 127:
        found |= (message[at] & 127) << shift
        at, shift = at + 1, shift + 7
    return found | message[at] << shift, at + 1


def _written(number: int, held: bytes) -> bytes:
    size, length = len(held), bytearray()
    while size > 127:
        length.append(size & 127 | 128)
        size >>= 7
    return bytes([number << 3 | BYTES, *length, size]) + held
