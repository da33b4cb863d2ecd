"""Whatever a Hub may answer, at each of the three questions a download asks: one line that says what is wrong and what
to do, nothing beside it, and the next try works."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hub_server import TOKEN, Answer, HubServer

from lacie_chat.models import hub as hub_module
from lacie_chat.models import resolve

REPO = "owner/Tiny-GGUF"
FILE = "tiny-Q4_K_M.gguf"


HUB_STATUS = {
    400: "answered 400",
    401: "there is no repository owner/Tiny-GGUF on the Hub, or it is private",
    402: "answered 402",
    403: "refuses access to owner/Tiny-GGUF (403); log in",
    404: "answered 404 for owner/Tiny-GGUF",
    405: "answered 405",
    407: "proxy that wants a password",
    408: "has trouble of its own (408); try again later",
    410: "answered 410",
    418: "answered 418",
    429: "has been asked too often (429); try again later",
    451: "by law (451)",
    500: "the Hub has trouble of its own (500); try again later",
    502: "the Hub has trouble of its own (502)",
    503: "the Hub has trouble of its own (503)",
    504: "the Hub has trouble of its own (504)",
    599: "the Hub has trouble of its own (599)",
    300: "answered 300",
    304: "answered 304",
}


@pytest.mark.parametrize("question", ["look-up", "file"])
@pytest.mark.parametrize("status", HUB_STATUS)
def test_a_status_of_the_hub(tiny: HubServer, refused: Any, question: str, status: int) -> None:
    tiny.answers[question] = Answer(status, body=b"" if status == 304 else b"<html>An error\nof two lines</html>")
    line = refused()
    if (question, status) == ("file", 401):
        assert "refuses access to owner/Tiny-GGUF (401); log in" in line
    else:
        assert HUB_STATUS[status] in line


@pytest.mark.parametrize("question", ["download", "contents"])
@pytest.mark.parametrize(
    "status", [400, 401, 403, 404, 405, 408, 410, 418, 425, 429, 451, 500, 502, 503, 504, 300, 304]
)
def test_a_status_of_the_file_server(tiny: HubServer, refused: Any, question: str, status: int) -> None:
    tiny.answers[question] = Answer(status, body=b"" if status == 304 else b"<Error>\n</Error>")
    line = refused()
    assert line.startswith("the file server localhost " if question == "contents" else ("the Hub ", "http://127."))
    assert str(status) in line
    assert len(tiny.requests) <= 8


@pytest.mark.parametrize(
    ("code", "message", "line"),
    [
        ("GatedRepo", "Access to model is restricted.", "is gated: accept its terms at http://127.0.0.1:"),
        ("RepoNotFound", "Repository not found", "there is no repository owner/Tiny-GGUF on the Hub"),
        ("RevisionNotFound", "Invalid rev id", "has changed on the Hub meanwhile; try again"),
        ("EntryNotFound", "Entry not found", "has changed on the Hub meanwhile; try again"),
        ("", "Access to this resource is disabled.", "the Hub has disabled owner/Tiny-GGUF"),
        ("", "Invalid credentials in Authorization header", "doesn't know your token; renew it"),
        ("Unheard-Of", "Something else", "the Hub"),
    ],
)
@pytest.mark.parametrize("question", ["look-up", "file"])
def test_what_the_hub_says_of_a_refusal(
    tiny: HubServer, refused: Any, question: str, code: str, message: str, line: str
) -> None:
    tiny.answers[question] = Answer(401, {"X-Error-Code": code, "X-Error-Message": message})
    assert line in refused()


def test_a_gated_repository_says_what_to_do_with_and_without_a_login(
    tiny: HubServer, refused: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny.answers["file"] = Answer(403, {"X-Error-Code": "GatedRepo", "X-Error-Message": "Not in the authorized list"})
    page = f"{tiny.endpoint}/{REPO}"
    assert refused(then_works=False) == (
        f"{REPO} is gated: accept its terms at {page}, then log in with `hf auth login`"
    )
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    assert refused() == f"{REPO} is gated, and your account may not have it yet: accept its terms at {page}"


def test_the_hub_says_how_long_to_wait(tiny: HubServer, refused: Any) -> None:
    tiny.answers["look-up"] = Answer(429, {"Retry-After": "120"})
    assert refused() == "the Hub has been asked too often (429); try again in 120 s"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"7",
        b'"text"',
        b"\xff\xfe",
        b"<!doctype html><html>Sign in to the hotel's network</html>",
        b"[" * 100_000,
        b"{}",
        b'{"siblings": null}',
        b'{"siblings": {}}',
        b'{"siblings": "abc", "sha": "a"}',
        b'{"siblings": [], "sha": 7}',
        b'{"siblings": [], "sha": "../../etc"}',
        b'{"siblings": [], "sha": ""}' + b" " * (33 << 20),
    ],
    ids=lambda body: repr(body[:24]),
)
def test_a_look_up_that_is_no_answer(tiny: HubServer, refused: Any, body: bytes) -> None:
    tiny.answers["look-up"] = Answer(body=body)
    assert refused() == f"{tiny.endpoint} doesn't answer as the Hub does; check HF_ENDPOINT"


@pytest.mark.parametrize(
    "siblings",
    [
        [],
        [7, None, "x", [], {}],
        [{"rfilename": None}, {"rfilename": 3}, {"rfilename": ""}],
        [{"rfilename": "../../outside.gguf"}],
        [{"rfilename": "/etc/outside.gguf"}],
        [{"rfilename": "a//b.gguf"}, {"rfilename": "./b.gguf"}],
        [{"rfilename": "a\nb.gguf"}, {"rfilename": "\x1b[31m.gguf"}, {"rfilename": "a\x00.gguf"}],
        [{"rfilename": "..\\outside.gguf"}],
        [{"rfilename": "x" * 300 + ".gguf"}, {"rfilename": "d/" * 600 + "x.gguf"}],
        [{"rfilename": "\ud800.gguf"}],
    ],
    ids=lambda siblings: repr(siblings)[:40],
)
def test_odd_file_names_are_no_models(tiny: HubServer, refused: Any, siblings: list[Any]) -> None:
    tiny.answers["look-up"] = Answer(body=json.dumps({"sha": "0" * 40, "siblings": siblings}).encode())
    assert refused() == f"{REPO} holds no model as GGUF; look for a repository that does"


@pytest.mark.parametrize("name", ["ünïcode 模型.gguf", "a b#c?d%20e&f.gguf", "sub/folder/deep.GGUF", "it's+(1).gguf"])
def test_unusual_but_good_file_names_work(hub: HubServer, make_gguf, name: str) -> None:  # type: ignore[no-untyped-def]
    hub.add(REPO, {name: make_gguf("a.gguf")})
    found = resolve(REPO)
    assert found.path.read_bytes() == hub.repos[REPO].files[name]
    assert resolve(found.ref, download=False) == found


GOOD = {"X-Linked-Etag": '"' + "a" * 64 + '"', "X-Linked-Size": "1000", "Location": "http://localhost:{port}/cdn/x"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"X-Linked-Etag": ""},
        {"X-Linked-Etag": '"../../outside"'},
        {"X-Linked-Etag": '"a/b"'},
        {"X-Linked-Etag": '""'},
        {"X-Linked-Etag": '"' + "a" * 300 + '"'},
        {"X-Linked-Size": "many"},
        {"X-Linked-Size": "-1"},
        {"X-Linked-Size": "1e9"},
        {"X-Linked-Size": "9" * 40},
    ],
    ids=repr,
)
def test_odd_facts_of_a_file(tiny: HubServer, refused: Any, wrong: dict[str, str]) -> None:
    tiny.answers["file"] = Answer(302, {**GOOD, **wrong})
    assert refused() == f"{tiny.endpoint} doesn't answer as the Hub does; check HF_ENDPOINT"


def test_an_empty_file_is_said(tiny: HubServer, refused: Any) -> None:
    tiny.answers["file"] = Answer(302, {**GOOD, "X-Linked-Size": "0"})
    assert f"{FILE} of {REPO} is empty on the Hub" in refused()


def test_files_beside_the_model_may_be_empty_or_small(tiny: HubServer) -> None:
    """The export fetches configurations by the same way; their id is git's hash, not a SHA-256."""
    tiny.repos[REPO].files["empty.txt"] = b""
    tiny.answers["file"] = Answer(200, {"ETag": 'W/"%s"' % ("e" * 40)})
    (path,) = hub_module.download(hub_module.repository(REPO), ("empty.txt",), "empty")
    assert path.read_bytes() == b"" and path.resolve().name == "e" * 40


