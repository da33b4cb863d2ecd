"""A text as its reader sees it, before it is heard: nothing hidden between letters, no marks of a prompt, no repeats.

An answer could otherwise talk its listener round, or hide its hedges from it. What is undone: characters that aren't
seen, letters that look like others, digits in place of letters in words that say how sure somebody is, markup that
splits words, turn markers, and verdicts in the listener's own form. The answer's placeholder, names, numbers and words
of other scripts stay as they are. Pure, linear in the length, never raises.
"""

import html
import re
import unicodedata

from lacie_chat.confidence.masking import PLACEHOLDER

_UNSEEN = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_STRUCK = re.compile("[\u0332-\u0338\u0305\u20d2\u20d3\u20e5-\u20eb]")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffc\ufffd]")
_LOOKALIKE = str.maketrans(
    dict(
        zip(
            "абвгдезіјкмноорсстухѕһԁԛԝАВЕЗІЈКМНОРСТУХЅԜԌαβεικνορτυχωΑΒΕΖΗΙΚΜΝΟΡΤΥΧɑɡɩɪʏᴀᴄᴅᴇᴊᴋᴍɴᴏᴘʀꜱᴛᴜᴠᴡᴢʙʜʟ",
            "abbrde3ijkmhoopcctyxshdqwABE3IJKMHOPCTYXSWGaBeiKvoptuxwABEZHIKMNOPTYXagiiyacdejkmnoprstuvwzbhl",
            strict=True,
        )
    )
)
_WORD = re.compile(r"[^\W\d_]+")
_MIXED = re.compile("[a-zA-Z]")
_NON_LATIN = re.compile("[\u0370-\u03ff\u0400-\u052f\u0250-\u02af\u1d00-\u1d7f\ua730-\ua7ff]")
_LEET = re.compile(
    r"(?<![\w@$!|+])(?=[a-zA-Z0-9@$!|+]{0,29}[a-zA-Z])(?=[a-zA-Z]{0,29}[0-9@$!|+])[a-zA-Z0-9@$!|+]{2,30}(?![\w@$])"
)
_LEET_LETTERS = str.maketrans(
    {
        "0": "o",
        "3": "e",
        "4": "a",
        "5": "s",
        "7": "t",
        "8": "b",
        "9": "g",
        "@": "a",
        "$": "s",
        "!": "i",
        "|": "l",
        "+": "t",
    }
)
_SPACED = re.compile(r"(?<![^\W_])(?:[^\W\d_][ .\-·]){3,20}[^\W\d_](?![^\W_])")
_COMMENT = re.compile(r"<!--.{0,2000}?-->", re.DOTALL)
_TURN = re.compile(
    r"<\|[^|<>\n]{0,40}\|>(?:(?:system|user|assistant)\b)?|</?s>|\[/?INST\]|<</?SYS>>|</?(?:start|end)_of_turn>|</?(?:bos|eos|pad|unk)>"
)
_TAG = re.compile(
    r"</?(?:b|i|u|s|em|strong|del|ins|mark|sub|sup|span|font|wbr|small|big|tt|code|p|br|div)\b[^<>]{0,200}>",
    re.IGNORECASE,
)
_LINK = re.compile(r"!?\[([^\[\]\n]{0,300})\]\([^()\s]{0,500}\)")
_EMPHASIS = re.compile(r"\*+|~~|`+|(?<![^\W_])_{1,3}(?=\S)|(?<=[^\s_])_{1,3}(?![^\W_])|(?<=[a-z])_{2,}(?=[a-z])")
_LINE_MARK = re.compile(r"^[ \t]*(?:#{1,6}[ \t]+|>[ \t]?|[-+•][ \t]+|\|)+", re.MULTILINE)
_RULE = re.compile(r"^[ \t]*(?:[-=_][ \t]*){3,}$", re.MULTILINE)
_ESCAPE = re.compile(r"\\([\\`*_{}\[\]()#+\-.!>~|])")
_OWN_MARK = re.compile(
    r"(?<!\w)(?:sure|confident|confidence|certain|accept(?:ed|ance|able)?|verdict|label|judg(?:e?ment|e))[\"']?\s*[:=]+>?\s*"
    r"[\"']?(?:yes|no|true|false|sure|unsure|confident|accept(?:ed)?|reject(?:ed)?|high|pass(?:ed)?|[01](?:\.\d+)?)(?![\w%.])(?!\s*(?:%|percent|sure))[\"']?",
    re.IGNORECASE,
)
_JSON = re.compile(r"(?:```\w{0,10}\s{0,3})?\{[^{}]{0,600}\}(?:\s{0,3}```)?")
_KEYED = re.compile(r"[\"'][^\"'\n]{1,80}[\"']\s*:")
_OWN_START = re.compile(r"(?:^|(?<=\s))answer:(?=\s)", re.IGNORECASE)
_SENTENCE = re.compile(r"[^.!?\n]+[.!?]*[\"'”’)\]]*\s*|[.!?\n]+\s*")
_REPEATED = re.compile(r"\b(\w+)(?:[\s,.!]+\1\b){2,}", re.IGNORECASE)

