"""The bridge to mteb: a juyi model, or any function that encodes, as an encoder that `mteb.evaluate` takes."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

from safetensors import safe_open

from juyi.embeddings import encoded, finite_matrix
from juyi.engines import EngineKind, open_engine
from juyi.errors import UsageError
from juyi.extras import require
from juyi.hub import folder_digest, resolve
from juyi.layout import read_layout
from juyi.prompts import Prompt, PromptedEncode
from juyi.types import Embeddings, Encode

_PROBE = ("今天天气很好，我们去公园散步。", "How can I reset my password?", "句意")


class _Encodes(Protocol):
    @property
    def encode(self) -> Encode: ...


class MtebEncoder:
    """An encoder for mteb.

    C-MTEB, with a network for its data::

        import mteb
        from juyi.compatibility import MtebEncoder
        mteb.evaluate(MtebEncoder("my-model"), mteb.get_benchmark("MTEB(cmn, v1)").tasks)

    Prompts are chosen as mteb does it with sentence-transformers: the model's own for the task ("ATEC", or "ATEC-query" for its
    queries), for the kind of task ("STS", "Retrieval-query"), for queries or documents, or else the default.

    mteb keeps results under name and revision and does not compute again what it has. So the revision stands for the content: the
    commit of a model of the hub, a digest of all files of any other folder, and of a function a digest of the vectors that it
    gives to fixed sentences when it is passed here.

    Args:
        model: A folder, a hub id, an embedded encoder, or nothing for the default one; or a function from texts to (n, dim)
            vectors, or anything with such a function as its `encode`.
        name: What mteb calls the model, "owner/name"; without an owner it is juyi's. Otherwise "juyi/" and the name of the
            folder, of the hub's repository or of the class.
        engine: For a model that is opened here; see `open_engine`.
        batch_tokens: Padded tokens in one forward of a model that is opened here; it takes the place of mteb's `batch_size`.

    Attributes:
        mteb_model_meta: What mteb records of the model. The parameters are those that safetensors files hold.

    Raises:
        MissingExtraError: mteb is not installed.
        ModelError: The model cannot be opened.
        UsageError: `model` neither names a model nor encodes.
    """

    def __init__(
        self,
        model: str | Path | Encode | _Encodes | None = None,
        *,
        name: str | None = None,
        engine: EngineKind = "auto",
        batch_tokens: int | None = None,
    ) -> None:
        mteb: Any = require("mteb.models.model_meta", extra="mteb", purpose="Evaluation with mteb")
        facts: dict[str, Any]
        if model is None or isinstance(model, str | Path):
            folder = resolve(model)
            encode: Encode = open_engine(folder, engine).prompted(batch_tokens=batch_tokens)
            facts = _facts(folder)
        else:
            given: Any = model
            prompted = getattr(given, "prompted", None)  # an engine's
            encode = getattr(given, "encode", given) if prompted is None else prompted(batch_tokens=batch_tokens)
            facts = {"name": type(model).__name__}
        if not callable(encode):
            raise UsageError(
                f"model is of the type {type(model).__name__}, which does not encode. Pass a folder, a hub id, a function from "
                "texts to (n, dim) vectors, or something with such a function as its `encode`."
            )
        self._encode = PromptedEncode.of(encode)
        probe = encoded(self._encode, _PROBE)
        name = name or facts["name"]
        known = {
            "revision": hashlib.sha256(probe.tobytes()).hexdigest(),
            **facts,
            "name": name if "/" in name else f"juyi/{name}",
            "embed_dim": probe.shape[1],
            "similarity_fn_name": mteb.ScoringFunction.COSINE,
            "use_instructions": bool(self._encode.prompts),
        }
        self.mteb_model_meta: Any = mteb.ModelMeta.create_empty(known)

    def encode(self, inputs: Iterable[Mapping[str, Any]], **call: Any) -> Embeddings:
        """The vectors of the texts of all batches, in their order.

        Args:
            inputs: mteb's DataLoader; the texts of a batch lie under "text".
            call: What else mteb says. The prompt depends on `task_metadata` and `prompt_type`; the rest changes no vector.

        Shapes:
            result: (texts, dim) float32.

        Raises:
            UsageError: Another precision is asked for, or the encoder does not give one row of finite numbers a text.
        """
        if call.get("precision") not in (None, "float32"):
            raise UsageError(f"precision is {call['precision']!r}; the vectors are float32 and not quantised. Leave it out.")
        encode = self._for(call.get("task_metadata"), call.get("prompt_type"))
        embeddings = encoded(encode, [text for batch in inputs for text in batch["text"]])
        finite_matrix(embeddings, "embeddings")
        return embeddings

    def _for(self, task: Any, prompt_type: Any) -> Encode:
        """What encodes the texts of a task: its queries, its documents, or texts of one kind."""
        side = str(getattr(prompt_type, "value", prompt_type or ""))
        known = {} if self._encode.prompts is None else self._encode.prompts.texts
        for name in (f"{stem}{end}" for stem in _names(task) for end in ([f"-{side}", ""] if side else [""])):
            if name in known:
                return self._encode.under(Prompt(known[name], name))
        return {"query": self._encode.queries, "document": self._encode.corpus}.get(side, self._encode)

    def similarity(self, embeddings1: Any, embeddings2: Any) -> Any:
        """The cosine of every row of one with every row of the other, computed by mteb in float32.

        Shapes:
            embeddings1: (n, dim); embeddings2: (m, dim); result: (n, m), a tensor.
        """
        return _similarity_functions().cos_sim(embeddings1, embeddings2)

    def similarity_pairwise(self, embeddings1: Any, embeddings2: Any) -> Any:
        """The cosine of each row of one with the same row of the other, computed by mteb in float32.

        Shapes:
            embeddings1, embeddings2: (n, dim); result: (n,), a tensor.
        """
        return _similarity_functions().pairwise_cos_sim(embeddings1, embeddings2)


def _names(task: Any) -> list[str]:
    """What mteb calls a task, and its kind."""
    return [str(name) for name in (getattr(task, "name", None), getattr(task, "type", None)) if name]


def _similarity_functions() -> Any:
    return require("mteb.similarity_functions", extra="mteb", purpose="Evaluation with mteb")


def _facts(folder: Path) -> dict[str, Any]:
    """What is known of a model folder, in the words of mteb's ModelMeta."""
    commit = re.search(r"/models--([^/]+)/snapshots/([^/]+)$", folder.absolute().as_posix())  # the form of the hub's cache
    return {
        "name": commit[1].rpartition("--")[2] if commit else folder.resolve().name,
        "revision": commit[2] if commit else folder_digest(folder),
        "max_tokens": read_layout(folder).max_length,
        "n_parameters": sum(map(_stored_parameters, folder.rglob("*.safetensors"))) or None,
    }


def _stored_parameters(path: Path) -> int:
    with safe_open(path, "numpy") as file:
        tensors = [file.get_slice(key) for key in file.keys()]  # noqa: SIM118 - it is no mapping
        return sum(math.prod(tensor.get_shape()) for tensor in tensors if "F" in tensor.get_dtype())  # positions are integers
