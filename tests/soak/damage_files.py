"""Damage: GGUFs and documents as transport, disks and enemies leave them. All of it hangs on the source of numbers."""

import json
import random
import struct
from collections.abc import Callable
from typing import Any

from lacie_chat.gguf_header import Header

_EXTREMES = (0, 1, 2, 31, 0x7F, 0xFF, 0xFFFF, 1 << 20, 1 << 27, 1 << 31, (1 << 32) - 1, 1 << 40, (1 << 63) - 1, 1 << 63)
_ODD_TEXTS = (
    "",
    "\x00",
    "\x1b]52;c;eA==\x07",
    "../../../etc/passwd",
    "\udcff",
    "A" * 5000,
    "\u202e",
    "none",
    "nan",
    "-1",
)
ODD_VALUES: tuple[Any, ...] = (
    *(
        None,
        True,
        False,
        0,
        -1,
        1,
        10**39,
        1e308,
        -1e308,
        0.5,
        "",
        "x",
        "\x00",
        "\ud800",
        [],
        {},
        [[]],
        [None],
        {"": {}},
    ),
    *("9" * 5000, ["x"] * 999, {"a": {"a": {"a": [1, {"a": 0}]}}}, "\x1b[2J", "🦜" * 100, "NaN", "../x", 10**15),
)
_ODD_BYTES = (
    *(
        b"[" * 5000,
        b"{" * 5000,
        b'{"a":' * 3000,
        b"9" * 5000,
        b"NaN",
        b"-Infinity",
        b"1e999",
        b"\xef\xbb\xbf",
        b"\x00" * 9,
    ),
    *(
        b"\xff\xfe",
        b"\xed\xa0\x80",
        b"\\ud800",
        b'"',
        b"\n",
        b"\r",
        b"\xe2\x80\xa8",
        b"}",
        b"]",
        b",",
        b":",
        b"- ",
        b"&a *a ",
    ),
    *(
        b"!!python/object/apply:os.system [touch marker]\n",
        b"\x1b]0;x\x07",
        b"null",
        b"{}",
        b"[]",
        b"''''",
        b'"""',
        b"#",
    ),
)


def damaged_gguf(draw: random.Random, data: bytes, header: Header) -> bytes:
    """A GGUF with one to three damages, most of them in its header."""
    for _ in range(draw.choice((1, 1, 1, 2, 3))):
        data = draw.choice(_GGUF)(draw, data, header)
    return data


def _put(data: bytes, at: int, new: bytes) -> bytes:
    return data[:at] + new + data[at + len(new) :]


def _flip(draw: random.Random, data: bytes, header: Header) -> bytes:
    for _ in range(draw.randint(1, 8)):
        at = draw.randrange(4, min(header.data, len(data)))
        data = _put(data, at, bytes([data[at] ^ (1 << draw.randrange(8))]))
    return data


def _counts(draw: random.Random, data: bytes, header: Header) -> bytes:
    return _put(data, draw.choice((4, 8, 16)), struct.pack("<Q", draw.choice(_EXTREMES)))


def _key(draw: random.Random, data: bytes, header: Header) -> bytes:
    """A key's value, its type, its name's length, or its name."""
    start, end = header.places[draw.choice(sorted(header.places))]
    if end > len(data) - 9:
        return data
    length = min(struct.unpack_from("<Q", data, start)[0], end - start - 12)
    at = draw.choice((start, start + 8, start + 8 + length, start + 12 + length))
    new = draw.choice(
        (struct.pack("<Q", draw.choice(_EXTREMES)), struct.pack("<I", draw.randrange(14)), draw.randbytes(4))
    )
    return _put(data, max(0, at), new)


def _text(draw: random.Random, data: bytes, header: Header) -> bytes:
    """A text of the header is another of the same length."""
    name = draw.choice([key for key, value in header.keys.items() if isinstance(value, str) and value])
    value = str(header.keys[name]).encode()
    new = draw.choice(_ODD_TEXTS).encode("utf-8", "surrogateescape")[: len(value)].ljust(len(value), b"\x1b")
    return data.replace(value, new, 1)


