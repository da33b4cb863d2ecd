"""A Hub in a thread: creating a repository, asking how to upload, LFS batch and PUT, and the commit, as the real one
speaks.

Uploads are checked as the Hub does it: an LFS object must have the SHA-256 and size that were announced, and a commit
may only name objects that arrived. Tokens other than `TOKEN` are refused.
"""

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import yaml

TOKEN = "hf_letmein"
_TEXT = (".md", ".json", ".txt")


class HubUploads(ThreadingHTTPServer):
    """`commits`: a dict a commit, path -> content. `requests`: method and path of each request."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.repos: set[str] = set()
        self.objects: dict[str, bytes] = {}
        self.commits: list[dict[str, bytes]] = []
        self.messages: list[str] = []
        self.requests: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: HubUploads
    protocol_version = "HTTP/1.1"

    def log_message(self, *_arguments: object) -> None:
        pass

    def _answer(self, body: object, status: int = 200) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _body(self) -> bytes:
        self.server.requests.append(f"{self.command} {self.path}")
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        data = b""
        while size := int(self.rfile.readline(), 16):
            data += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return data

    def do_GET(self) -> None:
        self._body()
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self._answer({"error": "Invalid credentials"}, 401)
        elif self.path == "/api/whoami-v2":
            self._answer({"type": "user", "name": "someone", "orgs": [], "auth": {"type": "access_token"}})
        else:
            self._answer({"error": "Entry not found"}, 404)

    def do_PUT(self) -> None:
        data, oid = self._body(), self.path.rpartition("/")[2]
        if hashlib.sha256(data).hexdigest() != oid:
            self._answer({"error": "hash differs"}, 422)
            return
        self.server.objects[oid] = data
        self._answer({})

    def do_POST(self) -> None:
        body = self._body()
        path = self.path.partition("?")[0]
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self._answer({"error": "Invalid credentials"}, 401)
        elif path == "/api/repos/create":
            self._create(json.loads(body))
        elif path == "/api/validate-yaml":
            self._answer({"errors": _card_errors(json.loads(body)["content"]), "warnings": []})
        elif path.endswith("/preupload/main"):
            self._answer({"files": [_mode(file) for file in json.loads(body)["files"]]})
        elif path.endswith(".git/info/lfs/objects/batch"):
            self._answer({"transfer": "basic", "objects": [self._upload(each) for each in json.loads(body)["objects"]]})
        elif path == "/lfs/verify":
            wanted = json.loads(body)
            whole = len(self.server.objects.get(wanted["oid"], b"")) == wanted["size"]
            self._answer({}, 200 if whole else 404)
        elif path.endswith("/commit/main"):
            self._commit(body)
        else:
            self._answer({"error": f"unknown {path}"}, 404)

    def _create(self, wanted: dict[str, Any]) -> None:
        repo = "/".join(filter(None, [wanted.get("organization"), wanted["name"]]))
        if repo.startswith("forbidden"):
            self._answer({"error": "not yours"}, 403)
        elif repo in self.server.repos:
            self._answer({"error": "exists", "url": f"{self.server.url}/{repo}"}, 409)
        else:
            self.server.repos.add(repo)
            self._answer({"url": f"{self.server.url}/{repo}"})

    def _upload(self, each: dict[str, Any]) -> dict[str, Any]:
        if each["oid"] in self.server.objects:
            return each
        upload = {"href": f"{self.server.url}/lfs/{each['oid']}", "header": {}}
        return {**each, "actions": {"upload": upload, "verify": {"href": f"{self.server.url}/lfs/verify"}}}

    def _commit(self, body: bytes) -> None:
        files: dict[str, bytes] = {}
        for line in body.splitlines():
            item = json.loads(line)
            value = item["value"]
            if item["key"] == "header":
                self.server.messages.append(value["summary"])
            elif item["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif item["key"] == "lfsFile":
                if value["oid"] not in self.server.objects:
                    self._answer({"error": f"{value['path']} was not uploaded"}, 400)
                    return
                files[value["path"]] = self.server.objects[value["oid"]]
        self.server.commits.append(files)
        repo = self.path.removeprefix("/api/models").partition("/commit/")[0]
        self._answer(
            {"commitUrl": f"{self.server.url}{repo}/commit/{'0' * 40}", "commitOid": "0" * 40, "success": True}
        )


def _card_errors(card: str) -> list[dict[str, str]]:
    """What the Hub has against a model card's front matter: here, that it is no YAML, or that it names no licence."""
    try:
        front = yaml.safe_load(card.split("---")[1])
    except (IndexError, yaml.YAMLError) as error:
        return [{"message": str(error)}]
    return [] if front.get("license") else [{"message": '"license" is missing'}]


def _mode(file: dict[str, Any]) -> dict[str, Any]:
    mode = "regular" if file["path"].endswith(_TEXT) else "lfs"
    return {"path": file["path"], "uploadMode": mode, "shouldIgnore": False}


@contextmanager
def hub_uploads() -> Iterator[HubUploads]:
    """The server, running for the length of the block."""
    server = HubUploads()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
