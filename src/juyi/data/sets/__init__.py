"""The public sets, as they lie in folders or on the hub."""

from __future__ import annotations

from juyi.data.sets.chinese import CHINESE_TASKS, find_splits
from juyi.data.sets.clinc import read_clinc
from juyi.data.sets.english_sts import ENGLISH_STS, find_english_sts, read_english_sts
from juyi.data.sets.hub import HUB_SETS, HubSet, read_hub_pairs, read_hub_set
from juyi.data.sets.transfer import TRANSFER_SETS, TransferSet, find_transfer_sets, read_transfer_set

__all__ = [
    "CHINESE_TASKS",
    "ENGLISH_STS",
    "HUB_SETS",
    "TRANSFER_SETS",
    "HubSet",
    "TransferSet",
    "find_english_sts",
    "find_splits",
    "find_transfer_sets",
    "read_clinc",
    "read_english_sts",
    "read_hub_pairs",
    "read_hub_set",
    "read_transfer_set",
]
