"""Asking the Hub, and one line for whatever comes back.

The Hub's library has a client that knows proxies and tokens; that client is used, and its calls are not: they wait
through retries, write warnings of their own, and take a server's word for names and numbers. The two questions that are
needed (what is in a repository, what is this file) are asked here, and every answer that isn't one ends in a ModelError
that says what to do. `HF_ENDPOINT` names another Hub; a password in it is used and never shown.
"""

import errno
import importlib
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import ModuleType
from typing import Any
from urllib.parse import urljoin, urlsplit

from lacie_chat.foreign_json import NoJSON, parse_json
from lacie_chat.models.cache import cache_dir
from lacie_chat.models.errors import ModelError, NoSuchRepositoryError

_TIMEOUT_SECONDS, _CONNECT_SECONDS = 20.0, 8.0
_MOST_REDIRECTS = 10
_LARGEST_ANSWER = 32 << 20
_REDIRECTS = (301, 302, 303, 307, 308)
_PASSWORD = re.compile(r"(?<=//)\S*@")
"""Up to the last @, for a password may hold an @ or a slash."""


def endpoint() -> str:
    """The Hub's address."""
    return (os.environ.get("HF_ENDPOINT", "").strip() or "https://huggingface.co").rstrip("/")


def hub_host() -> str:
    """The host in the Hub's address, with its port, in small letters; empty where the address is none."""
    try:
        return urlsplit(endpoint()).netloc.rpartition("@")[2].lower()
    except ValueError:
        return ""


def shown(text: str) -> str:
    """A text with addresses, without the passwords in them and on one line."""
    address = endpoint()
    scheme = f"{address.partition('//')[0]}//" if "//" in address else ""
    without = scheme + address.removeprefix(scheme).rpartition("@")[2]
    return " ".join(_PASSWORD.sub("", text.replace(address, without)).split())


def get_json(path: str, name: str) -> Any:
    """What the Hub's API answers at `path`, asked about repository `name`. Raises ModelError."""
    with (
        explained(name),
        _session().stream(
            "GET", endpoint() + path, headers=_headers(), timeout=_patience(), follow_redirects=True
        ) as response,
    ):
        raise_for(response, name)
        body = bytearray()
        for chunk in response.iter_bytes():
            body += chunk
            if len(body) > _LARGEST_ANSWER:
                raise not_a_hub()
        try:
            return parse_json(bytes(body), most=_LARGEST_ANSWER)
        except NoJSON as error:
            raise not_a_hub() from error


def head(path: str, name: str) -> Mapping[str, str]:
    """The headers of the Hub's own answer about a file at `path`: that which sends one on to the file server, or has
    the file itself. Raises ModelError."""
    with explained(name):
        url, headers = endpoint() + path, {**_headers(), "Accept-Encoding": "identity"}
        for _ in range(_MOST_REDIRECTS):
            response = _session().head(url, headers=headers, timeout=_patience(), follow_redirects=False)
            if response.status_code not in _REDIRECTS or "X-Linked-Etag" in response.headers:
                raise_for(response, name)
                found: Mapping[str, str] = response.headers
                return found
            try:
                onward = urljoin(url, response.headers.get("Location", url))
                if urlsplit(onward).netloc != urlsplit(url).netloc:
                    headers.pop("authorization", None)  # the token is for the Hub alone
            except ValueError as error:
                raise _http().InvalidURL("a location that is none") from error
            url = onward
        raise _http().TooManyRedirects("", request=response.request)


@contextmanager
def contents(path: str, name: str, start: int) -> Iterator[Any]:
    """The answer of the file server, to be read, from byte `start` on. Raises ModelError where it is none, and the
    client's own errors where the line breaks."""
    headers = {**_headers(), "Accept-Encoding": "identity", **({"Range": f"bytes={start}-"} if start else {})}
    # The client drops the token when it is sent on to another host.
    with _session().stream(
        "GET", endpoint() + path, headers=headers, timeout=_patience(), follow_redirects=True
    ) as response:
        yield response


def broken_line() -> tuple[type[Exception], ...]:
    """The errors after which it is worth asking again."""
    http = _http()
    return (http.TimeoutException, http.NetworkError, http.RemoteProtocolError)


def unreachable() -> type[Exception]:
    """The error of a server that isn't there."""
    found: type[Exception] = _http().ConnectError
    return found


def bad_location(error: Exception) -> bool:
    """Whether the client calls a redirect to nowhere a broken line, which it isn't."""
    return "location header" in str(error)


def not_a_hub() -> ModelError:
    return ModelError(f"{shown(endpoint())} doesn't answer as the Hub does; check HF_ENDPOINT")


def raise_for(response: Any, name: str) -> None:
    """A ModelError for every answer but a good one (2xx; 3xx with X-Linked-Etag); what to do depends on what it is."""
    status, headers = response.status_code, response.headers
    if status < 300 or ("X-Linked-Etag" in headers and status in _REDIRECTS):
        return
    code, said = headers.get("X-Error-Code", ""), headers.get("X-Error-Message", "")
    # A proxy has no name here; a file server has one that is not the Hub's.
    host = response.url.host or ""
    who = "the Hub" if _is_hub(host) else f"the file server {host}"
    page = f"{shown(endpoint())}/{name}"
    if code == "GatedRepo":
        if _logged_in():
            raise ModelError(f"{name} is gated, and your account may not have it yet: accept its terms at {page}")
        raise ModelError(f"{name} is gated: accept its terms at {page}, then log in with `hf auth login`")
    if code in ("EntryNotFound", "RevisionNotFound"):
        raise ModelError(f"{name} has changed on the Hub meanwhile; try again")
    if "disabled" in said.lower():
        raise ModelError(f"the Hub has disabled {name}; take another repository")
    if status == 401 and "credentials" in said.lower():
        raise ModelError(f"{who} doesn't know your token; renew it with `hf auth login`, or unset HF_TOKEN")
    if code == "RepoNotFound" or (status == 401 and who == "the Hub" and "/api/" in response.url.path):
        raise NoSuchRepositoryError(
            f"there is no repository {name} on the Hub, or it is private (then log in with `hf auth login`)"
        )
    if status == 404 and who == "the Hub":
        raise ModelError(
            f"{shown(endpoint())} answered 404 for {name}: it has no such page; check the name, and HF_ENDPOINT"
        )
    raise ModelError(f"{who} {_what(status, headers)}".replace("NAME", name))


