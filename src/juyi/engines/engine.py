"""What every engine does, whatever library runs underneath."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Literal, Protocol, get_args

from juyi.errors import UsageError

if TYPE_CHECKING:
    from juyi.prompts import Prompt, PromptChoice, PromptedEncode, Prompts
    from juyi.types import Embeddings, Encode

EngineKind = Literal["auto", "openvino", "onnx", "torch"]
ENGINE_KINDS: tuple[EngineKind, ...] = get_args(EngineKind)
"""What can be asked for; `auto` chooses among the others."""

Precision = Literal["float32", "bfloat16"]
PRECISIONS: tuple[Precision, ...] = get_args(Precision)

PrecisionChoice = Literal["auto", "float32", "bfloat16"]
PRECISION_CHOICES: tuple[PrecisionChoice, ...] = get_args(PrecisionChoice)
"""What can be asked for; `auto` takes the faster one where the vectors keep their direction, see `juyi.engines.fidelity`."""

BLOCK_TEXTS = 4096


class Engine(Protocol):
    """Encodes sentences, in whatever library. Several threads may use one engine at once."""

    kind: EngineKind
    """Which of `ENGINE_KINDS` it is, never `auto`."""

    precision: Precision
    """What its products are computed in; the vectors are float32 in either case."""

    @property
    def identity(self) -> str:
        """Changes with all that decides about the vectors; see `juyi.engines.identity`."""
        ...

    @property
    def dim(self) -> int:
        """Width of the vectors."""
        ...

    @property
    def prompts(self) -> Prompts:
        """What the model wants before its texts, by name; nothing where an engine says nothing."""
        from juyi.prompts import Prompts

        return Prompts()

    @property
    def fast_precision(self) -> Precision:
        """What it computes fast in, on this machine."""
        return "float32"

    def at(self, precision: Precision) -> Engine:
        """The same encoder in a precision.

        Raises:
            UsageError: The engine does not have it.
        """
        if precision != self.precision:
            raise UsageError(f"The engine {self.kind} computes in {self.precision}, not in {precision}.")
        return self

    def encode(
        self,
        texts: Sequence[str],
        *,
        prompt: str | Prompt | None = None,
        normalise: bool = False,
        batch_tokens: int | None = None,
    ) -> Embeddings:
        """The vectors of the texts, in their order.

        Args:
            texts: Any number of sentences.
            prompt: The name of one of the model's prompts, or a text, to put before each sentence; empty for none, and None for
                the default. See `Prompts.resolve`.
            normalise: Give every vector length one; a vector of zeros stays one.
            batch_tokens: Tokens in one forward, padding included; sentences of like length share one. None leaves it to the
                engine.

        Shapes:
            result: (n, dim) float32.

        Raises:
            UsageError: The texts are one string, or something among them is none; or there is no prompt of that name.
            NonFiniteError: The encoder gives NaN or infinity.
        """
        ...

    def prompted(
        self, choice: PromptChoice | None = None, *, normalise: bool = False, batch_tokens: int | None = None
    ) -> PromptedEncode:
        """The engine as an encoder that tells queries and what is searched apart; see `PromptedEncode`.

        Args:
            choice: Prompts in place of the model's own.
            normalise: See `encode`.
            batch_tokens: See `encode`.

        Raises:
            UsageError: There is no prompt of a name that was chosen.
        """
        from juyi.prompts import PromptChoice, PromptedEncode

        def make(prompt: Prompt) -> Encode:
            return partial(self.encode, prompt=prompt, normalise=normalise, batch_tokens=batch_tokens)

        return PromptedEncode(make, self.prompts, choice or PromptChoice())

    def encode_blocks(
        self,
        texts: Iterable[str],
        *,
        prompt: str | Prompt | None = None,
        normalise: bool = False,
        batch_tokens: int | None = None,
        block_size: int = BLOCK_TEXTS,
    ) -> Iterator[Embeddings]:
        """The vectors of the texts, block after block: neither all texts nor all vectors are ever in memory.

        Args:
            texts: Any number of sentences, taken as they are needed.
            prompt: See `encode`.
            normalise: See `encode`.
            batch_tokens: See `encode`.
            block_size: Texts in one block; those of like length within a block share a forward, so small ones are slow.

        Shapes:
            yields: (block_size, dim) float32, the last one maybe shorter; nothing for no texts.

        Raises:
            UsageError: As `encode`; in what goes on, when it comes to the text.
        """
        if isinstance(texts, str):
            raise UsageError("texts is one string, and each of its characters would be a text. Put it into a list: [text].")
        encode = partial(self.encode, normalise=normalise, batch_tokens=batch_tokens)
        if prompt is not None:
            self.prompts.resolve(prompt)  # or the error would come with the first block
            encode = partial(encode, prompt=prompt)
        return self._blocks(iter(texts), encode, block_size)

    def _blocks(self, texts: Iterator[str], encode: Encode, block_size: int) -> Iterator[Embeddings]:
        from juyi.embeddings import check_texts

        done = 0
        while block := list(islice(texts, block_size)):
            check_texts(block, f"texts, from number {done} on," if done else "texts")
            yield encode(block)
            done += len(block)
