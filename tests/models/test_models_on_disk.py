"""What other programs left on the disk, in their own layouts: found, listed once, named by what one types."""

import json
import shutil
from pathlib import Path

import pytest
from hub_server import HubServer
from refusals import refused

from lacie_chat.errors import LacieError
from lacie_chat.models import ModelError, local_index, local_models, remove, resolve, resolve_any
from lacie_chat.models.cache import cache_dir

REPO = "Owner/Tiny-1B-Instruct-GGUF"
FILE = "Tiny-1B-Instruct-Q4_K_M.gguf"


def refs() -> list[str]:
    return [model.ref for model in local_models()]


def everything_below(folder: Path) -> dict[str, tuple[int, int]]:
    return {str(path): (path.lstat().st_size, path.lstat().st_mtime_ns) for path in folder.rglob("*")}


# The Hub's cache


@pytest.fixture
def fetched(hub: HubServer, make_gguf) -> HubServer:  # type: ignore[no-untyped-def]
    """The Hub's own library has fetched a model into its cache."""
    from huggingface_hub import hf_hub_download

    hub.add(REPO, {FILE: make_gguf(FILE, kilobytes=5)})
    hf_hub_download(REPO, FILE, cache_dir=cache_dir(), endpoint=hub.endpoint)
    hub.requests.clear()
    return hub


@pytest.mark.parametrize(
    "ref",
    [
        REPO,
        REPO.lower(),
        f"{REPO.upper()}:q4_k_m",
        f"{REPO}:latest",
        f"{REPO}:{FILE}",
        f"{REPO}/",
        f"hf.co/{REPO}:Q4_K_M",
        f"huggingface.co/{REPO}",
        f"https://huggingface.co/{REPO}",
        f"https://huggingface.co/{REPO}/tree/main",
        f"https://huggingface.co/{REPO}?show_file_info={FILE}",
        f"https://huggingface.co/{REPO}/blob/main/{FILE}",
        f"https://huggingface.co/{REPO}/resolve/main/{FILE}?download=true",
        f"https://user:secret@huggingface.co/{REPO}",
        f"https://hf.co/{REPO}/discussions/3",
        f"hf:{REPO}/{FILE}",
        f"hf://{REPO}",
        f"-hf {REPO}:Q4_K_M",
        f"--hf-repo {REPO}",
        f" {REPO} ",
        f"<https://huggingface.co/{REPO}>",
        f"https://huggingface.co/{REPO}/",
        f"https://huggingface.co/{REPO}/tree/main/",
        f"https://huggingface.co/{REPO}/blob/main/{FILE}?download=true#L1",
        f"ollama run hf.co/{REPO}:Q4_K_M",
        f"hf download {REPO}",
        f"huggingface-cli download {REPO} {FILE}",
        f"git clone https://huggingface.co/{REPO}",
    ],
)
def test_every_way_to_write_a_repository_finds_what_is_in_the_cache(fetched: HubServer, ref: str) -> None:
    found = resolve(ref, download=False)
    assert found.path.name == FILE
    assert found.ref == f"{REPO}:Q4_K_M"
    assert fetched.requests == []


def test_an_address_of_ones_own_hub_is_understood(fetched: HubServer) -> None:
    assert resolve(f"{fetched.endpoint}/{REPO}/blob/main/{FILE}", download=False).path.name == FILE


