"""Reading GGUF headers: right on good files, one clear line on every bad one."""

import os
import shutil
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lacie_chat.models import GGUFInfo, ModelError, fingerprint, inspect_gguf


def refused(path: Path) -> str:
    with pytest.raises(ModelError) as caught:
        inspect_gguf(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_embedded_model(embedded_model: Path) -> None:
    info = inspect_gguf(embedded_model)
    assert (info.kind, info.architecture, info.quantisation) == ("model", "llama", "Q4_1")
    assert (info.parameters, info.context_length, info.licence) == (134_515_008, 8192, "apache-2.0")
    assert info.has_chat_template
    assert info.size_bytes == embedded_model.stat().st_size
    assert info.metadata["tokenizer.ggml.model"] == "gpt2"
    assert info.lacie == {}


def test_our_own_keys_and_an_adapter(make_gguf) -> None:  # type: ignore[no-untyped-def]
    path = make_gguf("a-LoRA.gguf", kind="adapter", lacie__recipe="smol", lacie__version=2, adapter__type="lora")
    info = inspect_gguf(path)
    assert (info.kind, info.name, info.quantisation, info.parameters) == ("adapter", "a-LoRA", "F32", 4 * 256)
    assert info.lacie == {"recipe": "smol", "version": 2}
    assert not info.has_chat_template


def test_a_large_vocabulary_is_stepped_over(make_gguf) -> None:  # type: ignore[no-untyped-def]
    path = make_gguf("big.gguf", vocabulary=260_000)
    inspect_gguf(path)  # imports
    start = time.perf_counter()
    assert inspect_gguf(path).parameters == 1024
    assert time.perf_counter() - start < 2  # about 0.1 s; GGUFReader takes ten


def test_it_agrees_with_the_reader_of_the_gguf_package(make_gguf) -> None:  # type: ignore[no-untyped-def]
    import gguf

    path = make_gguf("model.gguf", kilobytes=7, vocabulary=10, lacie__note="é", general__alignment=64)
    reader = gguf.GGUFReader(path)
    info = inspect_gguf(path)
    assert info.parameters == sum(int(tensor.n_elements) for tensor in reader.tensors)
    scalars = {name: f for name, f in reader.fields.items() if len(f.types) == 1 and not name.startswith("GGUF.")}
    assert dict(info.metadata) == {name: f.contents() for name, f in scalars.items()}


def test_every_shortened_file_is_refused(make_gguf, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    content = make_gguf("whole.gguf", vocabulary=3, lacie__note="x").read_bytes()
    path = tmp_path / "short.gguf"
    for length in [*range(len(content) - 4 * 1024), len(content) - 1]:
        path.write_bytes(content[:length])
        message = refused(path)
        assert str(path) in message
        if length >= 4:
            assert "cut short or damaged" in message or "damaged or incomplete" in message


def test_the_embedded_model_without_its_last_byte(embedded_model: Path, tmp_path: Path) -> None:
    path = tmp_path / "short.gguf"
    shutil.copyfile(embedded_model, path)
    os.truncate(path, path.stat().st_size - 1)
    assert "it has 98,362,431 of 98,362,432 bytes" in refused(path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(data=st.data())
def test_no_damage_to_the_header_crashes(make_gguf, data: st.DataObject) -> None:  # type: ignore[no-untyped-def]
    path: Path = make_gguf("damaged.gguf", vocabulary=3, lacie__note="x")
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(4, len(content) - 4 * 1024))
        junk = data.draw(st.binary(min_size=1, max_size=8))
        content[at : at + len(junk)] = junk
    path.write_bytes(content)
    try:
        assert isinstance(inspect_gguf(path), GGUFInfo)
    except ModelError as error:
        assert "\n" not in str(error)


def test_what_is_no_gguf_at_all(tmp_path: Path) -> None:
    text = tmp_path / "notes.gguf"
    text.write_text("not a model")
    assert refused(text) == f"{text} is not a GGUF file"
    empty = tmp_path / "empty.gguf"
    empty.touch()
    assert refused(empty) == f"{empty} is empty"
    assert "is a folder; name a .gguf file in it" in refused(tmp_path)
    assert refused(tmp_path / "missing.gguf") == f"no such file: {tmp_path / 'missing.gguf'}"


def test_a_file_that_may_not_be_read(make_gguf) -> None:  # type: ignore[no-untyped-def]
    folder = Path(tempfile.mkdtemp(prefix="lacie-"))
    folder.chmod(0o755)
    path = folder / "secret.gguf"
    shutil.copyfile(make_gguf("x.gguf"), path)
    path.chmod(0)
    root = os.geteuid() == 0
    try:
        if root:
            os.seteuid(65534)
        assert refused(path) == f"can't read {path}: Permission denied"
        with pytest.raises(ModelError, match="can't read"):
            fingerprint(path)
    finally:
        if root:
            os.seteuid(0)
        shutil.rmtree(folder)


def test_a_split_model_is_one(make_gguf) -> None:  # type: ignore[no-untyped-def]
    parts = [make_gguf(f"big-Q8_0-0000{n}-of-00003.gguf", kilobytes=n) for n in (1, 2, 3)]
    info = inspect_gguf(parts[0])
    assert info.parameters == (1 + 2 + 3) * 256
    assert info.size_bytes == sum(part.stat().st_size for part in parts)
    parts[1].unlink()
    assert "one of 3 parts, and big-Q8_0-00002-of-00003.gguf is missing beside it" in refused(parts[0])


def test_a_fingerprint_is_of_the_content(make_gguf, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    path: Path = make_gguf("model.gguf", kilobytes=3000)
    copy = tmp_path / "elsewhere.gguf"
    shutil.copyfile(path, copy)
    assert fingerprint(path) == fingerprint(copy)
    assert len(fingerprint(path)) == 16
    for at in (100, path.stat().st_size - 100):
        content = bytearray(path.read_bytes())
        content[at] ^= 1
        copy.write_bytes(content)
        assert fingerprint(copy) != fingerprint(path)
    small = tmp_path / "small"
    small.write_bytes(b"abc")
    assert len(fingerprint(small)) == 16
