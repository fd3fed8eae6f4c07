"""The pages in a real browser, on a phone and on a desk: nothing sticks out, nothing is asked for, nothing goes wrong."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from juyi.report import write_report

CHROMIUM = next((found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None)
PROBE = """
<script>
window.onerror = (message) => parent.postMessage("error " + message, "*");
window.addEventListener("load", () => {
  const cell = document.querySelector("[data-hint], circle title");
  (cell.closest("circle") || cell).dispatchEvent(new MouseEvent("click", { bubbles: true }));
  const said = document.getElementById("hint").textContent.length > 0;
  const asked = performance.getEntriesByType("resource").length;
  parent.postMessage([document.documentElement.scrollWidth, window.innerWidth, asked, said].join(" "), "*");
});
</script>
</head>"""
FRAME = """
<p id="heard"></p>
<script>
window.addEventListener("message", (event) => {{ document.getElementById("heard").textContent += event.data + ";"; }});
</script>
<iframe src="page.html" width="{width}" height="844" style="border: 0"></iframe>
"""
"""A window cannot be as narrow as a phone; a frame can."""


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here")
@pytest.mark.parametrize("width", [390, 1440])
@pytest.mark.parametrize("source", ["reproduced", "adapted", "trained"])
def test_a_page_fits_and_asks_for_nothing(source: str, width: int, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    page, frame = tmp_path / "page.html", tmp_path / "frame.html"
    write_report(page, [request.getfixturevalue(source)])
    page.write_text(page.read_text(encoding="utf-8").replace("</head>", PROBE), encoding="utf-8")
    frame.write_text(FRAME.format(width=width), encoding="utf-8")
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--enable-logging=stderr"]
    done = subprocess.run(
        [str(CHROMIUM), *options, "--window-size=1600,900", "--virtual-time-budget=3000", "--dump-dom", frame.as_uri()],
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=True,
    )
    (heard,) = done.stdout.split('id="heard">')[1].split("</p>")[0].rstrip(";").split(";")
    needed, there, asked, said = heard.split()
    assert int(there) == width
    assert int(needed) <= width
    assert (asked, said) == ("0", "true")
    assert "CONSOLE" not in done.stderr  # what the page's own policy would refuse is said there too