_HEDGE_WORDS = frozenset(
    (
        "absolutely admittedly allegedly almost apparently appear appears approximately arguably assume assumption "
        "believe bet but can cannot can't certain certainly certainty chance clue conceivably confident could "
        "definite definitely don't doubt doubtful entirely estimate evidently exactly fairly feeling figure gather "
        "guess guessing guesswork hardly honestly hunch idea if impossible improbable imagine impression kind know "
        "likely likelihood maybe memory might mistaken mixed more most mostly must never no not obviously odds of "
        "perhaps plausible plausibly positive possible possibility possibly presumably pretty probable probably "
        "probability quite rather really recall reckon remember reportedly roughly seem seems should shot somewhat "
        "somewhere sort speculate speculation sure supposedly suppose suspect tentative tentatively think thought "
        "toss uncertain uncertainty unclear undoubtedly unlikely unsure vague vaguely wild without would wrong"
    ).split()
)
"""Words that may be written with digits for letters to hide them."""


def visible_text(text: str) -> str:
    """`text` as a reader sees it, on one line; an empty one if nothing is seen."""
    for _ in range(3):  # "&amp;shy;" is seen as "&shy;" at most
        text = html.unescape(text) if "&" in text else text
    text = _UNSEEN.sub("", text)
    text = _STRUCK.sub("", text)
    text = _CONTROL.sub(" ", unicodedata.normalize("NFKC", text))
    text = _UNSEEN.sub("", text)
    text = _WORD.sub(_latin, text) if _NON_LATIN.search(text) else text
    text = _TURN.sub(" ", _COMMENT.sub(" ", text))
    text = _TAG.sub("", text)
    text = _LINK.sub(lambda m: PLACEHOLDER if m.group(1) == PLACEHOLDER[1:-1] else m.group(1), text)
    text = _LINE_MARK.sub("", _RULE.sub(" ", text))
    text = _ESCAPE.sub(r"\1", text)
    text = _EMPHASIS.sub("", text)
    text = _SPACED.sub(_joined, text)
    text = _LEET.sub(_unleeted, text)
    text = _OWN_START.sub(" ", _OWN_MARK.sub(" ", _JSON.sub(_json, text)))
    return _once(" ".join(text.split()))


def _latin(match: re.Match[str]) -> str:
    """A word with look-alikes of Latin letters in it, in Latin letters if it then is plain; else as it is."""
    word = match.group()
    if not _NON_LATIN.search(word):
        return word
    plain = word.translate(_LOOKALIKE)
    if not plain.isascii():
        return word
    return plain if _MIXED.search(word) or plain.lower() in _HEDGE_WORDS or plain in ("I", "a", "i") else word


def _unleeted(match: re.Match[str]) -> str:
    """m4yb3 as maybe; what isn't such a word then stays (B12, DB12457, 4th)."""
    word = match.group()
    core = word.strip("!|+")
    for one in ("i", "l"):
        plain = core.translate(_LEET_LETTERS).replace("1", one)
        if plain.lower() in _HEDGE_WORDS and plain.lower() != core.lower():
            return plain + word[len(core) :] if word.startswith(core) else plain
    return word


def _joined(match: re.Match[str]) -> str:
    """m a y b e as maybe, if that is such a word."""
    plain = re.sub(r"[^\w]|_", "", match.group())
    return plain if plain.lower() in _HEDGE_WORDS else match.group()


def _json(match: re.Match[str]) -> str:
    """A JSON object goes, unless the answer is in it."""
    keeps = PLACEHOLDER in match.group() or not _KEYED.search(match.group())
    return match.group() if keeps else " "


def _once(text: str) -> str:
    """Every sentence once, where it stands first; a word said over and over, once."""
    seen: set[str] = set()
    kept: list[str] = []
    for match in _SENTENCE.finditer(text):
        key = " ".join(re.findall(r"\w+|\[|\?", match.group().lower()))
        if key and key in seen:
            continue
        seen.add(key)
        kept.append(match.group())
    return _REPEATED.sub(r"\1", "".join(kept)).strip()
