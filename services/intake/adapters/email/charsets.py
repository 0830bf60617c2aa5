"""Bytes of a mail as text: the charsets that mail really uses, and what to do with a wrong label.

Python knows codecs that no mail may name, such as `utf-7` and `idna`; and labels lie. Text never holds NUL or
lone surrogates: PostgreSQL keeps neither.
"""

import re

_BAD = re.compile("[\0\ud800-\udfff]")
_NAMES = {
    **{name: name for name in ("utf-8", "utf-16", "utf-16le", "utf-16be", "gb18030", "big5", "euc-jp", "euc-kr")},
    **{name: name for name in ("shift_jis", "iso-2022-jp", "iso-2022-kr", "koi8-r", "koi8-u", "tis-620", "hz")},
    **{f"iso-8859-{number}": f"iso-8859-{number}" for number in (*range(2, 9), 10, 13, 14, 15, 16)},
    **{f"windows-{number}": f"cp{number}" for number in range(1250, 1259)},
    **{f"cp{number}": f"cp{number}" for number in (437, 850, 852, 855, 866, *range(1250, 1259))},
    # As browsers do: the wider charset also covers what writers of the narrower one really send.
    "us-ascii": "cp1252",
    "ascii": "cp1252",
    "iso-8859-1": "cp1252",
    "latin1": "cp1252",
    "iso-8859-9": "cp1254",
    "iso-8859-11": "cp874",
    "windows-874": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "cp936": "gb18030",
    "ks_c_5601-1987": "cp949",
    "sjis": "cp932",
    "cp932": "cp932",
    "windows-31j": "cp932",
    "utf8": "utf-8",
    "macintosh": "mac-roman",
}
_OFTEN_UTF8 = frozenset({"", "cp1252"})


def decode(content: bytes, charset: str | None) -> str:
    """The text of these bytes. A charset that mail does not use is taken for UTF-8."""
    label = (charset or "").strip().strip("\"'").lower()
    codec = _NAMES.get(label, "")
    if codec in _OFTEN_UTF8 or codec == "utf-8":
        return clean(_decode_utf8(content, is_certain=label in ("utf-8", "utf8")))
    return clean(content.decode(codec, errors="replace"))


def _decode_utf8(content: bytes, *, is_certain: bool) -> str:
    """UTF-8 where it is; a text says so by itself, hardly any other is valid UTF-8 by chance."""
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        replaced = content.decode("utf-8", errors="replace")
    beyond_ascii = sum(1 for character in replaced if character > "\x7f")
    is_damaged_utf8 = is_certain and replaced.count("�") * 2 <= beyond_ascii
    return replaced if is_damaged_utf8 else content.decode("cp1252", errors="replace")


def clean(text: str) -> str:
    """The text with replacement characters for what cannot be stored."""
    return _BAD.sub("�", text)


def from_header(value: str) -> str:
    """A header's raw value as text: bytes beyond ASCII stand in it as surrogates."""
    if value.isascii():
        return clean(value)
    return decode(value.encode("ascii", errors="surrogateescape"), None) if _is_raw(value) else clean(value)


def _is_raw(value: str) -> bool:
    return all(character < "\x80" or "\udc80" <= character <= "\udcff" for character in value)
