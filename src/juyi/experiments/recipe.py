"""What an experiment declares: frozen dataclasses, one a table of the TOML file."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from juyi.encoder import EncoderSettings
from juyi.errors import UsageError
from juyi.experiments.recipe_files import RECIPES
from juyi.objectives import AnyObjective, Distillation, MaskedLM, Objective, PairContrastive, WithMaskedLM
from juyi.training import TrainingSettings


@dataclass(frozen=True)
class DataSettings:
    """What a run learns from: sentences, or whatever the objective's columns are.

    Attributes:
        texts: Files of unlabelled sentences; usually given on the command line.
        pairs: Files of pairs, triplets, scored or labelled pairs, as the objective needs them.
        columns: Columns of a table to take; empty: the ones that hold text, or the usual ones.
        encoding: Of text files.
        sample: Draw this many rows at random; 0 takes all.
        distinct: Drop repeated rows first (repeated sentences would be false negatives of each other).
        seed: Draws the sample.
    """

    texts: tuple[str, ...] = ()
    pairs: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    encoding: str = "utf-8"
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
class MaskedLMTerm:
    """Masked language modelling beside the objective.

    Attributes:
        weight: Of its loss; 0.1 is usual.
        rate: Share of the tokens to predict.
        whole_words: Hide all pieces of a word or none.
    """

    weight: float = 0.1
    rate: float = 0.15
    whole_words: bool = False

    def __post_init__(self) -> None:
        if not 0 < self.weight < math.inf:
            raise UsageError(f"masked_lm.weight is {self.weight}; it must be above 0. Leave the table out for none.")

    def beside(self, objective: Objective) -> WithMaskedLM:
        """Both together."""
        return WithMaskedLM(objective, MaskedLM(rate=self.rate, whole_words=self.whole_words), self.weight)


@dataclass(frozen=True)
class Recipe:
    """An experiment that adapts an encoder to sentences, pairs or triplets.

    Attributes:
        name: Its name; the run folder begins with it.
        source: Where the settings come from, and what differs.
        about: What it is for, in a sentence or two.
        masked_lm: A second loss beside the objective.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    name: str
    source: str
    objective: Annotated[AnyObjective, Field(discriminator="kind")]
    about: str = ""
    encoder: EncoderSettings = field(default_factory=EncoderSettings)
    masked_lm: MaskedLMTerm | None = None
    data: DataSettings = field(default_factory=DataSettings)
    training: TrainingSettings = field(default_factory=TrainingSettings)
    selection: Selection = field(default_factory=Selection)


@dataclass(frozen=True)
class Vocabulary:
    """The vocabulary to learn.

    Attributes:
        kind: `wordpiece`: every Chinese character a token. `unigram`: frequent words are tokens of their own.
        size: Tokens in all.
        min_frequency: What occurs less often is not learned.
        words: Of `unigram`: no piece is longer than one of jieba's words.
        simplify: Of `unigram`: Traditional characters are read as Simplified ones.
    """

    kind: Literal["wordpiece", "unigram"] = "wordpiece"
    size: int = 8192
    min_frequency: int = 2
    words: bool = True
    simplify: bool = True


@dataclass(frozen=True)
class Backbone:
    """The untrained backbone: its kind and the keys of that kind's transformers configuration."""

    model_type: str
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Source:
    """One file of text.

    Attributes:
        file: Its path in the data folder.
        rows: Take about this many lines, in evenly spread blocks of neighbours; 0 takes all.
        column: Of a file with tabs: the column to take, counted from 1; 0 takes whole lines.
        licence: What its origin says.
    """

    file: str
    rows: int = 0
    column: int = 0
    licence: str = ""

    def __post_init__(self) -> None:
        if self.rows < 0 or self.column < 0:
            raise UsageError(f"{self.file}: rows and column must be at least 0; 0 takes all lines and whole ones.")


@dataclass(frozen=True)
class Corpus:
    """What a pre-training reads.

    Attributes:
        sources: The files.
        exclude: Patterns of files in the data folder whose sentences must not be learned from: what will be measured on.
        sequence_length: Neighbouring lines are joined into sequences of this many tokens.
    """

    sources: tuple[Source, ...]
    exclude: tuple[str, ...] = ()
    sequence_length: int = 64

    def __post_init__(self) -> None:
        if not self.sources:
            raise UsageError("corpus.sources is empty; name at least one file to read.")
        if self.sequence_length < 3:
            raise UsageError(
                f"corpus.sequence_length is {self.sequence_length}; it must be at least 3, [CLS], a token and [SEP]; 64 is usual."
            )