def _tensor(draw: random.Random, data: bytes, header: Header) -> bytes:
    start, end = header.tensor_list
    if end <= start + 8 or end > len(data):
        return data
    return _put(data, draw.randrange(start, end - 8), struct.pack("<Q", draw.choice(_EXTREMES)))


def _weights(draw: random.Random, data: bytes, header: Header) -> bytes:
    """NaN, infinities or noise in the tensors."""
    if len(data) <= header.data + 64:
        return data
    new = draw.choice((struct.pack("<f", float("nan")) * 8, struct.pack("<f", float("inf")) * 8, draw.randbytes(64)))
    return _put(data, draw.randrange(header.data, len(data) - 64), new)


def _cut(draw: random.Random, data: bytes, header: Header) -> bytes:
    return data[: draw.choice((draw.randrange(len(data)), draw.randrange(min(header.data, len(data)) + 1)))]


def _shift(draw: random.Random, data: bytes, header: Header) -> bytes:
    """Something is missing, or there is something too much."""
    at, length = draw.randrange(4, len(data) + 1) if len(data) > 4 else 0, draw.randint(1, 64)
    return data[:at] + (draw.randbytes(length) + data[at:] if draw.random() < 0.5 else data[at + length :])


def _zeros(draw: random.Random, data: bytes, header: Header) -> bytes:
    """A block of a disk that was never written."""
    at = draw.randrange(max(1, len(data)))
    return _put(data, at, bytes(min(4096, len(data) - at)))


_GGUF: tuple[Callable[[random.Random, bytes, Header], bytes], ...] = (
    *(_flip, _flip, _counts, _key, _key, _key, _text, _tensor, _tensor, _weights, _cut, _shift, _zeros),
)


def damaged_document(draw: random.Random, data: bytes) -> bytes:
    """A document with bytes changed, cut, doubled or put in; or, where it is JSON, with an odd value somewhere."""
    if draw.random() < 0.5 and (changed := _other_value(draw, data)) is not None:
        return changed
    for _ in range(draw.randint(1, 4)):
        at = draw.randrange(len(data) + 1)
        way = draw.randrange(5)
        if way == 0:
            data = data[:at] + draw.choice(_ODD_BYTES) + data[at:]
        elif way == 1:
            data = data[:at] + data[at + draw.randint(1, 30) :]
        elif way == 2:
            data = data[:at] + draw.randbytes(draw.randint(1, 6)) + data[at:]
        elif way == 3:
            data = data[:at] + data[max(0, at - draw.randint(1, 200)) :]
        else:
            data = data[:at]
    return data


def _other_value(draw: random.Random, data: bytes) -> bytes | None:
    """The document, or one of its lines, with a value changed, left out or added."""
    lines = data.split(b"\n")
    at = draw.randrange(len(lines))
    for rows, place in ((lines, at), ([data], 0)):
        try:
            value = json.loads(rows[place])
        except ValueError:
            continue
        changed = list(rows)
        changed[place] = json.dumps(_changed(draw, value), ensure_ascii=draw.random() < 0.5).encode(
            "utf-8", "surrogatepass"
        )
        return b"\n".join(changed)
    return None


def _changed(draw: random.Random, value: Any) -> Any:
    if isinstance(value, dict) and value and draw.random() < 0.85:
        key = draw.choice(sorted(value))
        if draw.random() < 0.15:
            return {name: each for name, each in value.items() if name != key}
        return {**value, key: _changed(draw, value[key])}
    if isinstance(value, list) and value and draw.random() < 0.7:
        at = draw.randrange(len(value))
        return [*value[:at], _changed(draw, value[at]), *value[at + 1 :]]
    return draw.choice(ODD_VALUES)
