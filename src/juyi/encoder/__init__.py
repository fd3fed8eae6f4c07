"""The Encoder: backbone, pooling, head; load and save."""

from juyi.encoder.composition import compose_words, merge_words
from juyi.encoder.create import create_encoder
from juyi.encoder.dropout_views import dropout_views
from juyi.encoder.encoder import Encoder
from juyi.encoder.families import FAMILIES, dropout_of, family_of
from juyi.encoder.heads import Dense, affine_head, random_head
from juyi.encoder.load import change_dropout, check_dropout, load_encoder
from juyi.encoder.lora import merge_lora
from juyi.encoder.momentum import follow, twin
from juyi.encoder.precision import fast_precision
from juyi.encoder.save import layout_of, save_encoder
from juyi.encoder.settings import EncoderSettings, LoRA

__all__ = [
    "FAMILIES",
    "Dense",
    "Encoder",
    "EncoderSettings",
    "LoRA",
    "affine_head",
    "change_dropout",
    "check_dropout",
    "compose_words",
    "create_encoder",
    "dropout_of",
    "dropout_views",
    "family_of",
    "fast_precision",
    "follow",
    "layout_of",
    "load_encoder",
    "merge_lora",
    "merge_words",
    "random_head",
    "save_encoder",
    "twin",
]
