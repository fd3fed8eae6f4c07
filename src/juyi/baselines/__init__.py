"""What an encoder is to be compared with: no model, or one that learned nothing of sentences."""

from juyi.baselines.lexical import LexicalOverlap, best_places, gram_counts, grams
from juyi.baselines.random_weights import random_encoder
from juyi.baselines.word_average import Coverage, WordAverage

__all__ = ["Coverage", "LexicalOverlap", "WordAverage", "best_places", "gram_counts", "grams", "random_encoder"]