def _what(status: int, headers: Mapping[str, str]) -> str:
    if status in (401, 403):
        return f"refuses access to NAME ({status}); log in with `hf auth login`, or accept its terms on its page"
    if status == 404:
        return "has lost a file of NAME (404); try again later"
    if status == 407:
        return "is behind a proxy that wants a password (407); put it into HTTPS_PROXY"
    if status == 429:
        wait = headers.get("Retry-After", "")
        return f"has been asked too often (429); try again {f'in {wait} s' if wait.isdigit() else 'later'}"
    if status == 451:
        return "may not give NAME here, by law (451); take another model"
    if status >= 500 or status in (408, 425):
        return f"has trouble of its own ({status}); try again later"
    return f"answered {status} for NAME, which it shouldn't; check HF_ENDPOINT, or try again later"


@contextmanager
def explained(name: str) -> Iterator[None]:
    """Every error of the client, of the settings and of the disk as one line."""
    if os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE"):
        raise ModelError(f"{name} isn't on this machine, and HF_HUB_OFFLINE forbids to fetch it")
    from huggingface_hub import errors
    from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]

    try:
        validate_repo_id(name)
        http = _http()
    except errors.HFValidationError as error:
        raise ModelError(f"can't fetch {name}: {shown(str(error).splitlines()[0])}") from error
    except (ImportError, ValueError, OSError) as error:  # a proxy of an unknown kind, certificates that aren't there
        line = shown(str(error)) or type(error).__name__
        raise ModelError(f"the network's settings (HTTPS_PROXY, SSL_CERT_FILE) can't be used: {line}") from error
    hub = shown(endpoint())
    try:
        yield
    except errors.OfflineModeIsEnabled as error:
        raise ModelError(f"{name} isn't on this machine, and HF_HUB_OFFLINE forbids to fetch it") from error
    except http.TooManyRedirects as error:
        raise ModelError(f"{hub} sends one on and on without end for {name}; check HF_ENDPOINT") from error
    except (http.UnsupportedProtocol, http.InvalidURL, http.LocalProtocolError) as error:
        if not re.match(r"https?://[^/]", endpoint()):
            raise ModelError(f"HF_ENDPOINT is no address: {hub!r}; write https:// and the host") from error
        raise ModelError(
            f"{hub} sends one on to what is no address, or the token is none; check HF_ENDPOINT"
        ) from error
    except http.DecodingError as error:
        raise ModelError(f"{hub} sends what can't be read ({shown(str(error))}); try again later") from error
    except http.HTTPError as error:
        if bad_location(error):
            raise ModelError(f"{hub} sends one on to what is no address; check HF_ENDPOINT") from error
        raise ModelError(_no_way_to(_who(error, hub), error)) from error
    except UnicodeError as error:
        raise ModelError("the token (HF_TOKEN) holds letters that no token has; log in with `hf auth login`") from error
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise ModelError(
                f"the disk with {cache_dir()} is full; free some space and run it again, it goes on from there"
            ) from error
        raise ModelError(
            f"can't write to {cache_dir()}: {error.strerror or error}; set HF_HOME to another folder"
        ) from error


def _who(error: Any, hub: str) -> str:
    """Who was asked: the Hub, or the file server that it sends one on to."""
    try:
        host = error.request.url.host
    except RuntimeError:  # it knows of no request
        return hub
    return hub if not host or _is_hub(host) else f"the file server {host}"


def _is_hub(host: str) -> bool:
    return hub_host() in (host.lower(), f"[{host}]") or hub_host().rpartition(":")[0] in (host.lower(), f"[{host}]")


def _no_way_to(hub: str, error: Exception) -> str:
    kind, local = type(error).__name__, "Models that are here already (`lacie models list`) work offline"
    if "CERTIFICATE" in str(error).upper():
        return f"{hub} shows a certificate that isn't trusted here; set SSL_CERT_FILE to your network's. {local}"
    if kind == "ProxyError":
        return f"the proxy doesn't let one through to {hub} ({shown(str(error))}); check HTTPS_PROXY. {local}"
    return f"can't reach {hub} ({kind}); check the network. {local}"


def _session() -> Any:
    from huggingface_hub import get_session

    return get_session()


def _http() -> ModuleType:
    """The HTTP library under the Hub's (httpx, or httpx2 in its later versions), for its exceptions."""
    return importlib.import_module(type(_session()).__module__.partition(".")[0])


def _patience() -> Any:
    return _http().Timeout(_TIMEOUT_SECONDS, connect=_CONNECT_SECONDS)


def _headers() -> dict[str, str]:
    from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]

    found: dict[str, str] = build_hf_headers()
    return found


def _logged_in() -> bool:
    from huggingface_hub import get_token

    return get_token() is not None
