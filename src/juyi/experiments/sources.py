"""The sources that a recipe names: running text, pairs, and sentences put together from templates."""

from __future__ import annotations

from dataclasses import dataclass

from juyi.errors import UsageError
from juyi.experiments.recipe_files import RECIPES


@dataclass(frozen=True)
class TextFile:
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
class TextSources:
    """The running text that a pre-training reads.

    Attributes:
        files: The files.
        exclude: Patterns of files in the data folder whose sentences must not be learned from: what will be measured on.
        sequence_length: Neighbouring lines are joined into sequences of this many tokens.
    """

    files: tuple[TextFile, ...]
    exclude: tuple[str, ...] = ()
    sequence_length: int = 64

    def __post_init__(self) -> None:
        if not self.files:
            raise UsageError("sources.files is empty; name at least one file to read.")
        if self.sequence_length < 3:
            raise UsageError(
                f"sources.sequence_length is {self.sequence_length}; at least 3 are needed, [CLS], a token, [SEP]; 64 is usual."
            )


@dataclass(frozen=True)
class PairFile:
    """One file of pairs.

    Attributes:
        file: Its path in the data folder.
        columns: Of a file with tabs: the two columns to take, counted from 1. One column twice pairs a text with itself, which is
            SimCSE; running text is one column.
        lines: So many lines in a row, blank ones aside, are joined into one text, by column; fewer at the end are left out.
        neighbours: Above 0: the file is running text, each line is paired with the next, and so many lines in a row count as one
            document.
        both: Distillation: the student learns the second side too, not the first alone.
        rows: Take about this many pairs, in evenly spread blocks of neighbours; 0 takes all.
        repeat: How often the pairs are seen in one epoch.
        longest: In place of `sources.longest`, for a language whose texts have more characters; 0 keeps that.
        licence: What its origin says.
    """

    file: str
    columns: tuple[int, int] = (1, 2)
    lines: int = 1
    neighbours: int = 0
    both: bool = False
    rows: int = 0
    repeat: int = 1
    longest: int = 0
    licence: str = ""

    def __post_init__(self) -> None:
        if min(self.columns) < 1:
            raise UsageError(f"{self.file}: columns are {list(self.columns)}; they are counted from 1.")
        if min(self.repeat, self.lines) < 1 or min(self.neighbours, self.rows, self.longest) < 0:
            raise UsageError(f"{self.file}: repeat and lines must be at least 1, neighbours, rows and longest at least 0.")
        if self.lines > 1 and self.neighbours:
            raise UsageError(f"{self.file}: lines is {self.lines} and neighbours {self.neighbours}; give one of them.")


@dataclass(frozen=True)
class TemplateSource:
    """Sentences put together from templates, phrases and the words of a dictionary.

    Attributes:
        rows: How many sentences to put together.
        dictionary: Its path in the data folder: a word and its glosses a line, a tab between them. By their glosses words fill
            the slots `verb` ("to …") and `noun` (what else is short), some both. Without it phrases alone fill slots.
        templates: A file beside the recipes, or anywhere by its full path: a template a line, "{noun}多少钱". A 2 behind the name
            of a slot asks for a second filling, which may happen to be the first; a capital at its beginning for one at the
            beginning of the filling.
        phrases: A file beside the recipes: the name of a slot and a filling a line.
        count: Files of the data folder by which the words are weighed: frequent ones are drawn more often.
        min_count: Words that occur less often there are left out.
        longest: In place of `sources.longest`, for a language whose texts have more characters; 0 keeps that.
        seed: Draws templates and fillings.
        licence: What the dictionary's origin says.
    """

    rows: int
    dictionary: str = ""
    templates: str = "mini/templates.txt"
    phrases: str = "mini/phrases.tsv"
    count: tuple[str, ...] = ()
    min_count: int = 0
    longest: int = 0
    seed: int = 42
    licence: str = ""

    def __post_init__(self) -> None:
        for file in (self.templates, self.phrases):
            if not (RECIPES / file).is_file():
                raise UsageError(f"sources.templates: there is no {file} beside the recipes, in {RECIPES}.")
        if self.rows < 1 or min(self.min_count, self.longest) < 0:
            raise UsageError(
                f"sources.templates, {self.templates}: rows is {self.rows} and must be at least 1, min_count {self.min_count} "
                f"and longest {self.longest} at least 0."
            )
        if self.min_count and not self.count:
            raise UsageError(f"sources.templates, {self.templates}: min_count is set, but `count` names no file to count in.")
        if self.count and not self.dictionary:
            raise UsageError(
                f"sources.templates, {self.templates}: `count` names files, but no dictionary has words to count there."
            )

    @property
    def data_files(self) -> tuple[str, ...]:
        """What is read from the data folder."""
        return (self.dictionary, *self.count) if self.dictionary else ()


@dataclass(frozen=True)
class PairSources:
    """The pairs that a recipe names.

    Attributes:
        files: The files.
        templates: Sentences to put together beside them.
        exclude: Patterns of files in the data folder whose sentences must not be learned from: what will be measured on.
        longest: A pair with a side of more characters is left out.
    """

    files: tuple[PairFile, ...]
    templates: tuple[TemplateSource, ...] = ()
    exclude: tuple[str, ...] = ()
    longest: int = 200

    def __post_init__(self) -> None:
        if not self.files:
            raise UsageError("sources.files is empty; name at least one file to read.")

    @property
    def data_files(self) -> tuple[str, ...]:
        """What is learned from in the data folder."""
        return (*(source.file for source in self.files), *(file for made in self.templates for file in made.data_files))
