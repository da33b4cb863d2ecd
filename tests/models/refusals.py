"""What the user is told where a model can't be had."""

import pytest

from lacie_chat.models import ModelError, resolve


def refused(ref: str) -> str:
    with pytest.raises(ModelError) as caught:
        resolve(ref, download=False)
    assert "\n" not in str(caught.value)
    return str(caught.value)
