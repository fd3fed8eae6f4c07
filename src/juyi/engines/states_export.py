"""From an Encoder to `openvino.xml`: its layers, in a form where several rows may share a line."""

from __future__ import annotations

import math
import shutil
import tempfile
import warnings
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as XML

import torch
from torch import Tensor, nn

from juyi.atomic import replaced_file
from juyi.encoder import Encoder, family_of, twin
from juyi.engines.export_checks import PROBES, check_same_vectors, make_unmistakable
from juyi.engines.openvino_engine import OpenVINOEngine
from juyi.engines.states_graph import ONE_A_LINE, PLUS_ONE, SIDE_BY_SIDE, STATES, StatesGraph, made_from, states_problem
from juyi.errors import ModelError
from juyi.extras import quiet_transformers, require
from juyi.tokenization import lines_by_tokens

_ATTENTION = "juyi-lines"
_UNSEEN = -1e4
"""Added to the score of a token that is not seen; all scores lie far above, and half precision can hold it."""
_STATES = "states_"
_LARGEST_CONSTANT = 4096  # bytes; anything larger was computed from weights, and would go stale when they change

_MADE: dict[str, StatesGraph] = {}
"""What this process made, by its configuration: whoever trains many models of one kind waits for it once."""


class _States(nn.Module):
    """What is exported: the states of the embedding layer and of all others."""

    def __init__(self, backbone: nn.Module, *, side_by_side: bool) -> None:
        super().__init__()
        self.backbone, self.side_by_side = backbone, side_by_side
        config: Any = backbone.config
        config._attn_implementation = _ATTENTION if side_by_side else "eager"
        config.output_hidden_states = True
        self.first = int(config.pad_token_id) + 1 if family_of(config.model_type).packs == "padding + 1" else 0

    def forward(self, input_ids: Tensor, second: Tensor, owner: Tensor | None = None) -> tuple[Tensor, ...]:
        """Shapes: all inputs: (lines, width); each of the results: (lines, width, hidden)."""
        if self.side_by_side:
            assert owner is not None
            output = self.backbone(
                input_ids=input_ids,
                position_ids=second + self.first,
                attention_mask=torch.empty(0, 0, 0, 0),  # of four axes: transformers makes none of its own
                seen=_Seen(owner),
                output_hidden_states=True,
            )
        else:
            output = self.backbone(input_ids=input_ids, attention_mask=second, output_hidden_states=True)
        return (*output.hidden_states[:-1], output.last_hidden_state)


class _Seen:
    """Which tokens of a line a token sees, as what is added to the scores; made once for all layers that see alike."""

    def __init__(self, owner: Tensor) -> None:
        self._owner, self._made = owner, dict[tuple[bool, int | None], Tensor]()

    def bias(self, *, causal: bool, window: int | None) -> Tensor:
        """Shapes: (lines, 1, width, width)."""
        if (causal, window) not in self._made:
            seen = self._owner.unsqueeze(2) == self._owner.unsqueeze(1)
            if causal or window is not None:
                places = torch.arange(self._owner.shape[1])
                ahead = places.unsqueeze(0) - places.unsqueeze(1)
                if causal:
                    seen = seen & (ahead <= 0)
                if window is not None:
                    seen = seen & (ahead.abs() < window)
            self._made[causal, window] = torch.where(seen, 0.0, _UNSEEN).unsqueeze(1)
        return self._made[causal, window]


