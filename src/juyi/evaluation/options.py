"""What is measured and how encoders are run: what `juyi evaluate` and `juyi compare` are told."""

from __future__ import annotations

from dataclasses import dataclass

from juyi.data import ReadSettings
from juyi.engines.engine import EngineKind, PrecisionChoice
from juyi.errors import UsageError
from juyi.prompts import Prompt, PromptChoice


@dataclass(frozen=True)
class EncodeOptions:
    """How encoders are run.

    Attributes:
        pooling: In place of the model's own.
        engine: One of `ENGINE_KINDS`.
        precision: What products are computed in, of all encoders that are measured beside each other. `auto`: bfloat16 where it
            is fast, every one of them can, and it orders a sample of pairs as float32 does; else float32.
        cache: Whether embeddings are kept on disk and read from there.
        prompt: What is put before every text: the name of one of the model's prompts, or a text; empty for none. None leaves
            the default before texts that are compared, and before queries and what is searched the model's prompts for these.
        query_prompt: Before queries, in place of that.
        corpus_prompt: Before what is searched, in place of that.
    """

    pooling: str | None = None
    engine: EngineKind = "auto"
    precision: PrecisionChoice = "auto"
    cache: bool = True
    prompt: str | Prompt | None = None
    query_prompt: str | Prompt | None = None
    corpus_prompt: str | Prompt | None = None

    @property
    def prompts(self) -> PromptChoice:
        """The prompts that are asked for."""
        return PromptChoice(self.prompt, self.query_prompt, self.corpus_prompt)


@dataclass(frozen=True)
class EvaluationOptions(ReadSettings):
    """What is measured.

    Attributes:
        suite: A named suite, a TOML file that declares tasks, or a file of pairs.
        data: The folder of its files.
        splits: Which splits.
        tasks: Only these.
        whiten: `target`, `train` or a file: what a whitening is fitted on; empty for none.
        dimensions: What the whitening keeps.
        flow: As `whiten`, for BERT-flow.
        labels: For every score.
        trained_on: Files that the encoder was trained on; tasks with sentences of them are transductive.

    What a file of tasks looks like, and in which encoding, its content tells; else see `ReadSettings`.

    Raises:
        UsageError: Both a whitening and a flow are asked for, or dimensions without a whitening.
    """

    suite: str = "zh-sts"
    data: str | None = None
    splits: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    whiten: str = ""
    dimensions: int | None = None
    flow: str = ""
    labels: tuple[str, ...] = ()
    trained_on: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.whiten and self.flow:
            raise UsageError("--whiten and --flow were both given; one of them at a time.")
        if self.dimensions is not None and not self.whiten:
            raise UsageError("-k says how many dimensions a whitening keeps; give --whiten too.")
