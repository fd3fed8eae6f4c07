"""Another look at a module: its weights, in another mode or with another configuration, while others use the module itself."""

from __future__ import annotations

from types import MethodType
from typing import Any, TypeVar

from torch import nn
from torch.nn.utils.parametrize import is_parametrized

Module = TypeVar("Module", bound=nn.Module)

_ALIKE_IN_EVERY_MODE = (nn.Linear, nn.Embedding, nn.LayerNorm)
"""They look neither at the mode nor at a configuration, so that a view may hold the very modules."""

_HOOKS = (
    *("_forward_hooks", "_forward_hooks_with_kwargs", "_forward_hooks_always_called"),
    *("_forward_pre_hooks", "_forward_pre_hooks_with_kwargs"),
)


def view_of(module: Module, *, training: bool | None = None, config: Any = None) -> Module:
    """A module that shares parameters and buffers with the given one and has a mode and a configuration of its own.

    To switch the mode of a module that several threads use, or the attention in its configuration, disturbs whoever is in the
    middle of a forward pass. A view is cheap (well under a millisecond), belongs to the caller alone and is thrown away. Weights
    that change, by a training step or `load_state_dict`, change in the view too; hooks that are registered on one of both do not
    run in the other.

    Args:
        module: What to look at.
        training: The mode of the view and of all modules in it; None leaves each as it is.
        config: Takes the place of the module's own `config`, wherever in it that is held.
    """
    return _view(module, training, getattr(module, "config", None) if config is not None else None, config, {})


def _view(module: Module, training: bool | None, old: Any, new: Any, seen: dict[int, nn.Module]) -> Module:
    if type(module) in _ALIKE_IN_EVERY_MODE or is_parametrized(module):  # torch caches what it parametrises by the module
        return module
    if id(module) in seen:
        return seen[id(module)]  # type: ignore[return-value]
    view: Module = object.__new__(type(module))
    seen[id(module)] = view
    state = dict(vars(module))
    for name in _HOOKS:  # transformers installs hooks when it is asked for all layers
        if name in state:
            state[name] = state[name].copy()
    for name, value in state.items():
        if isinstance(value, MethodType) and value.__self__ is module:  # a forward that somebody wrapped
            state[name] = MethodType(value.__func__, view)
    if training is not None:
        state["training"] = training
    if new is not None and state.get("config") is old:
        state["config"] = new
    state["_modules"] = {
        name: None if child is None else _view(child, training, old, new, seen) for name, child in module._modules.items()
    }
    vars(view).update(state)
    return view
