"""What fits into a prompt: pieces by their rank until the tokens are used up, and a count of what did not fit.

Owns the estimate of tokens and the choice. Must not know what a piece says.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

#: UTF-8 bytes a token: tokenisers of today reach 4 in English and 3 elsewhere; too many tokens counted is the safe side
BYTES_A_TOKEN = 3
#: of a message's own marks
OVERHEAD = 6


def tokens_of(words: str) -> int:
    """About how many tokens, rather too many than too few."""
    return -(-len(words.encode("utf-8", "surrogatepass")) // BYTES_A_TOKEN)


def reaching(words: str, tokens: int) -> int:
    """How many characters of the beginning take no more than so many tokens: a letter of another script takes more room."""
    return len(words.encode("utf-8", "surrogatepass")[: max(0, tokens) * BYTES_A_TOKEN].decode("utf-8", "ignore"))


@dataclass(frozen=True)
class Piece:
    """``kind``: under what it is counted (turns, knowledge, profile …); ``rank``: 0 is most needed, those of the same rank go
    in their order; ``place``: where it stands among the pieces that stay."""

    kind: str
    words: str
    rank: int
    place: int = 0

    @property
    def tokens(self) -> int:
        return tokens_of(self.words) + OVERHEAD


@dataclass(frozen=True)
class Fitted:
    """``pieces`` by their place; ``left_out``: kind → how many were not told; ``tokens`` of those that are."""

    pieces: tuple[Piece, ...]
    left_out: dict[str, int]
    tokens: int


def fitted(pieces: Sequence[Piece], budget: int) -> Fitted:
    """The pieces of the best rank that fit within ``budget`` tokens. One that is too long does not keep out a shorter one of
    another kind; of its own kind nothing follows it, so that no turn is told without the one after it."""
    kept: list[Piece] = []
    full: set[str] = set()
    left_out: Counter[str] = Counter()
    used = 0
    for piece in sorted(pieces, key=lambda one: one.rank):
        if piece.kind in full or used + piece.tokens > budget:
            full.add(piece.kind)
            left_out[piece.kind] += 1
        else:
            kept.append(piece)
            used += piece.tokens
    return Fitted(tuple(sorted(kept, key=lambda one: one.place)), dict(left_out), used)
