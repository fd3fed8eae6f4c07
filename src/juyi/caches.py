"""Where caches are: one folder a kind, among the caches of the user or where JUYI_CACHE says."""

from __future__ import annotations

import os
from pathlib import Path

VARIABLE = "JUYI_CACHE"
"""The environment variable that says where caches are; its default is juyi's folder among the caches of the user."""


def user_cache(kind: str) -> Path:
    """The folder of a kind of cache: of that name in the folder that JUYI_CACHE names, or in juyi's among the user's caches."""
    named = os.environ.get(VARIABLE)
    if named:
        return Path(named).expanduser() / kind
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "juyi" / kind
