"""The settings file: what is read, what is said of what is wrong, and that writing leaves the user's words alone."""

import tomllib
from pathlib import Path

import pytest

from lacie_chat import paths
from lacie_chat.settings import OPTIONS, SettingsError, parse_settings, read_settings, template
from lacie_chat.settings.writing import add_keys, save_preset, set_values, write_template

OWN = """\
# my settings
temperature = 0.3   # cool
top_p = 0.9

[presets.free]      # for stories
temperature = 1.1

[keys]
"chat.new" = "f2"
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "lacie" / "config.toml"


def test_it_lies_where_the_environment_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data_dir: Path) -> None:
    assert paths.settings_path() == data_dir / "config.toml"
    monkeypatch.setenv("LACIE_CONFIG_DIR", str(tmp_path))
    assert paths.settings_path() == tmp_path / "config.toml"
    monkeypatch.delenv("LACIE_DATA_DIR")
    monkeypatch.delenv("LACIE_CONFIG_DIR")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert paths.settings_path().parts[-2:] == ("lacie-chat", "config.toml")


def test_the_documented_file_sets_nothing_and_names_every_option(path: Path) -> None:
    assert tomllib.loads(template()) == {}
    without = "\n".join(line.removeprefix("# ") for line in template().splitlines() if " = " in line or "# [" in line)
    found = parse_settings(without, path)
    assert found.problems == () and set(found.values) == {option.name for option in OPTIONS}
    assert set(found.presets) == {"precise", "free"} and found.keys["chat.new"] == "f2"
    assert max(map(len, template().splitlines())) <= 100


def test_values_presets_and_keys_are_read(path: Path) -> None:
    found = parse_settings(OWN + 'view.help = ["f1", "ctrl+k"]\n', path)
    assert found.problems == ()
    assert found.values == {"temperature": 0.3, "top_p": 0.9}
    assert found.presets == {"free": {"temperature": 1.1}}
    assert found.keys == {"chat.new": "f2", "view.help": "f1,ctrl+k"}
    assert read_settings(path).values == {}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("temprature = 0.2", "there is no option temprature; did you mean temperature?"),
        ("temperature = 7", "temperature is 7, which is not a number from 0 to 5"),
        ("temperature = true", "temperature is true, which is not a number from 0 to 5"),
        ('threads = "four"', 'threads is "four", which is not a whole number of 1 or more'),
        ("context = 100", "context is 100, which is not a whole number of 256 or more"),
        ('gpu_layers = "most"', 'gpu_layers is "most", which is not auto or a whole number of 0 or more'),
        ('reasoning = "maybe"', 'reasoning is "maybe", which is not on, off or a whole number of 0 or more'),
        ("model = ''", 'model is "", which is not a text on one line'),
        ("[presets.x]\ntop-p = 0.5", "there is no option presets.x.top-p; did you mean top_p?"),
        ("[presets.x]\ncontext = 512", "presets.x.context can't be in a preset; write context above the tables"),
        ("[presets.x]\nseed = 1.5", "presets.x.seed is 1.5, which is not a whole number from 0 to 2147483647"),
        ("presets = 3", "presets is not a table; write [presets] on a line of its own"),
        ("[keys]\n'chat.new' = 3", 'keys.chat.new is 3, which is not keys in quotes, as in "f2,ctrl+n"'),
    ],
)
def test_what_is_wrong_is_one_line_and_the_rest_counts(path: Path, text: str, said: str) -> None:
    found = parse_settings("min_p = 0.05\n" + text, path)
    assert found.problems == (f"{path}: {said}",)
    assert found.values["min_p"] == 0.05
    with pytest.raises(SettingsError) as told:
        found.checked()
    assert str(told.value) == f"{path}: {said}" and told.value.status == 2


def test_what_is_no_toml_or_no_text_says_where(path: Path) -> None:
    found = parse_settings("top_p = 0.9\ntemperature 0.2\n", path)
    assert found.unreadable and "line 2" in found.problems[0] and found.values == {}
    path.parent.mkdir()
    path.write_bytes(b"model = '\xff'")
    assert read_settings(path).problems == (f"{path} can't be read: it is not UTF-8",)
    path.unlink()
    path.mkdir()
    assert read_settings(path).unreadable


def test_writing_keeps_comments_and_order(path: Path) -> None:
    path.parent.mkdir()
    path.write_text(OWN)
    set_values(path, {"temperature": 0.7, "seed": 3, "top_p": None})
    found = path.read_text()
    assert "# my settings\ntemperature = 0.7   # cool\n" in found and "top_p" not in found
    assert found.index("seed = 3") < found.index("[presets.free]      # for stories")
    save_preset(path, "free", {"top_k": 5})
    save_preset(path, "my own", {"system_prompt": 'Say "yes".\nOr \\no\\.\n'})
    after = add_keys(path, {"chat.new": "f3", "view.help": "f1"})
    assert after.presets == {"free": {"top_k": 5}, "my own": {"system_prompt": 'Say "yes".\nOr \\no\\.\n'}}
    assert after.keys == {"chat.new": "f2", "view.help": "f1"} and after.problems == ()
    assert after == read_settings(path)
    assert [each.name for each in path.parent.iterdir()] == ["config.toml"]


def test_a_value_takes_the_place_of_the_line_that_documents_it(path: Path) -> None:
    assert write_template(path) and not write_template(path)
    set_values(path, {"temperature": 0.5, "theme": 'a "b"'})
    lines, before = path.read_text().splitlines(), template().splitlines()
    assert lines[before.index("# temperature = 0.2")] == "temperature = 0.5"
    assert len(lines) == len(before)
    assert read_settings(path).values == {"temperature": 0.5, "theme": 'a "b"'}
    set_values(path, {"temperature": None})
    assert read_settings(path).values == {"theme": 'a "b"'}


def test_where_there_is_no_file_the_documented_one_is_written(path: Path) -> None:
    set_values(path, {"max_tokens": 64})
    assert path.read_text() == template().replace("# max_tokens = 512", "max_tokens = 64", 1)


def test_a_link_stays_a_link_and_rights_stay(path: Path, tmp_path: Path) -> None:
    real = tmp_path / "dotfiles.toml"
    real.write_text(OWN)
    real.chmod(0o600)
    path.parent.mkdir()
    path.symlink_to(real)
    set_values(path, {"seed": 1})
    assert path.is_symlink() and "seed = 1" in real.read_text() and real.stat().st_mode & 0o777 == 0o600


def test_nothing_is_written_into_a_file_that_is_broken(path: Path) -> None:
    path.parent.mkdir()
    path.write_text("temperature = \n")
    with pytest.raises(SettingsError, match="nothing is written into it until that is mended"):
        set_values(path, {"seed": 1})
    assert path.read_text() == "temperature = \n"


def test_what_can_not_be_written_is_one_line(path: Path, tmp_path: Path) -> None:
    (tmp_path / "lacie").write_text("a file where the folder would be")
    with pytest.raises(SettingsError, match=r"config\.toml can't be (written|changed)|can't be read"):
        set_values(path, {"seed": 1})
