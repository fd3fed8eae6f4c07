"""Tables as data: what others published, with source, conditions and how to run it again; and studies of our own."""

from __future__ import annotations

from juyi.tables.catalogue import load_table, table_names
from juyi.tables.claim import Claim, Side
from juyi.tables.table import Cell, Colour, Column, Protocol, Row, Sweep, Table, Variant

__all__ = [
    "Cell",
    "Claim",
    "Colour",
    "Column",
    "Protocol",
    "Row",
    "Side",
    "Sweep",
    "Table",
    "Variant",
    "load_table",
    "table_names",
]