@pytest.mark.parametrize(
    ("ref", "line"),
    [
        (f"https://huggingface.co/{REPO}/blob/v2/{FILE}", f"names the revision v2; only main is fetched: {REPO}"),
        ("https://huggingface.co/datasets/mandarjoshi/trivia_qa", "is a dataset, not a model; a model's page is"),
        (
            "https://user:secret@huggingface.co/Owner",
            "https://huggingface.co/Owner names an owner, Owner, and no model of theirs",
        ),
        ("https://example.com/model.gguf", "example.com is not the Hub: fetch the file with your browser"),
        ("hf.co/", "names no model"),
        ("https://huggingface.co/models?search=gguf", "names no model"),
        ("hf.co/spaces/Owner/Name", "is a space, not a model; a model's page is"),
        ("https://huggingface.co/collections/Owner/name-1", "is a collection, not a model"),
        ("https://huggingface.co/papers/2405.21028", "is a paper, not a model"),
        ("https://huggingface.co/chat/models/Owner/Name", "is a page of the Hub, not a model"),
        (f"https://huggingface.co/{REPO}/blob/main/README.md", f"is a file, but no GGUF; the model: {REPO}"),
        (f"https://huggingface.co/{REPO}/resolve/main/model.safetensors?download=true", "is a file, but no GGUF"),
    ],
)
def test_addresses_that_lead_nowhere_say_so(ref: str, line: str) -> None:
    message = refused(ref)
    assert line in message and "secret" not in message


