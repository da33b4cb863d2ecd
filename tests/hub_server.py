"""A Hub on this machine: as much of the Hugging Face Hub's HTTP protocol as the application and the export speak.

Real HTTP on a real port, so that the code under test runs as it would against the Hub: look-up, redirect of contents to
a second host, ranges, tokens, gated and private repositories, and uploads by commit. Faults can be ordered: a line that
breaks, a server that ignores ranges, damaged contents, a slow line.

    with HubServer() as hub:
        hub.add("owner/repo", {"model-Q4_K_M.gguf": path_or_bytes})
        ... HF_ENDPOINT=hub.endpoint ...
"""

import base64
import functools
import hashlib
import json
import re
import sys
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, quote, unquote, urlsplit

TOKEN = "hf_test_token"
_CHUNK = 1 << 16


@dataclass
class HubRepo:
    """One repository. `claimed_sizes` are sizes to claim instead of the real ones."""

    files: dict[str, bytes]
    gated: bool = False
    private: bool = False
    commit: str = "0" * 40
    claimed_sizes: dict[str, int] = field(default_factory=dict)


@dataclass
class Faults:
    """What goes wrong with contents. `break_after` bytes the line breaks, `break_times` times."""

    break_after: int = 0
    break_times: int = 0
    ignore_ranges: bool = False
    damage: bool = False
    bytes_per_second: int = 0


