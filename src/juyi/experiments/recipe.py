"""What an experiment declares: frozen dataclasses, one a table of the TOML file."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, get_args

from pydantic import ConfigDict, Field

from juyi.data import ReadSettings
from juyi.encoder import EncoderSettings
from juyi.errors import UsageError
from juyi.experiments.sources import PairSources, TextSources
from juyi.objectives import (
    AnyObjective,
    Distillation,
    MaskedLM,
    Objective,
    PairContrastive,
    WithMaskedLM,
    at_all_widths,
)
from juyi.teachers import Teacher
from juyi.training import TrainingSettings


@dataclass(frozen=True)
class DataSettings(ReadSettings):
    """What a run learns from: sentences, or whatever the objective's columns are.

    Attributes:
        texts: Files of unlabelled sentences; usually given on the command line.
        pairs: Files of pairs, triplets, scored or labelled pairs, as the objective needs them.
        sample: Draw this many rows at random; 0 takes all.
        distinct: Drop repeated rows first (repeated sentences would be false negatives of each other).
        seed: Draws the sample.

    How the files are read, their contents tell; else see `juyi.data.ReadSettings`.
    """

    texts: tuple[str, ...] = ()
    pairs: tuple[str, ...] = ()
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
class TrainRecipe:
    """An experiment that trains an encoder on the rows that it is given: sentences, pairs, triplets, scored or labelled pairs.

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
    kind: Literal["train"] = "train"
    encoder: EncoderSettings = field(default_factory=EncoderSettings)
    masked_lm: MaskedLMTerm | None = None
    data: DataSettings = field(default_factory=DataSettings)
    training: TrainingSettings = field(default_factory=TrainingSettings)
    selection: Selection = field(default_factory=Selection)

    def __post_init__(self) -> None:
        _check_heads(self.objective, self.encoder)


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
class SourcesRecipe:
    """An experiment that trains an encoder on the pairs of sources that the recipe names, or on their texts alone.

    Attributes:
        teacher: Of distillation: the encoder whose vectors of the second sides are learned; see `Teacher.model`.
        teachers: In its place: one or several with more to say about each.
        clusters: Of distillation: the texts are put into so many clusters by their targets, and with `training.mixing` at
            `proportional` or `round-robin` every batch is of one, so that what is told apart is near each other; clusters of
            fewer than two batches count among the others. 0: none.
        clustered: The share of the texts, drawn by chance, that this is done with; batches of the others are of all kinds.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    name: str
    source: str
    sources: PairSources
    objective: Annotated[Distillation | PairContrastive | MaskedLM, Field(discriminator="kind")]
    about: str = ""
    kind: Literal["train-on-sources"] = "train-on-sources"
    teacher: str = ""
    teachers: tuple[Teacher, ...] = ()
    clusters: int = 0
    clustered: float = 1.0
    encoder: EncoderSettings = field(default_factory=EncoderSettings)
    masked_lm: MaskedLMTerm | None = None
    training: TrainingSettings = field(default_factory=TrainingSettings)
    selection: Selection = field(default_factory=Selection)

    def __post_init__(self) -> None:
        _check_heads(self.objective, self.encoder)
        if isinstance(self.objective, Distillation) != bool(self.teacher or self.teachers):
            raise UsageError(
                "A distillation needs a teacher, and nothing else does: look at 'teacher', 'teachers' and 'objective'."
            )
        if self.teacher and self.teachers:
            raise UsageError(
                f"Both 'teacher' ({self.teacher}) and 'teachers' ({', '.join(map(str, self.teachers))}) are given. Keep one."
            )
        if self.clusters < 0 or bool(self.clusters) != (self.training.mixing != "joined"):
            raise UsageError(
                f"clusters is {self.clusters} and training.mixing '{self.training.mixing}': batches of one cluster need "
                "clusters above 0 and the mixing 'proportional' or 'round-robin'; batches of all texts need neither."
            )
        if not 0 < self.clustered <= 1 or (self.clustered < 1 and not self.clusters):
            raise UsageError(f"clustered is {self.clustered}; it is a share above 0 and at most 1, below 1 only with clusters.")
        if self.clustered < 1 and self.training.mixing == "round-robin":
            raise UsageError(
                f"clustered is {self.clustered} and training.mixing 'round-robin': texts without a cluster would come as "
                "seldom as those of one cluster. Set training.mixing to 'proportional'."
            )
        if self.clusters and not isinstance(self.objective, Distillation):
            raise UsageError("clusters are made from a teacher's vectors, so they need the objective 'distillation'.")


@dataclass(frozen=True)
class PretrainRecipe:
    """An experiment that makes a new encoder from running text by masked language modelling.

    Attributes:
        max_length: Longest input in tokens.
        graph: Write the graph for the engine without torch beside the weights.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    name: str
    source: str
    backbone: Backbone
    sources: TextSources
    about: str = ""
    kind: Literal["pretrain"] = "pretrain"
    vocabulary: Vocabulary = field(default_factory=Vocabulary)
    objective: MaskedLM = field(default_factory=MaskedLM)
    training: TrainingSettings = field(default_factory=TrainingSettings)
    max_length: int = 128
    graph: bool = True

    def __post_init__(self) -> None:
        if self.sources.sequence_length > self.max_length:
            raise UsageError(
                f"sources.sequence_length is {self.sources.sequence_length}, above the encoder's max_length of "
                f"{self.max_length}. Shorten the sequences, or raise max_length."
            )


AnyRecipe = TrainRecipe | SourcesRecipe | PretrainRecipe
"""Everything that `juyi train` runs; which of them a file is, its `kind` says."""

KINDS: tuple[type[AnyRecipe], ...] = get_args(AnyRecipe)


def recipe_teachers(recipe: AnyRecipe) -> tuple[Teacher, ...]:
    """Whom a recipe learns from; none where it does not distil."""
    if not isinstance(recipe, SourcesRecipe):
        return ()
    return (Teacher(recipe.teacher),) if recipe.teacher else recipe.teachers


def trained_objective(recipe: AnyRecipe) -> Objective:
    """What is minimised: the objective, where the recipe says so at several widths and with masked language modelling beside."""
    if isinstance(recipe, PretrainRecipe) or recipe.masked_lm is None:
        return at_all_widths(recipe.objective)
    return recipe.masked_lm.beside(recipe.objective)


def _check_heads(objective: AnyObjective, encoder: EncoderSettings) -> None:
    if objective.matryoshka is not None and encoder.head_training_only:
        raise UsageError(
            "encoder.head_training_only trains the vectors behind a head that is left off afterwards, objective.matryoshka the "
            "first numbers of vectors that are kept. Set one of them."
        )
