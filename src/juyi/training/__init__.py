"""Training: one loop, one step, exact resumption."""

from juyi.training.batches import BatchPlan
from juyi.training.checkpoints import Position, load_checkpoint, save_checkpoint
from juyi.training.fit import Evaluate, Fitted, Rows, Watcher, fit
from juyi.training.gather import ProcessWorld
from juyi.training.health import alarms, signals
from juyi.training.precision import fast_precision
from juyi.training.randomness import seed_step
from juyi.training.schedules import rate_factor
from juyi.training.settings import TrainingSettings
from juyi.training.steps import encode_views, plain_step
from juyi.training.tracking import JsonLines

__all__ = [
    "BatchPlan",
    "Evaluate",
    "Fitted",
    "JsonLines",
    "Position",
    "ProcessWorld",
    "Rows",
    "TrainingSettings",
    "Watcher",
    "alarms",
    "encode_views",
    "fast_precision",
    "fit",
    "load_checkpoint",
    "plain_step",
    "rate_factor",
    "save_checkpoint",
    "seed_step",
    "signals",
]
