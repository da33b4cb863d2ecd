"""A Hub that answers an upload with nonsense, and a password in its address: one line, and the password nowhere."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hub_in_use import hub_in_use
from hub_server import TOKEN, Answer, HubServer
from lacie_export.errors import ExportError
from lacie_export.push import check_access, push

REPO = "tester/Tiny-GGUF"


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    with hub_in_use(monkeypatch) as server:
        yield server


@pytest.fixture
def out(tmp_path: Path) -> Path:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "tiny-Q8_0.gguf").write_bytes(b"GGUF")
    return tmp_path / "out"


ODD = [b"", b"{", b"null", b"7", b"[]", b'"x"', b"\xff", b"[" * 100_000, b"{}", b'{"url": 7, "files": 3}', b"<html>"]


@pytest.mark.parametrize("body", ODD, ids=lambda body: repr(body[:16]))
def test_an_answer_that_is_none(hub: HubServer, out: Path, body: bytes) -> None:
    hub.answers["look-up"] = Answer(body=body)
    for ask in (lambda: check_access(REPO), lambda: push(out, REPO)):
        try:
            ask()
        except ExportError as error:
            assert "\n" not in str(error)


@pytest.mark.parametrize(
    "answer", [Answer(302, {"Location": "http://["}), Answer(302), Answer(500), Answer(401), Answer(999)], ids=str
)
def test_an_answer_that_leads_nowhere(
    hub: HubServer, out: Path, answer: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    monkeypatch.setenv("HF_ENDPOINT", hub.endpoint.replace("://", "://me:hunter2@"))
    hub.answers["look-up"] = answer
    with pytest.raises(ExportError) as refused:
        check_access(REPO)
    assert "\n" not in str(refused.value) and "hunter2" not in str(refused.value)
    with pytest.raises(ExportError, match="uploading to tester/Tiny-GGUF failed") as refused:
        push(out, REPO)
    assert "\n" not in str(refused.value) and "hunter2" not in str(refused.value)


@pytest.mark.parametrize("address", ["http://[", "huggingface.co", "ftp://me:hunter2@127.0.0.1", "http://127.0.0.1:9"])
def test_an_address_that_is_none(hub: HubServer, out: Path, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", address)
    with pytest.raises(ExportError) as refused:
        check_access(REPO)
    assert str(refused.value).startswith(f"can't push to {REPO}: ") and "hunter2" not in str(refused.value)
