"""Contents that come late, in pieces, or not at all: asked with pauses, not for ever, and nothing is fetched twice."""

from typing import Any

import pytest
from hub_server import Answer, HubServer

from lacie_chat.models import ModelError, resolve
from lacie_chat.models import hub as hub_module

REPO = "owner/Tiny-GGUF"
FILE = "tiny-Q4_K_M.gguf"


def test_a_server_that_sends_less_than_it_claims_is_asked_with_pauses_and_not_for_ever(
    tiny: HubServer, refused: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[int] = []
    monkeypatch.setattr(hub_module, "_pause", pauses.append)
    tiny.answers["contents"] = Answer(206, {"Content-Range": "bytes 0-9/10"}, b"")
    line = refused()
    assert f"the download of {FILE} broke off (0 kB of 308 kB came); run it again, it goes on from there" in line
    assert pauses == [1, 2, 3, 4]


def test_crumbs_are_not_progress(tiny: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that sends ten bytes a time would be asked thirty thousand times."""
    monkeypatch.setattr(hub_module, "_PAUSE_SECONDS", 0.001)
    tiny.faults.break_after, tiny.faults.break_times = 10, 10**9
    with pytest.raises(ModelError, match="broke off"):
        resolve(REPO)
    assert len(tiny.contents_requests()) == 5
    (partial,) = hub_module.cache_dir().rglob("*.lacie.incomplete")
    assert partial.stat().st_size == 50  # kept
    tiny.faults.break_times = 0
    resolve(REPO)
    assert tiny.contents_requests()[-1].range == "bytes=50-"


def test_a_line_that_breaks_every_600_kilobytes_brings_a_large_file(
    tiny: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_module, "_PAUSE_SECONDS", 0)
    name, content = "large.bin", bytes(70_000_000)
    tiny.repos[REPO].files[name] = content
    tiny.faults.break_after, tiny.faults.break_times = 600_000, 10**9
    (path,) = hub_module.download(hub_module.repository(REPO), (name,), "large")
    assert path.stat().st_size == len(content)
    starts = [int((request.range or "bytes=0-")[6:-1]) for request in tiny.contents_requests()]
    assert starts == [600_000 * number for number in range(117)]  # nothing is fetched twice


@pytest.mark.parametrize(
    ("answer", "line"),
    [
        (Answer(200, body=b"x" * 1_000_000), "is longer than the Hub says; run it again"),
        (Answer(200, body=b"x" * 1_000_000, claims=-1), "is longer than the Hub says; run it again"),
        (Answer(200, body=b"<html>Sign in to the hotel's network</html>", claims=-1), "broke off"),
        (Answer(200, body=b"GGUF", claims=300_000), "broke off"),
        (Answer(200, body=b""), "broke off"),
        (Answer(204), "broke off"),
        (Answer(206, {"Content-Range": "bytes 5-9/10"}, b"12345"), "another part of tiny-Q4_K_M.gguf came"),
        (Answer(206, {"Content-Range": "rubbish"}, b"12345"), "another part of"),
        (Answer(416), "is shorter than the Hub says; run it again, it starts over"),
        (Answer(200, {"Content-Encoding": "gzip"}, b"no gzip at all"), "sends what can't be read"),
        (Answer(200, {"Transfer-Encoding": "chunked"}, b"no chunks", claims=-1), "broke off"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_contents_that_are_not_the_file(tiny: HubServer, refused: Any, answer: Answer, line: str) -> None:
    tiny.answers["contents"] = answer
    assert line in refused(then_works="html" not in str(answer.body) and answer.body != b"GGUF")


def test_an_answer_that_is_no_file_is_not_gone_on_with_for_ever(tiny: HubServer, refused: Any) -> None:
    """What a hotel's page left is found out by the checksum; the second try starts over."""
    tiny.answers["contents"] = Answer(200, body=b"<html>Sign in</html>", claims=-1)
    refused(then_works=False)
    tiny.answers.clear()
    with pytest.raises(ModelError, match="arrived damaged"):
        resolve(REPO)
    assert resolve(REPO).path.read_bytes() == tiny.repos[REPO].files[FILE]


def test_trouble_in_the_middle_is_waited_out(tiny: HubServer) -> None:
    tiny.faults.break_after, tiny.faults.break_times = 100_000, 2
    assert resolve(REPO).path.read_bytes() == tiny.repos[REPO].files[FILE]
    assert [request.range for request in tiny.contents_requests()] == [None, "bytes=100000-", "bytes=200000-"]
