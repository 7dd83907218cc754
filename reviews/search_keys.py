"""What a text is found by: its own signs, its pinyin in full, and the initials (破损 → posun, ps). Leaf."""

import re
import unicodedata

_NOT_A_WORD = re.compile(r"[^0-9a-z\u3400-\u9fff]+")


def plain(text: str) -> str:
    """Half-width, lower case, one space between words: how both sides of a search are written."""
    return _NOT_A_WORD.sub(" ", unicodedata.normalize("NFKC", text).lower()).strip()


def search_key(*texts: str) -> str:
    """One line a text: signs | full pinyin | initials. Search it with `words_of` by containment."""
    return "\n".join(_key(plain(text)) for text in texts)


def _key(text: str) -> str:
    # Its 50,000 phrases take long to load, and few processes write keys.
    from pypinyin import Style, lazy_pinyin

    full, initials = (
        [each.replace(" ", "") for each in lazy_pinyin(text, style=style, errors=_as_it_is)]
        for style in (Style.NORMAL, Style.FIRST_LETTER)
    )
    return f"{text.replace(' ', '')}|{''.join(full)}|{''.join(initials)}"


def _as_it_is(text: str) -> str:
    """What is no Chinese ("500ml") stays whole in both spellings."""
    return text


def words_of(query: str) -> list[str]:
    """The words that all have to be in a key; full-width signs and capitals are forgiven."""
    return plain(query).split()
