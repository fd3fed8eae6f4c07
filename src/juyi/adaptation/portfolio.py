"""The candidates that are tried, as a TOML file declares them."""

from __future__ import annotations

import difflib
import math
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import ConfigDict, Field

from juyi.declarations import build
from juyi.errors import DataError, UsageError
from juyi.experiments.recipe import MaskedLMTerm
from juyi.objectives import AnyObjective
from juyi.postprocessing import LinearSettings

PORTFOLIOS = Path(__file__).parent / "portfolios"
RAW = "raw"


@dataclass(frozen=True)
class CandidateTraining:
    """How the encoder of a candidate is trained.

    Attributes:
        objective: What is minimised, on sentences alone. Left out: what the labels at hand teach, supervised SimCSE on groups,
            clicks and intents, CoSENT on scored pairs.
        rate_narrow: Learning rate of an encoder that is less than 512 wide.
        rate_wide: And of one as wide as BERT-base.
        passes: Over the rows.
        fewest_steps: However few rows there are.
        most_rows: However many there are, all passes together.
        dropout: Of hidden states, where the encoder has such.
        masked_lm: A second loss beside the objective.
    """

    objective: Annotated[AnyObjective, Field(discriminator="kind")] | None = None
    rate_narrow: float = 3e-5
    rate_wide: float = 3e-6
    passes: float = 1.0
    fewest_steps: int = 30
    most_rows: int = 10_000
    dropout: float = 0.1
    masked_lm: MaskedLMTerm | None = None

    def __post_init__(self) -> None:
        for name in ("rate_narrow", "rate_wide", "passes"):
            if not 0 < getattr(self, name) < math.inf:
                raise UsageError(f"training.{name} is {getattr(self, name)}; it must be above 0.")
        for name in ("fewest_steps", "most_rows"):
            if getattr(self, name) < 1:
                raise UsageError(f"training.{name} is {getattr(self, name)}; it must be at least 1.")


@dataclass(frozen=True)
class Treatment:
    """What is done to vectors and similarities, at no training at all.

    Attributes:
        whitening: None leaves the vectors as they are, 0 centres them, 1 whitens them fully; see `juyi.postprocessing`.
        overlap: The weight of word overlap in the similarity.
    """

    whitening: float | None = None
    overlap: float = 0.0

    def __post_init__(self) -> None:
        if self.whitening is not None and not 0 <= self.whitening <= 1:
            raise UsageError(f"whitening is {self.whitening}; it lies from 0, centred alone, to 1, whitened fully.")
        if not 0 <= self.overlap < 1:
            raise UsageError(f"overlap is {self.overlap}; it must be at least 0 and below 1, 0.2 for example.")

    def __str__(self) -> str:
        parts = []
        if self.whitening is not None:
            parts.append("centred" if self.whitening == 0 else f"whitened {self.whitening:g}")
        if self.overlap:
            parts.append(f"overlap {self.overlap:g}")
        return " + ".join(parts)


AS_IT_IS = Treatment()


@dataclass(frozen=True)
class Contender:
    """An encoder of the portfolio, and the treatments that are tried on its vectors.

    Attributes:
        name: What tables call it.
        about: What it is, in half a sentence.
        linear: A linear map on its vectors, learned from the labels; None for none.
        training: How its weights are trained, the linear map's among them; None where they stay as they are.
        treatments: Each is a candidate beside the encoder as it is.
    """

    name: str
    about: str = ""
    linear: LinearSettings | None = None
    training: CandidateTraining | None = None
    treatments: tuple[Treatment, ...] = ()

    def __post_init__(self) -> None:
        if self.sees_sentences and self.linear is not None:
            raise UsageError(
                f"'{self.name}' has a linear map, which learns from labels, and a training on sentences alone, in which it would "
                "be forgotten. Leave out training.objective or [encoder.linear]."
            )

    def named_treatments(self) -> list[tuple[str, Treatment]]:
        """The name of each candidate, and its treatment; the encoder as it is first."""
        return [(self.name, AS_IT_IS), *((f"{self.name} + {treatment}", treatment) for treatment in self.treatments)]

    @property
    def sees_sentences(self) -> bool:
        """Whether its training reads all sentences, those of the labels among them."""
        return self.training is not None and self.training.objective is not None

    @property
    def learns_labels(self) -> bool:
        """Whether what it learns are labels."""
        return self.linear is not None or (self.training is not None and self.training.objective is None)

    @property
    def learns(self) -> bool:
        """Whether it learns anything."""
        return self.training is not None or self.linear is not None


@dataclass(frozen=True)
class Portfolio:
    """What `juyi adapt` tries, in this order, as long as the time lasts.

    Attributes:
        name: Its name.
        about: What it is for.
        encoder: The encoders; the first is `raw`, without training.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    name: str
    encoder: tuple[Contender, ...]
    about: str = field(default="")

    def __post_init__(self) -> None:
        if not self.encoder or self.encoder[0].name != RAW or self.encoder[0].learns:
            raise UsageError(f"The first [[encoder]] must be '{RAW}', as it comes: everything is compared with it.")
        names = [name for each in self.encoder for name, _ in each.named_treatments()]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise UsageError(f"The candidate '{twice[0]}' is there twice. Give each a name of its own.")


def portfolio_names() -> list[str]:
    """The portfolios that ship with juyi."""
    return sorted(path.stem for path in PORTFOLIOS.glob("*.toml"))


def load_portfolio(name: str = "default") -> Portfolio:
    """Read a portfolio.

    Args:
        name: One that ships with juyi, or a TOML file.

    Raises:
        UsageError: It does not exist, is no TOML, or says something that does not exist.
        DataError: The file cannot be read.
    """
    path = Path(name) if name.endswith(".toml") else PORTFOLIOS / f"{name}.toml"
    if not path.is_file():
        near = difflib.get_close_matches(name, portfolio_names(), n=1, cutoff=0.4)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise UsageError(f"There is no portfolio '{name}'.{hint} There are {', '.join(portfolio_names())}, or a file in .toml.")
    try:
        tables: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"the portfolio cannot be read ({error.strerror or error}).", path=path) from error
    except ValueError as error:
        raise UsageError(f"{path} is not valid TOML: {error}") from error
    return build(tables, Portfolio, origin=str(path))
