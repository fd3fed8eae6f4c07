"""Checks of settings that several objectives have."""

from __future__ import annotations

from juyi.errors import UsageError


def check_temperature(temperature: float) -> None:
    """Refuse a temperature that cannot divide a cosine.

    Raises:
        UsageError: It is not above 0.
    """
    if not temperature > 0:
        raise UsageError(f"The temperature is {temperature}; it must be above 0, 0.05 is usual.")
