"""Texts that were damaged on their way: read in the wrong encoding, cut inside a character, or escaped for a web page.

Knows the marks that damage leaves in characters; nothing of columns. It tells the kinds apart, because they are mended in
different ways.
"""

from __future__ import annotations

import re

_CONTINUED = {bytes([byte]).decode("cp1252", "ignore") or chr(byte) for byte in range(0x80, 0xC0)}
_FOLLOWS = (
    "[" + "".join(re.escape(mark) for mark in sorted(_CONTINUED | {chr(byte) for byte in range(0x80, 0xA0)})) + "]"
)
# Other letters need two in a row: a capital or an ß before a closing quotation mark is how people write.
_NO_SPACE = rf"(?!\xa0){_FOLLOWS}"  # "à «" with a space that does not break is French
KINDS = {
    "misread": re.compile(
        rf"[ÂÃ]{_FOLLOWS}|â{_NO_SPACE}{_FOLLOWS}|ð{_FOLLOWS}{{3}}|(?:[Ä-ß]{_FOLLOWS}){{2}}|(?:[à-ï]{_NO_SPACE}{_FOLLOWS}){{2}}"
    ),
    "replaced": re.compile("\ufffd"),
    "control": re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]"),
    "escaped": re.compile(r"&(?:amp|lt|gt|quot|nbsp|apos|#\d{2,5}|#x[0-9a-fA-F]{2,5});"),
}
"""Marks by kind: UTF-8 that was read as Latin-1 or Windows-1252, characters that were replaced by U+FFFD, control characters, and
entities of HTML."""
WORDS = {
    "misread": "UTF-8 read as Latin-1", "replaced": "with replacement characters", "control": "with control characters",
    "escaped": "with HTML entities",
}  # fmt: skip


def damage_of(text: str) -> str:
    """Return the first kind of damage that a text shows, "" for none.

    Examples:
        >>> damage_of("CafÃ© au lait"), damage_of("Caf\\ufffd"), damage_of("fish &amp; chips"), damage_of("Café, SÃO PAULO")
        ('misread', 'replaced', 'escaped', '')
    """
    if text.isascii():
        ascii_kinds = ("control", "escaped")
        return next((kind for kind in ascii_kinds if KINDS[kind].search(text)), "")
    return next((kind for kind, mark in KINDS.items() if mark.search(text)), "")
