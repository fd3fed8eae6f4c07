"""What is done to vectors after the encoder: whitening, flow, a learned linear map."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from juyi.postprocessing.whitening import Whitening, fit_whitening

if TYPE_CHECKING:
    from juyi.postprocessing.flow import Flow, fit_flow
    from juyi.postprocessing.linear import LinearSettings, fit_linear_on_pairs, fit_linear_on_scores
    from juyi.postprocessing.whitened_encoder import whiten_encoder, with_affine, with_whitening, without_normalisation

__all__ = [
    "Flow",
    "LinearSettings",
    "Whitening",
    "fit_flow",
    "fit_linear_on_pairs",
    "fit_linear_on_scores",
    "fit_whitening",
    "whiten_encoder",
    "with_affine",
    "with_whitening",
    "without_normalisation",
]

_WITH_TORCH = {
    "Flow": "flow",
    "LinearSettings": "linear",
    "fit_flow": "flow",
    "fit_linear_on_pairs": "linear",
    "fit_linear_on_scores": "linear",
    "whiten_encoder": "whitened_encoder",
    "with_affine": "whitened_encoder",
    "with_whitening": "whitened_encoder",
    "without_normalisation": "whitened_encoder",
}


def __getattr__(name: str) -> Any:
    """Fitting a whitening needs no torch; what does is imported on first use."""
    if name in _WITH_TORCH:
        return getattr(import_module(f"juyi.postprocessing.{_WITH_TORCH[name]}"), name)
    raise AttributeError(f"module 'juyi.postprocessing' has no attribute '{name}'")


def __dir__() -> list[str]:
    return __all__
