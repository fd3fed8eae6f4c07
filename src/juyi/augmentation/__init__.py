"""Augmentations: text to text, one small file each. `AnyAugmentation` is the list of them. No torch at import."""

from juyi.augmentation.augmentation import Augmentation
from juyi.augmentation.crop import Crop
from juyi.augmentation.delete_one import DeleteOne
from juyi.augmentation.delete_words import DeleteWords
from juyi.augmentation.mlm_substitute import MaskedLMSubstitute
from juyi.augmentation.no_augmentation import NoAugmentation
from juyi.augmentation.repeat_words import RepeatWords
from juyi.augmentation.synonyms import Synonyms
from juyi.augmentation.word_cutting import CutText, cut_words

AnyAugmentation = NoAugmentation | Crop | DeleteWords | DeleteOne | RepeatWords | Synonyms | MaskedLMSubstitute

__all__ = [
    "AnyAugmentation",
    "Augmentation",
    "Crop",
    "CutText",
    "DeleteOne",
    "DeleteWords",
    "MaskedLMSubstitute",
    "NoAugmentation",
    "RepeatWords",
    "Synonyms",
    "cut_words",
]
