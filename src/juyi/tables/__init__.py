"""What others published: tables of figures as data, each with its source, its conditions, and how to run it again."""

from __future__ import annotations

from juyi.tables.catalogue import load_table, table_names
from juyi.tables.table import Cell, Colour, Column, Protocol, Row, Table, Variant

__all__ = [
    "Cell",
    "Colour",
    "Column",
    "Protocol",
    "Row",
    "Table",
    "Variant",
    "load_table",
    "table_names",
]
