"""`lacie train check` on every family that recipes are for: it passes, and goes through every stage."""

from collections.abc import Callable
from pathlib import Path

import pytest
from checking import checked
from tiny_families import FAMILIES, write_family
from tiny_recipes import small_settings

CHAT = ("speaker.format=chat", "speaker.instruction='{question}'")
OWN = {
    "phi3-chat": ("dpo.lora.targets=[qkv_proj, o_proj]",),
    "gemma2-chat": ("speaker.attention=eager", "listener.attention=eager"),
}
"""What a recipe for the family has to say beside."""

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="session")
def family(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A folder with a tiny model of a family, each written once."""
    from lacie_training.generators.loading import load_tokenizer

    tokenizer = load_tokenizer("embedded")
    made: dict[str, Path] = {}

    def make(name: str) -> Path:
        if name not in made:
            made[name] = write_family(tmp_path_factory.mktemp(name), name, tokenizer)
        return made[name]

    return make


@pytest.mark.parametrize("name", FAMILIES)
def test_it_passes_on_every_family(
    name: str, family: Callable[[str], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = (*small_settings(family(name)), *(CHAT if name.endswith("-chat") else ()), *OWN.get(name, ()))
    status = checked(tmp_path / "run", *settings, "dpo.max_length=96")
    lines = capsys.readouterr().out.splitlines()
    assert status == 0, "\n".join(lines)
    said = {line[7:].partition(":")[0]: line for line in lines[:-1]}
    for subject in ("batches", "run folder", "GPU", "speaker", "questions", "prompt", "LoRA", "memory, dpo", "disk"):
        assert said[subject].startswith("ok "), lines
    for stage in ("sample", "judge", "pairs", "dpo", "evaluate"):
        assert said[f"rehearsal, {stage}"].startswith("ok "), lines
    assert "roughly" in said["time"] and "evaluate" in said["time"], "measured, and marked as an estimate"
    assert lines[-1] == "check: all of it holds"
    assert list(tmp_path.iterdir()) == [], "the rehearsal had a folder of its own, and nothing is in the run's place"


def test_an_attention_that_an_architecture_lacks_is_named_once(
    family: Callable[[str], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert checked(tmp_path / "run", *small_settings(family("gemma2-chat")), *CHAT) == 1
    failed = [line for line in capsys.readouterr().out.splitlines() if line.startswith("failed")]
    assert [line.partition(" has no ")[2] for line in failed] == [
        "attention 'sdpa' in transformers; set attention to eager"
    ] * 2, "speaker's and listener's"
