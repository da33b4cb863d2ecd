"""Which processors get llama.cpp's repacked weights: not those on which it would crash."""

from pathlib import Path

import pytest
from llama_cpp import llama_cpp as low

from lacie_chat.engine import native

CPUINFO = "processor\t: 0\nmodel name\t: {name}\nflags\t\t: fpu sse2 avx2 {flags}\nbugs\t\t: amx_tile\n\n"


@pytest.mark.parametrize(("flags", "expected"), [("amx_bf16 amx_tile amx_int8", True), ("avx512f avx512_bf16", False)])
def test_amx_is_read_off_the_flags_alone(tmp_path: Path, flags: str, expected: bool) -> None:
    (tmp_path / "cpuinfo").write_text(CPUINFO.format(name="no amx_tile", flags=flags))
    assert native.has_amx(tmp_path / "cpuinfo") is expected


def test_no_cpuinfo_is_no_amx(tmp_path: Path) -> None:
    assert native.has_amx(tmp_path / "missing") is False


@pytest.mark.parametrize("amx", [True, False])
def test_only_the_repacking_is_given_up_and_only_with_amx(amx: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native, "has_amx", lambda: amx)
    ours, defaults = native.model_params(), low.llama_model_default_params()
    differing = {
        name
        for name, kind in type(ours)._fields_
        if kind.__name__ in {"c_bool", "c_int", "c_uint"} and getattr(ours, name) != getattr(defaults, name)
    }
    assert differing == ({"use_extra_bufts"} if amx and defaults.use_extra_bufts else set())
