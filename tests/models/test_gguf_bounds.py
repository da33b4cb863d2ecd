"""A header may claim anything: what it claims is bounded before it is read, and told in one line."""

import struct
from pathlib import Path

import pytest

from lacie_chat.models import ModelError, find_calibrator
from lacie_chat.models.gguf_file import inspect_gguf, read_metadata

STRING, ARRAY, U8 = 8, 9, 0
BIG = 1 << 27


def text(value: bytes) -> bytes:
    return struct.pack("<Q", len(value)) + value


def header(*keys: bytes, tensors: int = 0) -> bytes:
    return b"GGUF" + struct.pack("<IQQ", 3, tensors, len(keys)) + b"".join(keys)


def sparse(path: Path, head: bytes, size: int) -> Path:
    """A file of `size` bytes that begins so, and takes no room."""
    with path.open("wb") as file:
        file.write(head)
        file.truncate(size)
    return path


@pytest.mark.parametrize(
    ("head", "why"),
    [
        (header(text(b"tokens") + struct.pack("<IIQ", ARRAY, STRING, BIG)), "a list in its header is of absurd length"),
        (header(text(b"tokens") + struct.pack("<IIQ", ARRAY, U8, BIG + 1)), "a list in its header is of absurd length"),
        (header(text(b"n" * (10 << 20)) + struct.pack("<IB", U8, 1)), "its header holds a string of absurd length"),
        (header(text(b"name") + struct.pack("<IQ", STRING, BIG + 1)), "its header holds a string of absurd length"),
        (header(text(b"name") + struct.pack("<IQ", STRING, BIG)), "a text in its header runs past the end"),
        (header(text(b"t" * (10 << 20)), tensors=1), "its header holds"),
    ],
    ids=["many texts", "many numbers", "long key", "long text", "text past the end", "long tensor"],
)
def test_what_is_claimed_is_bounded(head: bytes, why: str, tmp_path: Path) -> None:
    size = len(head) if "past the end" in why else len(head) + 9 * BIG
    path = sparse(tmp_path / "model.gguf", head, size)
    for read in (read_metadata, inspect_gguf):
        with pytest.raises(ModelError, match=why) as failed:
            read(path)
        assert len(str(failed.value)) < 300


@pytest.mark.parametrize(
    ("inside", "why"),
    [
        ("[" * 200_000, "nested too deeply"),
        ('{"n": ' + "9" * 5_000 + "}", "a number of 5,000 digits"),
        ("NaN", "NaN is no number"),
        ("[]", "not a calibrator"),
        ('{"format": "lacie-calibrator/4"}', "'n' is missing"),
    ],
    ids=["deep", "digits", "NaN", "list", "empty"],
)
def test_a_calibrator_inside_a_model_is_read_with_bounds(inside: str, why: str, tmp_path: Path) -> None:
    key = text(b"lacie.calibrator") + struct.pack("<I", STRING) + text(inside.encode())
    path = tmp_path / "model.gguf"
    path.write_bytes(header(key))
    with pytest.raises(ModelError, match=why) as failed:
        find_calibrator(path)
    assert len(str(failed.value).splitlines()) == 1