@dataclass(frozen=True)
class PairSource:
    """One file of pairs.

    Attributes:
        file: Its path in the data folder.
        columns: Of a file with tabs: the two columns to take, counted from 1. One column twice pairs a text with itself, which is
            SimCSE; running text is one column.
        neighbours: Above 0: the file is running text, each line is paired with the next, and so many lines in a row count as one
            document.
        both: Distillation: the student learns the second side too, not the first alone.
        rows: Take about this many pairs, in evenly spread blocks of neighbours; 0 takes all.
        repeat: How often the pairs are seen in one epoch.
        licence: What its origin says.
    """

    file: str
    columns: tuple[int, int] = (1, 2)
    neighbours: int = 0
    both: bool = False
    rows: int = 0
    repeat: int = 1
    licence: str = ""

    def __post_init__(self) -> None:
        if min(self.columns) < 1:
            raise UsageError(f"{self.file}: columns are {list(self.columns)}; they are counted from 1.")
        if self.repeat < 1 or self.neighbours < 0 or self.rows < 0:
            raise UsageError(f"{self.file}: repeat must be at least 1, neighbours and rows at least 0.")


@dataclass(frozen=True)
class FrameSource:
    """Sentences put together from frames in two languages and the words of a dictionary.

    Attributes:
        dictionary: Its path in the data folder: a word and its glosses a line, a tab between them. Words with a short gloss fill
            the slots `noun` and `verb` ("to …").
        rows: How many sentences to put together.
        frames: A file beside the recipes: a frame in both languages a line, "{noun}多少钱" and "how much is {noun}". A 2 behind
            the name of a slot asks for a second filling.
        phrases: A file beside the recipes: the name of a slot and a filling in both languages a line.
        count: Files of the data folder by which the words are weighed: frequent ones are drawn more often.
        min_count: Words that occur less often there are left out.
        both: Distillation: the student learns the second side too.
        seed: Draws frames and fillings.
        licence: What the dictionary's origin says.
    """

    dictionary: str
    rows: int
    frames: str = "mini/frames.tsv"
    phrases: str = "mini/phrases.tsv"
    count: tuple[str, ...] = ()
    min_count: int = 0
    both: bool = False
    seed: int = 42
    licence: str = ""

    def __post_init__(self) -> None:
        for file in (self.frames, self.phrases):
            if not (RECIPES / file).is_file():
                raise UsageError(f"corpus.frames: there is no {file} beside the recipes, in {RECIPES}.")
        if self.rows < 1 or self.min_count < 0:
            raise UsageError(f"corpus.frames: rows is {self.rows} and must be at least 1, min_count {self.min_count} at least 0.")
        if self.min_count and not self.count:
            raise UsageError("corpus.frames: min_count is set, but `count` names no file to count in.")


@dataclass(frozen=True)
class PairCorpus:
    """What a training on pairs reads.

    Attributes:
        sources: The files.
        frames: Sentences to put together beside them.
        exclude: Patterns of files in the data folder whose sentences must not be learned from: what will be measured on.
        longest: A pair with a side of more characters is left out.
    """

    sources: tuple[PairSource, ...]
    frames: FrameSource | None = None
    exclude: tuple[str, ...] = ()
    longest: int = 200

    def __post_init__(self) -> None:
        if not self.sources:
            raise UsageError("corpus.sources is empty; name at least one file to read.")


@dataclass(frozen=True)
class CorpusRecipe:
    """An experiment that trains an encoder on pairs from files that the recipe names.

    Attributes:
        teacher: Of distillation: the encoder whose vectors of the second sides are learned.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    name: str
    source: str
    corpus: PairCorpus
    objective: Annotated[Distillation | PairContrastive, Field(discriminator="kind")]
    about: str = ""
    kind: Literal["corpus"] = "corpus"
    teacher: str = ""
    encoder: EncoderSettings = field(default_factory=EncoderSettings)
    masked_lm: MaskedLMTerm | None = None
    training: TrainingSettings = field(default_factory=TrainingSettings)
    selection: Selection = field(default_factory=Selection)

    def __post_init__(self) -> None:
        if isinstance(self.objective, Distillation) != bool(self.teacher):
            raise UsageError("A distillation needs a teacher, and nothing else does: look at 'teacher' and 'objective'.")


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


def trained_objective(recipe: Recipe | CorpusRecipe) -> Objective:
    """What is minimised: the objective, with masked language modelling beside it where the recipe says so."""
    return recipe.masked_lm.beside(recipe.objective) if recipe.masked_lm else recipe.objective
