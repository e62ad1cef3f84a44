"""The one place that writes files: whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from fairrec.errors import RunBroken


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write `content` (text as UTF-8) to `path`; a reader sees the old file or the new one.

    Raises:
        RunBroken: The folder cannot be written or the disk is full; the old file is intact.
    """
    data = content.encode("utf-8", "backslashreplace") if isinstance(content, str) else content
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except OSError as error:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
        raise RunBroken(
            f"{path} could not be written: {error.strerror or error}.",
            expected="a folder with write permission and free space.",
            do="free some space or choose another folder; what was there before is unchanged.",
        ) from error
