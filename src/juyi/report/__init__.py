"""Pages: tables, runs, adaptations and evaluations as HTML that works offline, or as Markdown."""

from __future__ import annotations

from juyi.report.markdown import markdown_page
from juyi.report.of_tables import claims_section, published_sections, reproduction_sections
from juyi.report.report import Form, read_reproduction, report, write_report
from juyi.report.sections import Block, Cell, Grid, Paragraph, Picture, Point, Section
from juyi.report.svg import drawn

__all__ = [
    "Block",
    "Cell",
    "Form",
    "Grid",
    "Paragraph",
    "Picture",
    "Point",
    "Section",
    "claims_section",
    "drawn",
    "markdown_page",
    "published_sections",
    "read_reproduction",
    "report",
    "reproduction_sections",
    "write_report",
]
