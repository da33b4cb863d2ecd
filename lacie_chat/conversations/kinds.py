"""What each part of a stored conversation must be, so that nothing breaks that shows it or counts with it.

Asked of a file before it is imported, and of every row when it is read: a database may be damaged, too.
"""

from datetime import datetime
from typing import Any, get_args

from lacie_chat.confidence import Assessment, SentenceAcceptance, Span, State, confidence_text
from lacie_chat.cut_off import NOT_SENT, left_out_words


def is_id(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300


def is_share(value: Any) -> bool:
    return is_number(value) and 0 <= value <= 1


def is_object(value: Any) -> bool:
    return isinstance(value, dict)


def is_moment(value: Any) -> bool:
    try:
        moment = datetime.fromisoformat(value)
        return moment.tzinfo is not None and 1 < moment.year < 9999
    except (TypeError, ValueError):
        return False


def is_flat(value: Any) -> bool:
    """An object of words and numbers."""
    return is_object(value) and all(isinstance(each, str | bool) or is_number(each) for each in value.values())


def is_usage(value: Any) -> bool:
    """Counts, a word for why it ended, and what was left out of the prompt. One that was not sent says why."""
    if not is_object(value):
        return False
    counts = {name: each for name, each in value.items() if name != "cut"}
    if counts.get("finish_reason") == NOT_SENT and not all(is_number(counts.get(n)) for n in ("prompt_tokens", "room")):
        return False
    return are_numbers_but(counts, "finish_reason") and _is_cut(value.get("cut"))


def _is_cut(value: Any) -> bool:
    """What `left_out_words` says in words."""
    try:
        left_out_words(value)
    except (AttributeError, KeyError, TypeError, ValueError):
        return False
    return value is None or is_object(value)


def are_numbers_but(value: Any, *words: str) -> bool:
    """An object of numbers, but for some words."""
    return is_object(value) and all(
        each is None or (isinstance(each, str) if name in words else isinstance(each, bool) or is_number(each))
        for name, each in value.items()
    )


def are_numbers(value: Any) -> bool:
    return is_object(value) and all(each is None or is_number(each) for each in value.values())


def are_params(value: Any) -> bool:
    """Names are words, the sampling is an object."""
    if not is_object(value):
        return False
    sampling = value.get("sampling")
    if sampling is not None and not (is_object(sampling) and all(is_setting(*each) for each in sampling.items())):
        return False
    names = (value.get(name) for name in _NAMES)
    return all(name is None or isinstance(name, str) for name in names)


def is_setting(name: str, value: Any) -> bool:
    """How answers are drawn is compared and counted with, so what is a number there must be one."""
    return value is None or (
        is_number(value) if name in _COUNTED else isinstance(value, str | bool | int | float | list)
    )


_NAMES = ("model", "adapter", "model_ref", "adapter_ref", "fingerprint", "system_prompt", "preset")
_COUNTED = ("temperature", "top_p", "top_k", "min_p", "max_tokens", "seed")


def is_assessment(value: Any) -> bool:
    """Can it be read and shown, and does it stay within its text?"""
    try:
        heard = Assessment.from_dict(value)
        confidence_text(heard)
        spans: list[Span | SentenceAcceptance] = [
            *heard.hedges,
            *heard.boosters,
            *(heard.sentences or ()),
            *([heard.answer_span] if heard.answer_span else []),
        ]
        confidence = value.get("confidence") or {"value": None, "kind": None}
        return (
            heard.state in get_args(State)
            and all(isinstance(text, str) for text in (heard.question, heard.response, heard.masked_response))
            and all(
                0 <= span.start <= span.end and heard.response[span.start : span.end] == span.text for span in spans
            )
            and all(each is None or is_share(each) for each in (heard.acceptance, heard.p_right, confidence["value"]))
            and confidence["kind"] in (None, "calibrated", "acceptance")
        )
    except (AttributeError, KeyError, TypeError, ValueError, AssertionError):
        return False


def are_tokens(value: Any, length: int) -> bool:
    """Rows of start, end, log-probability; and perhaps text, which of the likeliest it is, and those."""
    return isinstance(value, list) and all(is_token(row, length) for row in value)


def is_token(row: Any, length: int) -> bool:
    if not isinstance(row, list) or len(row) not in (3, 6):
        return False
    start, end, logprob, *more = row
    if not (is_id(start) and is_id(end) and 0 <= start <= end <= length and is_number(logprob)):
        return False
    if not more:
        return True
    text, drawn, likeliest = more
    return (
        isinstance(text, str)
        and (drawn is None or is_id(drawn))
        and isinstance(likeliest, list)
        and all(
            isinstance(each, list) and len(each) == 2 and isinstance(each[0], str) and is_number(each[1])
            for each in likeliest
        )
    )
