"""What a text says that has no words: "🙂", ":-(", "❤️❤️".

Owns which signs are friendly and which are not. Must not decide what follows.
"""

from __future__ import annotations

from typing import Literal

import regex

LOOKED_AT = 100  # characters
WORD = regex.compile(r"\w{4}")  # no face has as many letters: of most texts that is told by a single search
EMOTICON = regex.compile(
    r"(?<!\w)(?:[:;=][-'^o]?[)(DPp/\\|3*><\]\[cCoOsS]+|[)(]+[:;=]|<3+|\^[_.]?\^|-[_.]-|[xX]D+|T[_.]T)(?!\w)"
)
GLAD = frozenset(
    "🙂😀😃😄😁😆😊☺😇🥰😍🤩😘😗😚😙😋😛😜🤗😉😎🥳👏🙌🙏💪❤🧡💛💚💙💜🖤♥💕💖💯🎉✨🌟⭐🔥👋🤝👌👍😂🤣😅😻💐🌹"
)
SAD = frozenset("🙁☹😞😒😔😟😕😣😖😫😩🥺😢😭😤😠😡🤬🤯😱😨😰😥😓💔👎🖕💩😾😿🤦😑🙄😐😬🤮🤢")


def signs_in(text: str) -> Literal["glad", "sad", ""]:
    """ "" for a text that has words, or signs that are neither."""
    said = text.strip()[:LOOKED_AT]
    faces = EMOTICON.findall(said)
    rest = EMOTICON.sub("", said) if faces else said
    if any(sign.isalnum() for sign in rest):
        return ""
    signs = set(rest)
    if signs & SAD or any(regex.search(r"[(/\\|\[<cC]", face) and "<3" not in face for face in faces):
        return "sad"
    return "glad" if signs & GLAD or faces else ""
