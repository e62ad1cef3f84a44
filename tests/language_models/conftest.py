from __future__ import annotations

import pytest

from fairrec.language_models import load_language_model


@pytest.fixture(scope="session")
def smollm2():
    """The default model, downloaded and converted at the first use."""
    return load_language_model("default")
