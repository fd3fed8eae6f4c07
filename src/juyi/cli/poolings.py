"""Reading a pooling's name from the command line."""

from __future__ import annotations

from typing import cast

from juyi.errors import UsageError
from juyi.poolings import POOLING_NAMES, PoolingName


def known_pooling(name: str | None) -> PoolingName | None:
    """The pooling of that name; None stays None.

    Raises:
        UsageError: There is no such pooling.
    """
    if name is not None and name not in POOLING_NAMES:
        raise UsageError(f"'{name}' is no pooling. The poolings are {', '.join(POOLING_NAMES)}.")
    return cast("PoolingName | None", name)
