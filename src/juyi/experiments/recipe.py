"""What an experiment declares: frozen dataclasses, one a table of the TOML file."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from juyi.encoder import EncoderSettings
from juyi.errors import UsageError
from juyi.objectives import AnyObjective, MaskedLM
from juyi.training import TrainingSettings


@dataclass(frozen=True)
class DataSettings:
    """Which sentences a SimCSE run learns from.

    Attributes:
        texts: Files of unlabelled sentences; usually given on the command line.
        columns: Columns of a table to take; empty: the ones that hold text.
        sample: Draw this many at random; 0 takes all.
        distinct: Drop repeated sentences first (they would be false negatives of each other).
        seed: Draws the sample.
    """

    texts: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    sample: int = 0
    distinct: bool = True
    seed: int = 42


@dataclass(frozen=True)
class Selection:
    """The development set that `training.evaluate_every` measures and `training.keep = "best"` chooses by.

    Attributes:
        pairs: A file of scored pairs.
    """

    pairs: str = ""


@dataclass(frozen=True)
class Recipe:
    """An experiment that adapts an encoder to sentences.

    Attributes:
        name: Its name; the run folder begins with it.
        source: Where the settings come from, and what differs.
        about: What it is for, in a sentence or two.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    name: str
    source: str
    objective: Annotated[AnyObjective, Field(discriminator="kind")]
    about: str = ""
    encoder: EncoderSettings = field(default_factory=EncoderSettings)
    data: DataSettings = field(default_factory=DataSettings)
    training: TrainingSettings = field(default_factory=TrainingSettings)
    selection: Selection = field(default_factory=Selection)


@dataclass(frozen=True)
class Vocabulary:
    """The vocabulary to learn: a WordPiece one, every Chinese character a token."""

    size: int = 8192
    min_frequency: int = 2


@dataclass(frozen=True)
class Backbone:
    """The untrained backbone: its kind and the keys of that kind's transformers configuration."""

    model_type: str
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Source:
    """One file of running text.

    Attributes:
        file: Its name in the data folder.
        rows: Take about this many lines, in evenly spread blocks of neighbours; 0 takes all.
        licence: What its origin says.
    """

    file: str
    rows: int = 0
    licence: str = ""


@dataclass(frozen=True)
class Corpus:
    """What a pre-training reads.

    Attributes:
        sources: The files.
        sequence_length: Neighbouring lines are joined into sequences of this many tokens.
    """

    sources: tuple[Source, ...]
    sequence_length: int = 64

    def __post_init__(self) -> None:
        if not self.sources:
            raise UsageError("corpus.sources is empty; name at least one file to read.")
        if self.sequence_length < 3:
            raise UsageError(
                f"corpus.sequence_length is {self.sequence_length}; it must be at least 3, [CLS], a token and [SEP]; 64 is usual."
            )


@dataclass(frozen=True)
class PretrainRecipe:
    """An experiment that makes a new encoder from running text by masked language modelling."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    name: str
    source: str
    backbone: Backbone
    corpus: Corpus
    about: str = ""
    kind: Literal["pretrain"] = "pretrain"
    vocabulary: Vocabulary = field(default_factory=Vocabulary)
    objective: MaskedLM = field(default_factory=MaskedLM)
    training: TrainingSettings = field(default_factory=TrainingSettings)
    max_length: int = 128

    def __post_init__(self) -> None:
        if self.corpus.sequence_length > self.max_length:
            raise UsageError(
                f"corpus.sequence_length is {self.corpus.sequence_length}, above the encoder's max_length of {self.max_length}. "
                "Shorten the sequences, or raise max_length."
            )