@dataclass
class Answer:
    """An answer instead of the right one. `claims` is a Content-Length other than the body's; -1 leaves it out and ends
    with the connection. `{port}` in a header is the server's."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    claims: int | None = None


@dataclass(frozen=True)
class Request:
    """One request as the server saw it."""

    method: str
    path: str
    host: str
    range: str | None
    authorized: bool


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], ConnectionError):  # the asker has heard enough and hung up
            super().handle_error(request, client_address)


class HubServer:
    """Runs in a thread from `with` on. The contents come from `localhost`, the rest from `127.0.0.1`: two hosts."""

    def __init__(self) -> None:
        self.repos: dict[str, HubRepo] = {}
        self.faults = Faults()
        self.answers: dict[str, Answer] = {}
        """By what is asked: `look-up` (the API), `file` (HEAD of a file), `download` (GET of a file), `contents` (the
        file server)."""
        self.requests: list[Request] = []
        self.bytes_sent = 0
        self.lock = threading.Lock()
        hub = self

        class Handler(_Handler):
            server_hub = hub

        self._server = _Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    @property
    def port(self) -> int:
        return self._server.server_address[1]

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def add(self, name: str, files: dict[str, bytes | Path], *, gated: bool = False, private: bool = False) -> HubRepo:
        """Put up a repository (or replace it, as a new commit); a data set's is called `datasets/owner/name`."""
        contents = {key: value.read_bytes() if isinstance(value, Path) else value for key, value in files.items()}
        self.repos[name] = HubRepo(contents, gated, private, _commit_of(contents))
        return self.repos[name]

    def contents_requests(self) -> list[Request]:
        """The requests that fetched contents."""
        return [request for request in self.requests if request.method == "GET" and request.path.startswith("/cdn/")]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _commit_of(files: dict[str, bytes]) -> str:
    digest = hashlib.sha1()
    for name, content in sorted(files.items()):
        digest.update(name.encode() + b"\0" + content)
    return digest.hexdigest()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_hub: HubServer

    def log_message(self, format: str, *args: object) -> None:  # quiet
        pass

    def do_HEAD(self) -> None:
        self._route()

    def do_GET(self) -> None:
        self._route()

    def do_POST(self) -> None:
        self._route()

    @property
    def _authorized(self) -> bool:
        return self.headers.get("Authorization") == f"Bearer {TOKEN}"

    def _route(self) -> None:
        path = unquote(urlsplit(self.path).path)
        request = Request(
            self.command, path, self.headers.get("Host", ""), self.headers.get("Range"), "Authorization" in self.headers
        )
        with self.server_hub.lock:
            self.server_hub.requests.append(request)
        kind = "look-up" if path.startswith("/api/") else "contents" if path.startswith("/cdn/") else ""
        answer = self.server_hub.answers.get(kind or ("file" if self.command == "HEAD" else "download"))
        if answer is not None:
            self._answer(answer)
            return
        for pattern, action in _ROUTES:
            found = pattern.fullmatch(path)
            if found:
                action(self, **found.groupdict())
                return
        self._fail(404, None, "Not Found")

    def _answer(self, answer: Answer) -> None:
        self.send_response(answer.status)
        for key, value in answer.headers.items():
            self.send_header(key, value.replace("{port}", str(self.server_hub.port)))
        if answer.claims != -1:
            self.send_header("Content-Length", str(len(answer.body) if answer.claims is None else answer.claims))
        self.end_headers()
        self.close_connection = answer.claims is not None
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    # What may be looked up

    def _repo(self, name: str, *, contents: bool = False) -> HubRepo | None:
        """The repository if it is there and may be seen; else the error is sent."""
        repo = self.server_hub.repos.get(name)
        if repo is None or (repo.private and not self._authorized):
            # As the Hub: who isn't logged in can't tell a missing repository from a private one.
            self._fail(404 if self._authorized else 401, "RepoNotFound", "Repository not found")
            return None
        if contents and repo.gated and not self._authorized:
            self._fail(401, "GatedRepo", f"Access to model {name} is restricted.")
            return None
        return repo

    def model(self, name: str, revision: str = "main") -> None:
        repo = self._repo(name)
        if repo is None or not self._is_revision(repo, revision):
            return
        blobs = "blobs" in parse_qs(urlsplit(self.path).query)
        siblings = [
            {"rfilename": file, **({"size": self._size(repo, file)} if blobs else {})} for file in sorted(repo.files)
        ]
        self._json({
            "_id": "0" * 24, "id": name, "modelId": name, "sha": repo.commit, "private": repo.private,
            "gated": "auto" if repo.gated else False, "disabled": False, "tags": ["gguf"], "downloads": 0, "likes": 0,
            "siblings": siblings,
        })  # fmt: skip

    def data_set(self, name: str) -> None:
        self.model(f"datasets/{name}")

    def tree(self, name: str, revision: str) -> None:
        repo = self._repo(name)
        if repo is None or not self._is_revision(repo, revision):
            return
        self._json([
            {
                "type": "file", "path": file, "size": self._size(repo, file), "oid": hashlib.sha1(content).hexdigest(),
                "lfs": {"oid": _sha256(content), "size": self._size(repo, file), "pointerSize": 134},
            }
            for file, content in sorted(repo.files.items())
        ])  # fmt: skip

    def resolve(self, name: str, revision: str, file: str) -> None:
        repo = self._repo(name, contents=True)
        if repo is None or not self._is_revision(repo, revision):
            return
        if file not in repo.files:
            self._fail(404, "EntryNotFound", "Entry not found", {"X-Repo-Commit": repo.commit})
            return
        etag = _sha256(repo.files[file])
        headers = {
            "X-Repo-Commit": repo.commit,
            "X-Linked-Etag": f'"{etag}"',
            "X-Linked-Size": str(self._size(repo, file)),
            "Accept-Ranges": "bytes",
            "Location": f"http://localhost:{self.server_hub.port}/cdn/{name}/{quote(file)}",
        }
        self._send(302, b"", headers)

    def content(self, name: str, file: str) -> None:
        content = self.server_hub.repos[name].files[file]
        faults = self.server_hub.faults
        if faults.damage:
            content = bytes([content[0] ^ 1]) + content[1:]
        start, found = 0, re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range") or "")
        if found and not faults.ignore_ranges:
            start = int(found[1])
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(content) - start))
        self.send_header("ETag", f'"{_sha256(content)}"')
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.end_headers()
        if self.command == "HEAD":
            return
        with self.server_hub.lock:
            breaks = faults.break_times > 0
            faults.break_times -= breaks
        end = min(len(content), start + faults.break_after) if breaks else len(content)
        for at in range(start, end, _CHUNK):
            piece = content[at : min(at + _CHUNK, end)]
            self.wfile.write(piece)
            with self.server_hub.lock:
                self.server_hub.bytes_sent += len(piece)
            if faults.bytes_per_second:
                time.sleep(len(piece) / faults.bytes_per_second)
        if end < len(content):
            self.close_connection = True

    # Uploads, as `HfApi.create_repo` and `upload_folder` make them: every file goes along in the commit itself.

    def whoami(self) -> None:
        if self._may_write():
            self._json({"type": "user", "name": "tester", "fullname": "Tester", "isPro": False, "orgs": [], "auth": {}})

    def create_repo(self) -> None:
        if not self._may_write():
            return
        asked = json.loads(self._body())
        name = f"{asked.get('organization') or 'tester'}/{asked['name']}"
        if name in self.server_hub.repos:
            self._json(
                {"error": "You already created this model repo", "url": f"{self.server_hub.endpoint}/{name}"}, 409
            )
            return
        self.server_hub.repos[name] = HubRepo({}, private=bool(asked.get("private")))
        self._json({"url": f"{self.server_hub.endpoint}/{name}", "name": name, "id": name})

    def validate_yaml(self) -> None:
        self._body()
        self._json({"errors": [], "warnings": []})

    def preupload(self, name: str, revision: str) -> None:
        if self._may_write() and self._repo(name):
            files = json.loads(self._body())["files"]
            self._json({
                "files": [{"path": file["path"], "uploadMode": "regular", "shouldIgnore": False} for file in files]
            })  # fmt: skip

    def commit(self, name: str, revision: str) -> None:
        if not self._may_write() or (repo := self._repo(name)) is None:
            return
        for line in self._body().splitlines():
            entry = json.loads(line)
            value = entry["value"]
            if entry["key"] == "file":
                repo.files[value["path"]] = base64.b64decode(value["content"])
            elif entry["key"] == "deletedFile":
                repo.files.pop(value["path"], None)
        repo.commit = _commit_of(repo.files)
        url = f"{self.server_hub.endpoint}/{name}/commit/{repo.commit}"
        self._json({"success": True, "commitOid": repo.commit, "commitUrl": url, "hookOutput": ""})

    # The rest

    def _may_write(self) -> bool:
        if not self._authorized:
            self._body()
            self._fail(401, None, "Invalid username or password.")
        return self._authorized

    def _is_revision(self, repo: HubRepo, revision: str) -> bool:
        if revision in ("main", repo.commit):
            return True
        self._fail(404, "RevisionNotFound", "Revision not found")
        return False

    def _size(self, repo: HubRepo, file: str) -> int:
        return repo.claimed_sizes.get(file, len(repo.files[file]))

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _json(self, value: Any, status: int = 200) -> None:
        self._send(status, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def _fail(self, status: int, code: str | None, message: str, headers: dict[str, str] | None = None) -> None:
        named = {"X-Error-Code": code} if code else {}
        content = {"Content-Type": "application/json", "X-Error-Message": message}
        self._send(status, json.dumps({"error": message}).encode(), {**content, **named, **(headers or {})})

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


@functools.lru_cache(maxsize=8)  # a file that comes in a hundred pieces is hashed once
def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


_NAME, _REVISION = r"(?P<name>[\w.-]+/[\w.-]+)", r"(?P<revision>[^/]+)"
_ROUTES = [
    (re.compile(pattern), action)
    for pattern, action in (
        (r"/api/whoami-v2", _Handler.whoami),
        (r"/api/repos/create", _Handler.create_repo),
        (r"/api/validate-yaml", _Handler.validate_yaml),
        (rf"/api/models/{_NAME}", _Handler.model),
        (rf"/api/datasets/{_NAME}", _Handler.data_set),
        (rf"/api/models/{_NAME}/revision/{_REVISION}", _Handler.model),
        (rf"/api/models/{_NAME}/tree/{_REVISION}", _Handler.tree),
        (rf"/api/models/{_NAME}/preupload/{_REVISION}", _Handler.preupload),
        (rf"/api/models/{_NAME}/commit/{_REVISION}", _Handler.commit),
        (rf"/cdn/{_NAME}/(?P<file>.+)", _Handler.content),
        (rf"/{_NAME}/resolve/{_REVISION}/(?P<file>.+)", _Handler.resolve),
    )
]
