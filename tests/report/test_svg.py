"""Pictures: every point where its axes say, marks that are round, texts that stay texts."""

from __future__ import annotations

import math
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from juyi.report import Picture, Point
from juyi.report.axis import Axis
from juyi.report.svg import HEIGHT, WIDTH, drawn

NUMBERS = st.lists(st.floats(-1e6, 1e6).map(lambda value: round(value, 4)), min_size=1, max_size=20)


@given(NUMBERS)
def test_an_axis_shows_all_values_between_round_marks(values: list[float]) -> None:
    axis = Axis.over(values, 50, 400)
    assert 2 <= len(axis.marks) <= 9
    for value in values:
        assert 50 - 1e-6 <= axis.place(value) <= 400 + 1e-6
    steps = {round(b - a, 12) for a, b in zip(axis.marks, axis.marks[1:], strict=False)}
    mantissa = min(steps) / 10 ** math.floor(math.log10(min(steps)) + 1e-9)
    assert any(abs(mantissa - factor) < 1e-4 for factor in (1, 2, 5, 10))


@given(st.lists(st.floats(1e-3, 1e6), min_size=2, max_size=20))
def test_on_a_logarithmic_axis_equal_factors_are_equally_long(values: list[float]) -> None:
    axis = Axis.over(values, 0, 100, logarithmic=True)
    assert axis.place(axis.low) == pytest.approx(0)
    assert axis.place(axis.high) == pytest.approx(100)
    assert axis.place(math.sqrt(axis.low * axis.high)) == pytest.approx(50)
    assert all(axis.low <= mark <= axis.high for mark in axis.marks)


def test_an_axis_of_one_value_or_none() -> None:
    assert Axis.over([5.0], 0, 10).place(5.0) == pytest.approx(5)
    assert Axis.over([], 0, 10).marks[0] == 0


def circles(text: str) -> list[ElementTree.Element]:
    return [element for element in ElementTree.fromstring(text).iter() if element.tag.endswith("circle")]


def test_points_lie_in_the_order_of_their_values_and_bear_their_hints() -> None:
    points = [Point(50, 60.0, 58.0, 62.0, "fifty"), Point(100, 65.0, 64.0, 66.0, "hundred"), Point(800, 64.0)]
    text = drawn(Picture("<S>", "sample", "Spearman", {"mini": points}, logarithmic=True))
    found = circles(text)
    x = [float(circle.get("cx", "nan")) for circle in found]
    y = [float(circle.get("cy", "nan")) for circle in found]
    assert x == sorted(x)
    assert y[0] > y[2] > y[1]
    assert [circle[0].text for circle in found if len(circle)] == ["fifty", "hundred"]
    assert "&lt;S&gt;" in text
    assert "nan" not in text


def test_several_series_have_colours_and_a_legend() -> None:
    series = {name: [Point(1, 2), Point(2, 3)] for name in ("raw", "SimCSE")}
    text = drawn(Picture("t", "x", "y", series))
    assert len({circle.get("fill") for circle in circles(text)}) == 2
    assert len(circles(text)) == 2 * 2 + 2
    assert f'viewBox="0 0 {WIDTH} {HEIGHT + 36}"' in text
    assert f'viewBox="0 0 {WIDTH} {HEIGHT}"' in drawn(Picture("t", "x", "y", {"one": [Point(1, 2)]}))


def test_a_cloud_is_coloured_by_value_and_a_map_has_no_numbers() -> None:
    cloud = drawn(
        Picture("t", "u", "a", {"": [Point(1, 1, value=50.0), Point(2, 2, value=80.0)]}, lines=False, coloured_by="STS")
    )
    assert "STS: 50 – 80" in cloud
    assert [circle.get("fill") for circle in circles(cloud)] == ["#440154", "#e0cd1e"]
    plain = drawn(Picture("raw", "", "", {"raw": [Point(0.1, 0.2, hint="句子")]}, lines=False, bare=True))
    assert "<line" not in plain
    assert "polyline" not in plain
