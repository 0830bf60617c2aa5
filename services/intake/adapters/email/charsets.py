"""Bytes of a mail as text: the charsets that mail really uses, and what to do with a wrong label.

Python knows codecs that no mail may name, such as `utf-7` and `idna`; and labels lie. Text never holds NUL or
lone surrogates: PostgreSQL keeps neither.
"""

import re
from dataclasses import dataclass

_BAD = re.compile("[\0\ud800-\udfff]")
_NAMES = {
    **{name: name for name in ("utf-8", "utf-16", "utf-16le", "utf-16be", "utf-32", "gb18030", "big5", "euc-jp")},
    **{name: name for name in ("shift_jis", "iso-2022-jp", "iso-2022-kr", "koi8-r", "koi8-u", "tis-620", "hz")},
    **{f"iso-8859-{number}": f"iso-8859-{number}" for number in (*range(2, 9), 10, 13, 14, 15, 16)},
    **{f"windows-{number}": f"cp{number}" for number in range(1250, 1259)},
    **{f"cp{number}": f"cp{number}" for number in (437, 850, 852, 855, 866, *range(1250, 1259))},
    **{f"latin{number}": f"iso-8859-{number}" for number in (2, 3, 4)},
    # As browsers do: the wider charset also covers what writers of the narrower one really send.
    **dict.fromkeys(("us-ascii", "ascii", "ansi_x3.4-1968", "iso-8859-1", "latin1", "l1"), "cp1252"),
    **dict.fromkeys(("iso-8859-9", "latin5"), "cp1254"),
    **dict.fromkeys(("iso-8859-11", "windows-874"), "cp874"),
    **dict.fromkeys(("gb2312", "gbk", "cp936", "x-gbk", "gb_2312-80", "euc-cn", "windows-936"), "gb18030"),
    **dict.fromkeys(("ks_c_5601-1987", "euc-kr", "ksc5601", "windows-949", "cp949"), "cp949"),
    **dict.fromkeys(("sjis", "x-sjis", "cp932", "windows-31j", "ms_kanji"), "cp932"),
    **dict.fromkeys(("big5-hkscs", "x-big5", "cp950"), "big5hkscs"),
    **dict.fromkeys(("cp50220", "cp50221"), "iso-2022-jp"),
    **dict.fromkeys(("iso-8859-8-i", "iso-8859-8-e"), "iso-8859-8"),
    **dict.fromkeys(("macintosh", "x-mac-roman"), "mac-roman"),
    "unicode-1-1-utf-8": "utf-8",
}
_BY_LETTERS = {re.sub(r"[^a-z0-9]", "", name): codec for name, codec in _NAMES.items()}
_OFTEN_UTF8 = frozenset({"", "cp1252"})
_JAPANESE_ESCAPES = (b"\x1b$B", b"\x1b$@", b"\x1b(J")
_META = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?([a-zA-Z0-9_.:-]{1,40})", re.IGNORECASE)
_MARKS = (b"\xff\xfe", b"\xfe\xff")
_MAX_HEAD = 2_048
_REPLACED = "\N{REPLACEMENT CHARACTER}"


def codec_of(charset: str | None) -> str:
    """Python's name for a charset that mail uses, however it is spelled; empty for any other."""
    return _BY_LETTERS.get(re.sub(r"[^a-z0-9]", "", (charset or "")[:60].lower()), "")


@dataclass(frozen=True, slots=True)
class Decoded:
    """Bytes as text. is_damaged: whether it may not be what was written, as letters are missing or guessed"""

    text: str
    is_damaged: bool = False


def decode(content: bytes, charset: str | None) -> Decoded:
    """The text of these bytes. A charset that mail does not use is taken for UTF-8."""
    codec = codec_of(charset)
    is_sure = bool(codec) or not charset
    if codec in _OFTEN_UTF8 and any(escape in content for escape in _JAPANESE_ESCAPES):
        codec = "iso-2022-jp"
    if codec.startswith(("utf-16", "utf-32")) and b"\0" not in content and not content.startswith(_MARKS):
        codec = "utf-8"
    if codec in _OFTEN_UTF8 or codec == "utf-8":
        text, is_guessed = _decode_utf8(content, is_certain=codec == "utf-8")
        is_sure = is_sure and (codec == "cp1252" or not is_guessed)
    else:
        text = content.decode(codec, errors="replace")
    text = clean(text).removeprefix("\ufeff")
    return Decoded(text, not is_sure or _REPLACED in text)


def of_html(content: bytes) -> str | None:
    """The charset that HTML names itself, for a part that names none."""
    found = _META.search(content[:_MAX_HEAD])
    return found[1].decode("ascii") if found else None


def _decode_utf8(content: bytes, *, is_certain: bool) -> tuple[str, bool]:
    """UTF-8 where it is; a text says so by itself, hardly any other is valid UTF-8 by chance. Else a guess."""
    try:
        return content.decode("utf-8"), False
    except UnicodeDecodeError:
        replaced = content.decode("utf-8", errors="replace")
    beyond_ascii = sum(1 for character in replaced if character > "\x7f")
    is_damaged_utf8 = is_certain and replaced.count(_REPLACED) * 2 <= beyond_ascii
    return replaced if is_damaged_utf8 else content.decode("cp1252", errors="replace"), True


def clean(text: str) -> str:
    """The text with replacement characters for what cannot be stored."""
    return _BAD.sub(_REPLACED, text)


def from_header(value: str, charset: str | None = None) -> Decoded:
    """A header's raw value as text: bytes beyond ASCII stand in it as surrogates.

    charset: what the mail's text is written in; such bytes are UTF-8, or else mostly that
    """
    if value.isascii() or not _is_raw(value):
        text = clean(value)
        return Decoded(text, _REPLACED in text)
    content = value.encode("ascii", errors="surrogateescape")
    try:
        return Decoded(clean(content.decode("utf-8")))
    except UnicodeDecodeError:
        return decode(content, charset)


def _is_raw(value: str) -> bool:
    return all(character < "\x80" or "\udc80" <= character <= "\udcff" for character in value)
