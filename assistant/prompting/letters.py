"""Letters as an eye reads them: the same for what looks the same, whichever script or style it is written in.

Owns which sign stands for which letter. Must not know what is compared.
"""

from __future__ import annotations

import re
import unicodedata

#: signs of other scripts that are read as a Latin letter: Unicode's confusables (UTS 39) of one letter each, save those that
#: decomposition or a sign's name settles, and the ones that people who write in "look-alikes" take beside them
LOOKALIKES = {
    "a": "ɑΑαАаᎪᗅ⍺ꓮ𐊠𖽀ДдΛλ",
    "b": "ƄΒВЬᏏᏴᑲᖯᗷꓐꞴ𐊂𐊡𐌁вьЪъβ",
    "c": "ϲϹСсᏟⲤⲥꓚꮯ𐊢𐌂𐐕𐐽𐔜𑣩𑣲🝌¢",
    "d": "ԁᎠᏧᑯᗞᗪꓒꓓ",
    "e": "ΕЕеҽᎬ℮⋿ⴹꓰ𐊆𑢦𑢮єЄεэЭ",
    "f": "Ϝքᖴꓝꬵ𐊇𐊥𐔥𑢢𑣂𝈓ƒɟ",
    "g": "ƍԌցᏀᏳꓖ",
    "h": "ΗНһհᎻᏂᕼⲎꓧ𐋏нЋђћ",
    "i": "ɩ˛ͺιіӏᎥ⍳ꙇꭵ𑣃𝚤",
    "j": "ͿϳЈјᎫᒍꓙ",
    "k": "ΚКᏦᛕⲔꓗ𐔘кκ",
    "l": "ƖǀΙІӀ\u06f1Ꮮᒪᛁ∣⏽ⲒⳐⵏꓡꓲ￨𐊊𐌉𐌠𐐛𐔦𑢣𑢲𖼖𖼨𝈪",
    "m": "ΜϺМᎷᗰᛖⲘꓟ𐊰𐌑м",
    "n": "ΝոռⲚꓠ𐔓пиИηП",
    "o": "ΟοσОоՕօ\u06f5०০੦૦ଠ୦௦ం౦ಂ೦ംഠ൦ං๐໐ဝ၀ჿዐⲞⲟⵔ〇ꓳ𐊒𐊫𐐄𐐬𐓂𐓪𐔖𑓐𑢵𑣈𑣗𑣠θΘфФ",
    "p": "ΡρРрᏢᑭ⍴Ⲣⲣꓑ𐊕",
    "q": "ԛգզⵕ",
    "r": "ƦгᎡᏒᖇᴦⲅꓣꭇꭈꮁ𐒴𖼵𝈖яЯ",
    "s": "ƽЅѕՏᏕᏚꓢꮪ𐊖𐐠𐑈𑣁𖼺ς",
    "t": "ΤТᎢ⊤⟙Ⲧꓔ𐊗𐊱𐌕𑢼𖼊🝨тτ",
    "u": "υՍսሀᑌ∪⋃ꓴꞟ𐓎𐓶𑢸𑣘𖽂цЦμ",
    "v": "νѴѵ\u06f7Ꮩᐯ∨⋁ⴸꓦꛟꮩ𐔝𑜆𑢠𑣀𖼈𝈍",
    "w": "ѡԜԝաᎳᏔꓪꮃ𑜊𑜎𑜏𑣦𑣯шШωщЩ",
    "x": "×ΧХхᕁᕽ᙭᙮ᚷ╳⤫⤬⨯ⲬⵝꓫꞳ𐊐𐊴𐌗𐌢𐔧𑣬жЖχ",
    "y": "ɣΥγУуҮүყᎩᎽⲨꓬ𐊲𑢤𑣜𖽃чЧ",
    "z": "ΖᏃꓜꮓ𐋵𑢩𑣄𑣥",
}
_SIGNS = {sign: letter for letter, signs in LOOKALIKES.items() for sign in signs}
_NAMED = re.compile(
    r"(?:LATIN|REGIONAL|TURNED).* LETTER (?:(?:SMALL|CAPITAL|TURNED|SCRIPT|REVERSED|DOTLESS|OPEN|CLOSED|BARRED|INVERTED"
    r"|SIDEWAYS|LONG) )*([A-Z])(?: WITH .*)?$"
)
#: letters of braille, a to z
_BRAILLE = dict(zip("⠁⠃⠉⠙⠑⠋⠛⠓⠊⠚⠅⠇⠍⠝⠕⠏⠟⠗⠎⠞⠥⠧⠺⠭⠽⠵", "abcdefghijklmnopqrstuvwxyz", strict=True))


class _Read(dict[int, str]):
    """What a sign is read as: a small letter, a digit, a mark of ASCII as it is, nothing for what is not seen, else a blank."""

    def __missing__(self, code: int) -> str:
        self[code] = read = "".join(map(_read, unicodedata.normalize("NFKD", chr(code)))) or _read(chr(code))
        return read


def _read(sign: str) -> str:
    if sign.isascii():
        return sign.lower()
    if 0xE0020 <= ord(sign) <= 0xE007E:  # tags: ASCII that is not seen, which people who copy it can read
        return chr(ord(sign) - 0xE0000).lower()
    if sign.isdecimal():
        return str(unicodedata.digit(sign))
    if known := _SIGNS.get(sign) or _SIGNS.get(sign.lower()) or _BRAILLE.get(sign):
        return known
    if named := _NAMED.match(unicodedata.name(sign, "")):
        return named[1].lower()
    if unicodedata.category(sign)[0] == "M" or unicodedata.category(sign) == "Cf":
        return ""
    return sign.casefold() if sign.isalnum() else " "


_READ = _Read()


def seen(words: str) -> str:
    """``words`` as an eye reads them: small, without accents and what is not seen, look-alikes as the letters they look like."""
    return words.translate(_READ)
