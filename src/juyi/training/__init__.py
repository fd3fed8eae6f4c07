"""Training: one loop, one step, exact resumption."""

from juyi.training.batches import BatchPlan, Mixing
from juyi.training.checkpoints import Position, load_checkpoint, save_checkpoint
from juyi.training.fit import Evaluate, TrainProgress, TrainResult, fit
from juyi.training.gather import ProcessWorld
from juyi.training.health import alarms, signals, two_views, unsaid
from juyi.training.randomness import seed_step
from juyi.training.rows import Rows, word_columns
from juyi.training.schedules import rate_factor
from juyi.training.settings import TrainingSettings
from juyi.training.steps import cached_step, encode_views, plain_step
from juyi.training.tracking import JsonLines, TrackerName, Trackers

__all__ = [
    "BatchPlan",
    "Evaluate",
    "JsonLines",
    "Mixing",
    "Position",
    "ProcessWorld",
    "Rows",
    "TrackerName",
    "Trackers",
    "TrainProgress",
    "TrainResult",
    "TrainingSettings",
    "alarms",
    "cached_step",
    "encode_views",
    "fit",
    "load_checkpoint",
    "plain_step",
    "rate_factor",
    "save_checkpoint",
    "seed_step",
    "signals",
    "two_views",
    "unsaid",
    "word_columns",
]