def _attention(
    module: nn.Module, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None, *, seen: _Seen, **settings: Any
) -> tuple[Tensor, None]:
    """Attention within each row of a line, in the form that transformers calls.

    Shapes:
        query: (lines, heads, width, size); key, value: likewise, or with fewer heads, each of which serves several neighbouring
        heads of the query; result: (lines, width, heads, size).
    """
    key, value = (states.repeat_interleave(query.shape[1] // states.shape[1], dim=1) for states in (key, value))
    scale = settings.get("scaling") or query.shape[-1] ** -0.5
    bias = seen.bias(causal=bool(getattr(module, "is_causal", False)), window=settings.get("sliding_window"))
    weights = (query @ key.transpose(2, 3) * scale + bias).softmax(-1)
    return (weights @ value).transpose(1, 2).contiguous(), None


def export_states(encoder: Encoder, folder: Path, *, start: Path | None = None) -> Path:
    """Write `openvino.xml` into a model folder, after it was opened and gave the encoder's vectors.

    Args:
        encoder: What to export, as loaded from the folder; it stays as it is.
        folder: The folder it was saved in.
        start: The model that it was made of, if any: its graph serves too where the configuration is the same.

    Returns:
        The path of the graph.

    Raises:
        ModelError: The graph cannot be made or run, or gives other vectors. None is left there.
        MissingExtraError: OpenVINO is not installed.
    """
    require("openvino", extra="openvino", purpose="Exporting for OpenVINO")
    with replaced_file(folder / STATES) as draft:
        if start is not None and not states_problem(start, "last-avg") and made_from(start) == made_from(folder):
            shutil.copyfile(start / STATES, draft)
        else:
            source = made_from(folder)
            if source not in _MADE:
                _MADE[source] = _graph(encoder, source)
            _MADE[source].write(draft)
        if encoder.pooling != "max":  # of which the engine cannot give vectors
            check_same_vectors(encoder.encode(PROBES), OpenVINOEngine(folder, graph=draft).encode(PROBES))
    return folder / STATES


def _graph(encoder: Encoder, source: str) -> StatesGraph:
    """The graph, its weights taken out and named as the weight file does."""
    from transformers import AttentionInterface

    AttentionInterface.register(_ATTENTION, _attention)
    backbone = twin(encoder).eval().cpu().backbone
    make_unmistakable(backbone)
    weights = {name: value.numpy() for name, value in backbone.state_dict().items()}
    weights |= {f"{PLUS_ONE}{name}": 1 + value for name, value in weights.items() if value.ndim == 1}
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / STATES
        _convert(encoder, backbone, path)
        root, numbers = XML.fromstring(path.read_bytes()), path.with_suffix(".bin").read_bytes()
    known = {value.tobytes(): name for name, value in weights.items() if value.dtype == "float32"}
    used, constants, data = dict[str, tuple[int, ...]](), b"", root.findall("./layers/layer[@type='Const']/data")
    places = [(int(each.get("offset", 0)), int(each.get("size", 0))) for each in data]
    chunks = [numbers[start : start + size] for start, size in places]
    for chunk in chunks:
        if chunk in known:
            used[known[chunk]] = weights[known[chunk]].shape
        elif len(chunk) > _LARGEST_CONSTANT:
            raise ModelError(
                f"A model of type '{encoder.config.model_type}' cannot be exported for OpenVINO: its graph holds numbers that "
                "were computed from the weights in advance. The other engines run it."
            )
    offsets, place_of = dict[str, int](), 0
    for name, shape in used.items():
        offsets[name], place_of = place_of, place_of + 4 * math.prod(shape)
    for each, chunk in zip(data, chunks, strict=True):
        if chunk in known:
            each.set("offset", str(offsets[known[chunk]]))
        else:
            constants += bytes(-len(constants) % 64)  # where numbers of any width may begin
            each.set("offset", str(place_of + len(constants)))
            constants += chunk
    _forget_origin(root)
    return StatesGraph(source, used, constants, XML.tostring(root, encoding="utf-8"))


def _convert(encoder: Encoder, backbone: nn.Module, path: Path) -> None:
    import openvino
    from openvino._offline_transformations import apply_moc_transformations
    from openvino.frontend import FrontEndManager
    from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder

    kind = encoder.config.model_type
    side_by_side = bool(family_of(kind).packs)
    (lines,) = lines_by_tokens([[3, 2, 1, 2, 3], [1, 2], [2, 1, 3]], 64, encoder.tokenizer.special.pad, side_by_side=side_by_side)
    arrays = (lines.ids, lines.positions, lines.owner) if side_by_side else (lines.ids, (lines.owner >= 0).astype("int64"))
    examples, module = tuple(torch.from_numpy(each) for each in arrays), _States(backbone, side_by_side=side_by_side)
    with warnings.catch_warnings(), quiet_transformers(), torch.no_grad():
        warnings.simplefilter("ignore")  # of the tracer, about shapes that it sees as numbers
        try:  # not openvino.convert_model, which does the same and tells its makers about it over the network
            traced = torch.jit.trace(module, examples, strict=False, check_trace=False)  # type: ignore[no-untyped-call]
            frontend, decoder = FrontEndManager().load_by_framework("pytorch"), TorchScriptPythonDecoder(traced, skip_freeze=True)
            model = frontend.convert(frontend.load(decoder))
            apply_moc_transformations(model, False)
        except Exception as error:  # the tracer raises whatever it meets in the code of a kind that it cannot follow
            raise ModelError(
                f"A model of type '{kind}' cannot be exported for OpenVINO: {type(error).__name__}. The other engines run it."
            ) from error
    for name, port in zip(SIDE_BY_SIDE if side_by_side else ONE_A_LINE, model.inputs, strict=True):
        port.get_tensor().set_names({name})
        port.get_node().set_friendly_name(name)
    for layer, port in enumerate(model.outputs):
        port.get_tensor().set_names({f"{_STATES}{layer}"})
    openvino.serialize(model, path)  # which keeps the numbers as they are; save_model would round them


def _forget_origin(root: Any) -> None:
    """Drop what the converter notes about itself, and names that count up from one export to the next: the file is the same."""
    root.set("name", "states")
    for each in root.findall("rt_info"):
        root.remove(each)
    for layer in root.iterfind("./layers/layer"):
        for each in layer.findall("rt_info"):
            layer.remove(each)
        if layer.get("type") != "Parameter":
            layer.set("name", f"{layer.get('type')}_{layer.get('id')}")
        for port in layer.iterfind("./output/port"):
            kept = [
                name for name in port.get("names", "").split(",") if name in ONE_A_LINE + SIDE_BY_SIDE or name.startswith(_STATES)
            ]
            port.attrib.pop("names", None)
            if kept:
                port.set("names", ",".join(kept))