def test_a_disk_without_links_has_the_file_itself(tiny: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(self: Path, target: object) -> None:
        raise OSError("no links here")

    monkeypatch.setattr(Path, "symlink_to", no_links)
    found = resolve(REPO).path
    assert not found.is_symlink() and found.read_bytes() == tiny.repos[REPO].files[FILE]
    hub_module.download(hub_module.repository(REPO), (FILE,), "again")
    assert len(tiny.contents_requests()) == 1


LOCATIONS = {
    "round": ("/api/models/owner/Tiny-GGUF", "without end"),
    "file": ("file:///etc/passwd", "no address"),
    "ftp": ("ftp://localhost/x", "no address"),
    "nothing": ("", ""),
    "broken": ("http://[", ""),
    "no port": ("http://localhost:99999/x", ""),
    "no host": ("http:///x", ""),
    "nobody": ("http://localhost:9/x", "can't reach the file server localhost (ConnectError)"),
    "letters": ("http://localhost/ü\u00a0", ""),
    "mail": ("mailto:someone@example.com", "no address"),
}


@pytest.mark.parametrize("question", ["look-up", "file", "download", "contents"])
@pytest.mark.parametrize("kind", LOCATIONS)
@pytest.mark.parametrize("status", [301, 307])
def test_redirects_that_lead_nowhere(
    tiny: HubServer, refused: Any, question: str, kind: str, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    location, line = LOCATIONS[kind]
    if kind == "round" and question != "look-up":
        location = f"http://localhost:{{port}}/cdn/{REPO}/{FILE}" if question == "contents" else f"/{REPO}/resolve/x/y"
    tiny.answers[question] = Answer(status, {"Location": location})
    assert line in refused()


def test_redirects_without_a_location(tiny: HubServer, refused: Any) -> None:
    for question in ("look-up", "file", "download", "contents"):
        tiny.answers = {question: Answer(302)}
        refused(then_works=False)


@pytest.mark.parametrize(
    ("address", "line"),
    [
        ("http://127.0.0.1:9", "can't reach http://127.0.0.1:9 (ConnectError); check the network"),
        ("huggingface.co", "HF_ENDPOINT is no address: 'huggingface.co'; write https:// and the host"),
        ("http://", "HF_ENDPOINT is no address"),
        ("http://[", ""),
        ("ftp://127.0.0.1", "HF_ENDPOINT is no address"),
        ("http://127.0.0.1:99999", ""),
        ("http://me:hunter2@127.0.0.1:9", "can't reach http://127.0.0.1:9 (ConnectError)"),
    ],
)
def test_an_endpoint_that_is_none(
    tiny: HubServer, refused: Any, address: str, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", address)
    said = refused(then_works=False)
    assert line in said and "hunter2" not in said
    assert tiny.requests == []


@pytest.mark.parametrize(
    "address",
    [
        *("http://me:hun@ter2@127.0.0.1:9", "http://me:hunter2/hunter2@127.0.0.1:9", "me:hunter2@127.0.0.1"),
        *("http://me:hunter2 hunter2@127.0.0.1:9", "//me:hunter2@127.0.0.1", "http:me:hunter2@127.0.0.1"),
        *("http://me:hunter2?hunter2#hunter2@127.0.0.1:9", "ftp://me:hunter2://hunter2@127.0.0.1"),
    ],
)
def test_a_password_of_any_letters_is_never_shown(
    tiny: HubServer, refused: Any, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", address)
    said = refused(then_works=False)
    assert "hunter2" not in said and "ter2" not in said


def test_a_password_in_the_endpoint_is_used_and_never_shown(
    tiny: HubServer, refused: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", tiny.endpoint.replace("://", "://me:hunter2@"))
    for question in ("look-up", "file", "download", "contents"):
        for answer in (
            *(Answer(status) for status in (302, 401, 403, 404, 429, 500)),
            Answer(401, {"X-Error-Code": "GatedRepo"}),
            Answer(200, body=b"{"),
            Answer(302, {"Location": "/" + REPO}),
            Answer(302, {"Location": "file:///x"}),
        ):
            tiny.answers = {question: answer}
            said = refused(then_works=False)
            assert "hunter2" not in said
            assert all(request.authorized for request in tiny.requests if request.host.startswith("127"))


def test_a_proxy_that_is_none_or_not_there(tiny: HubServer) -> None:
    """In a process of its own: the client reads the proxies once."""
    code = "import sys; from lacie_chat.cli import main; sys.exit(main(['models', 'pull', sys.argv[1]]))"
    for proxy, line in (
        ("socks9://127.0.0.1:9", "the network's settings (HTTPS_PROXY, SSL_CERT_FILE) can't be used: "),
        ("http://me:hunter2@127.0.0.1:9", "can't reach "),
    ):
        environment = {**os.environ, "HTTP_PROXY": proxy, "NO_PROXY": "", "no_proxy": ""}
        done = subprocess.run(
            [sys.executable, "-c", code, REPO], capture_output=True, text=True, check=False, env=environment
        )
        assert done.returncode == 1 and done.stdout == ""
        (said,) = done.stderr.splitlines()
        assert line in said and "hunter2" not in said


def test_a_token_that_is_none(tiny: HubServer, refused: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_ü")
    assert "the token (HF_TOKEN) holds letters that no token has" in refused(then_works=False)


def test_a_server_that_hangs_up_at_once_or_talks_nonsense(tiny: HubServer, refused: Any) -> None:
    for question in ("look-up", "file"):
        tiny.answers = {question: Answer(999, {"X": "y" * 200_000})}
        refused(then_works=False)
