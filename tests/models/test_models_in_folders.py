"""Models in folders that the user names, and models in several files: found, and named by any of them."""

import os
from pathlib import Path

import pytest
from gguf_copies import copy_into
from hub_server import HubServer
from refusals import refused

from lacie_chat.models import local_index, local_models, resolve, resolve_adapter
from lacie_chat.models import shelves as shelves_module
from lacie_chat.models.cache import cache_dir

REPO = "Owner/Big-GGUF"


def parts(make_gguf, folder: str, name: str = "big-Q8_0", count: int = 3) -> list[Path]:  # type: ignore[no-untyped-def]
    return [make_gguf(f"{folder}/{name}-{n:05d}-of-{count:05d}.gguf", kilobytes=10 + n) for n in range(1, count + 1)]


def test_folders_that_the_user_names(
    home: Path,
    make_gguf,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,  # type: ignore[no-untyped-def]
) -> None:
    one = make_gguf("one/deep/er/model-Q4_0.gguf")
    lora = make_gguf("one/mine-LoRA.gguf", kind="adapter")
    capitals = make_gguf("two/MODEL.GGUF")
    make_gguf("two/.hidden/secret.gguf")
    split = parts(make_gguf, "two")
    (tmp_path / "two" / "gone.gguf").symlink_to("nowhere")
    (tmp_path / "two" / "round").symlink_to(tmp_path / "two")
    (tmp_path / "two" / "again.gguf").symlink_to(one)
    monkeypatch.setenv("LACIE_MODELS_DIR", os.pathsep.join([str(tmp_path / "one"), str(tmp_path / "two"), "~/none"]))
    index = local_index()
    found = {model.ref: model for model in index.models[1:]}
    assert set(found) == {str(one), str(lora), str(capitals), str(split[0])}
    assert [model.ref for model in index.models if model.is_adapter] == [str(lora)]
    assert found[str(split[0])].size_bytes == sum(path.stat().st_size for path in split)
    assert index.notes == (f"LACIE_MODELS_DIR names {home}/none, which is not there",)


def test_a_huge_folder_is_not_walked_without_end(
    make_gguf,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,  # type: ignore[no-untyped-def]
) -> None:
    near = make_gguf("models/near-Q4_0.gguf")
    for number in range(30):
        (tmp_path / "models" / "photos" / str(number)).mkdir(parents=True)
        (tmp_path / "models" / "photos" / str(number) / "picture.gguf").write_bytes(b"")
    monkeypatch.setenv("LACIE_MODELS_DIR", str(tmp_path / "models"))
    monkeypatch.setattr(shelves_module, "_MOST_ENTRIES", 20)
    index = local_index()
    assert [model.ref for model in index.models[1:]] == [str(near)]
    assert "holds more than 20 files and folders: not all were looked at" in index.notes[0]


def test_a_folder_stands_for_the_one_model_in_it(make_gguf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    only = make_gguf("one/model-Q4_0.gguf")
    make_gguf("one/mmproj-F16.gguf")
    lora = make_gguf("one/x-LoRA.gguf", kind="adapter")
    assert resolve(str(tmp_path / "one")).path == only
    assert resolve(f"{tmp_path}/one/").ref == str(only)
    assert resolve_adapter(str(tmp_path / "one")).path == lora
    split = parts(make_gguf, "split")
    assert resolve(str(tmp_path / "split")).path == split[0]
    for name in "abcdef":
        make_gguf(f"many/{name}-Q4_0.gguf")
    assert refused(str(tmp_path / "many")) == (
        f"{tmp_path / 'many'} is a folder of 6 models; name one: "
        "a-Q4_0.gguf, b-Q4_0.gguf, c-Q4_0.gguf, d-Q4_0.gguf and 2 more"
    )
    split[1].unlink()
    assert "1 of 3 parts is missing: big-Q8_0-00002-of-00003.gguf" in refused(str(tmp_path / "split"))
    # a folder of the working folder that is called as a repository, but holds no model
    (tmp_path / "Owner" / "repo").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert "isn't on this machine" in refused("Owner/repo")
    make_gguf("Owner/repo/here.gguf")
    assert resolve("Owner/repo").path == Path("Owner/repo/here.gguf")


def test_a_split_model_by_any_of_its_parts(make_gguf) -> None:  # type: ignore[no-untyped-def]
    whole = parts(make_gguf, "here", count=3)
    for part in whole:
        found = resolve(str(part))
        assert found.path == whole[0] and found.ref == str(whole[0])
    whole[1].unlink()
    whole[2].unlink()
    for part in whole:
        message = refused(str(part))
        assert message == (
            f"{part.name} is one of 3 parts, and 2 of 3 parts are missing: "
            "big-Q8_0-00002-of-00003.gguf, big-Q8_0-00003-of-00003.gguf"
        )
    odd = make_gguf("here/zero-00000-of-00000.gguf")
    assert resolve(str(odd)).path == odd
    assert refused(str(odd.with_name("none-00001-of-00002.gguf"))).startswith("no such file")


def split_like_the_tools_do(model: Path, folder: Path) -> list[Path]:
    """A model in parts, by llama.cpp's own library for GGUFs (as its gguf-split makes them)."""
    import gguf

    folder.mkdir()
    copy_into(gguf.GGUFWriter(folder / "whole.gguf", "llama", split_max_tensors=100), model)
    return sorted(folder.glob("*.gguf"))


def test_a_real_model_in_parts_answers_by_any_of_them(
    embedded_model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,  # type: ignore[no-untyped-def]
) -> None:
    from lacie_chat.engine import ChatTurn, Engine, EngineSettings, Sampling
    from lacie_chat.engine.events import Delta

    files = split_like_the_tools_do(embedded_model, tmp_path / "parts")
    assert len(files) == 3
    monkeypatch.setenv("LACIE_MODELS_DIR", str(tmp_path / "parts"))
    (listed,) = local_models()[1:]
    assert listed.size_bytes == sum(file.stat().st_size for file in files) > 0.99 * embedded_model.stat().st_size
    found = resolve(str(files[1]))
    assert found.path == files[0] == listed.path
    answers = []
    for path in (embedded_model, found.path):
        engine = Engine(EngineSettings(path))
        engine.load()
        try:
            events = engine.generate([ChatTurn("user", "Count to five.")], Sampling(temperature=0.0, max_tokens=12))
            answers.append([event.text for event in events if isinstance(event, Delta)])
        finally:
            engine.close()
    assert answers[0] == answers[1] != []


def test_a_download_that_lacks_parts_is_said_by_name(hub: HubServer, make_gguf) -> None:  # type: ignore[no-untyped-def]
    from huggingface_hub import hf_hub_download

    hub.add(REPO, {path.name: path for path in parts(make_gguf, "put up")})
    hf_hub_download(REPO, "big-Q8_0-00002-of-00003.gguf", cache_dir=cache_dir(), endpoint=hub.endpoint)
    index = local_index()
    assert [model.ref for model in index.models] == ["embedded"]
    assert index.notes == (
        f"{REPO}: big-Q8_0-00001-of-00003.gguf: 2 of 3 parts are missing: big-Q8_0-00001-of-00003.gguf, "
        f"big-Q8_0-00003-of-00003.gguf; fetch it with: lacie models pull {REPO}:Q8_0",
    )
    whole = resolve(f"{REPO}:Q8_0")
    assert whole.path.name == "big-Q8_0-00001-of-00003.gguf"
    assert len(hub.contents_requests()) == 3
    assert local_index().notes == ()
    assert resolve(f"{REPO}:big-Q8_0-00003-of-00003.gguf", download=False) == whole