@pytest.mark.parametrize(
    ("variables", "where"),
    [
        ({"HF_HUB_CACHE": "~/one"}, "one"),
        ({"HUGGINGFACE_HUB_CACHE": "~/two"}, "two"),
        ({"HF_HOME": "~/three"}, "three/hub"),
        ({"HF_HOME": "$HOME/four"}, "four/hub"),
        ({"XDG_CACHE_HOME": "~/five"}, "five/huggingface/hub"),
        ({"XDG_CACHE_HOME": "", "HF_HOME": ""}, ".cache/huggingface/hub"),
        ({}, ".cache/huggingface/hub"),
    ],
)
def test_the_cache_is_where_its_variables_say(
    fetched: HubServer, home: Path, variables: dict[str, str], where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(cache_dir(), home / where, symlinks=True)
    monkeypatch.delenv("HF_HOME")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert cache_dir() == home / where
    assert refs() == ["embedded", f"{REPO}:Q4_K_M"]


def test_what_is_removed_is_gone_in_any_letter_case(fetched: HubServer) -> None:
    assert remove(f"hf.co/{REPO.lower()}:Q4_K_M") > 5000
    assert refs() == ["embedded"]
    assert not (cache_dir() / f"models--{REPO.replace('/', '--')}").exists()


# LM Studio


def test_lm_studios_folders(home: Path, make_gguf, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    model = make_gguf("x.gguf", kilobytes=4)
    for place, repo, name in (
        (home / ".lmstudio/models", "lmstudio-community/Qwen3-4B-GGUF", "Qwen3-4B-Q4_K_M.gguf"),
        (home / ".cache/lm-studio/models", "TheBloke/Old-7B-GGUF", "old-7b.Q5_K_M.gguf"),
        (tmp_path / "disk 2/models", "unsloth/gemma-4-E4B-it-GGUF", "gemma-4-E4B-it-Q8_0.gguf"),
        (tmp_path / "moved/models", "me/mine", "mine.gguf"),
    ):
        (place / repo).mkdir(parents=True)
        shutil.copy(model, place / repo / name)
        shutil.copy(model, place / repo / "mmproj-F16.gguf")
    (home / ".lmstudio/settings.json").write_text(json.dumps({"downloadsFolder": str(tmp_path / "disk 2/models")}))
    (home / ".lmstudio-home-pointer").write_text(f"{tmp_path / 'moved'}\n")
    before = everything_below(home), everything_below(tmp_path)
    found = {model.ref: model for model in local_models()[1:]}
    assert set(found) == {
        "lmstudio-community/Qwen3-4B-GGUF:Q4_K_M",
        "TheBloke/Old-7B-GGUF:Q5_K_M",
        "unsloth/gemma-4-E4B-it-GGUF:Q8_0",
        "me/mine:mine.gguf",
    }
    assert {model.source for model in found.values()} == {"LM Studio"}
    for ref, local in found.items():
        assert resolve(ref, download=False).path == local.path
    assert resolve("thebloke/old-7b-gguf", download=False).name == "Old-7B Q5_K_M"
    with pytest.raises(ModelError, match=r"is LM Studio's \(.*\); delete it there"):
        remove("TheBloke/Old-7B-GGUF")
    assert (everything_below(home), everything_below(tmp_path)) == before


def test_damaged_settings_of_lm_studio_are_a_line(home: Path) -> None:
    (home / ".lmstudio").mkdir()
    for text in ("{", '{"downloadsFolder": 7}', '["downloadsFolder"]', '{"downloadsFolder": "relative/path"}', "\x00"):
        (home / ".lmstudio/settings.json").write_text(text)
        index = local_index()
        assert len(index.models) == 1
        assert index.notes == ((f"{home}/.lmstudio/settings.json can't be read: damaged",) if text in "{\x00" else ())


# llama.cpp


def test_llama_cpps_flat_folder(home: Path, make_gguf) -> None:  # type: ignore[no-untyped-def]
    """As its versions until 2025 named files and manifests (common/download.cpp, get_manifest_path)."""
    folder = home / ".cache/llama.cpp"
    folder.mkdir(parents=True)
    model = make_gguf("x.gguf", kilobytes=4)
    for name in (
        "ggml-org_gemma-3-1b-it-GGUF_gemma-3-1b-it-Q4_K_M.gguf",
        "ggml-org_gemma-3-1b-it-GGUF_mmproj-model-f16.gguf",
        "someone_a_b-GGUF_a_b-Q8_0.gguf",
        "ai_smollm2_135M-Q4_0.gguf",
    ):
        shutil.copy(model, folder / name)
        (folder / f"{name}.etag").write_text('"0123"')
    (folder / "ggml-org_gemma-3-1b-it-GGUF_gemma-3-1b-it-Q8_0.gguf.downloadInProgress").write_bytes(b"GGUF")
    manifest = {"ggufFile": {"rfilename": "gemma-3-1b-it-Q4_K_M.gguf", "size": model.stat().st_size}}
    (folder / "manifest=ggml-org=gemma-3-1b-it-GGUF=latest.json").write_text(json.dumps(manifest))
    (folder / "manifest=x=y=latest.json").write_text("{")
    index = local_index()
    assert [model.ref for model in index.models[1:]] == [
        "ggml-org/gemma-3-1b-it-GGUF:Q4_K_M",
        str(folder / "ai_smollm2_135M-Q4_0.gguf"),
        str(folder / "someone_a_b-GGUF_a_b-Q8_0.gguf"),
    ]
    assert {model.source for model in index.models[1:]} == {"llama.cpp"}
    assert index.notes == (f"{folder}/manifest=x=y=latest.json can't be read: damaged",)
    assert resolve("ggml-org/gemma-3-1b-it-gguf", download=False).name == "gemma-3-1b-it Q4_K_M"
    # without a manifest the name can't be taken apart, but it can be recognised
    assert resolve("someone/a_b-GGUF:Q8_0", download=False).path == folder / "someone_a_b-GGUF_a_b-Q8_0.gguf"
    assert "isn't on this machine" in refused("ggml-org/gemma-3-1b-it-GGUF:Q8_0")


def test_llama_cpps_cache_of_the_hubs_layout(fetched: HubServer, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its newer versions keep LLAMA_CACHE as the Hub's library keeps its own (common/hf-cache.cpp)."""
    shutil.move(cache_dir(), home / "llama")
    monkeypatch.setenv("LLAMA_CACHE", "~/llama")
    (model,) = local_models()[1:]
    assert (model.ref, model.source) == (f"{REPO}:Q4_K_M", "llama.cpp")
    assert resolve(REPO.lower(), download=False).path == model.path
    with pytest.raises(ModelError, match=r"is llama\.cpp's"):
        remove(REPO)
    monkeypatch.setenv("HF_HUB_CACHE", str(home / "llama"))
    assert [model.source for model in local_models()] == ["package", "Hub's cache"]


def test_near_names_are_offered(fetched: HubServer, home: Path, make_gguf) -> None:  # type: ignore[no-untyped-def]
    assert f"did you mean {REPO}:Q4_K_M?" in refused("tiny-1b-instruct")
    assert f"did you mean {REPO}:Q4_K_M?" in refused("Tiny-1B-Instruct-Q4_K_M")
    assert "did you mean unsloth/Qwen3.5-4B-GGUF:Q4_K_M?" in refused("qwen3.5-4b")
    with pytest.raises(ModelError, match=f"there is no repository .*did you mean {REPO}:Q4_K_M"):
        resolve("Owner/Tiny-1B-Instrct-GGUF")
    with pytest.raises(ModelError, match="did you mean") as caught:
        resolve("unsloth/Qwen3.5-4B-GUF:Q4_K_M")
    assert len(str(caught.value).splitlines()) == 1
    assert "did you mean" not in refused("zzzz")


def test_a_cache_that_cannot_be_read_is_a_line(home: Path) -> None:
    (home / ".cache/huggingface").mkdir(parents=True)
    (home / ".cache/huggingface/hub").symlink_to("hub")  # leads to itself
    index = local_index()
    assert [model.ref for model in index.models] == ["embedded"]
    assert index.notes[0].startswith(f"the Hub's cache {home}/.cache/huggingface/hub can't be read: ")


# What was said wrongly


def test_two_files_of_one_quantisation_each_have_a_ref(hub: HubServer, make_gguf) -> None:  # type: ignore[no-untyped-def]
    files = {name: make_gguf(name, kilobytes=5) for name in ("alpha-Q4_K_M.gguf", "beta-Q4_K_M.gguf", "beta-Q8_0.gguf")}
    hub.add("Own/two", files)
    for name in files:
        pulled = resolve(f"Own/two:{name}")
        assert pulled.path.name == name and resolve(pulled.ref, download=False).path.name == name
    assert refs()[1:] == ["Own/two:alpha-Q4_K_M.gguf", "Own/two:beta-Q4_K_M.gguf", "Own/two:Q8_0"]
    remove("Own/two:alpha-Q4_K_M.gguf")
    assert resolve("Own/two:Q4_K_M", download=False).path.name == "beta-Q4_K_M.gguf"


def test_an_adapter_of_the_hub_is_told_of_by_the_ref_that_it_is_listed_under(hub: HubServer, make_gguf) -> None:  # type: ignore[no-untyped-def]
    name = "tiny-LoRA-F16.gguf"
    hub.add("Own/lora", {name: make_gguf(name, kind="adapter")})
    assert resolve_any("Own/lora", adapters=True).path.name == name
    (ref,) = refs()[1:]
    assert resolve_any(ref, download=False, adapters=True).path.name == name
    with pytest.raises(ModelError, match="holds no model"):
        resolve_any("Own/lora")


@pytest.mark.parametrize("variable", ["HF_HOME", "HF_HUB_CACHE", "OLLAMA_MODELS", "LLAMA_CACHE", "LACIE_MODELS_DIR"])
def test_a_home_that_is_nobodys_is_one_line(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, "~nobody-of-this-name/models")
    for look in (local_models, lambda: resolve("ollama:tiny", download=False)):
        with pytest.raises(LacieError, match=r"no such home folder|has no tiny"):
            look()
    with pytest.raises(LacieError, match="no such home folder"):
        resolve("~nobody-of-this-name/model.gguf")


def test_without_a_home_a_path_still_does_and_the_rest_says_what_to_set(
    make_gguf, monkeypatch: pytest.MonkeyPatch
) -> None:  # type: ignore[no-untyped-def]
    def nobody(_uid: int) -> None:
        raise KeyError

    path = make_gguf("tiny.gguf")
    for name in ("HOME", "HF_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pwd.getpwuid", nobody)
    assert resolve(str(path)).path == path
    with pytest.raises(LacieError, match="no home folder to keep models in; set HF_HOME"):
        local_models()
    monkeypatch.setenv("HF_HOME", str(path.parent))
    local_models()
