"""Names that others chose do nothing on any page that kft writes, in a real browser."""

import shutil
import threading
from pathlib import Path

import pytest

from kft import demo
from kft.auditing import audit_dataset
from kft.cli import rich_console
from kft.config import AuditConfig, DemoConfig, ExportConfig, TrainConfig
from kft.exporters import export_run
from kft.inference import find_model
from kft.reporting import comparison, write_report
from kft.run_folder import run_dir
from kft.training import fine_tune
from kft.training.monitoring.progress import SilentReporter
from tests.exporters.conftest import (  # noqa: F401, fixtures
    SIZE,
    _small,
    _small_everywhere,
    encoded,
)

# What a folder may be called: everything but a slash.
_RUN = "window.owned=1"
CLASSES = (
    f"<img src=x onerror={_RUN}>",
    f"'\"><svg onload={_RUN}>|`*_",
    "{{7*7}} &lt;b&gt; \\u003cscript\\u003e",
)
FILE = f'<iframe srcdoc=\'<script>parent.owned=1\'>{{}}"onerror="{_RUN}".jpg'

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with images, and a finished and exported run of them."""
    folder = tmp_path_factory.mktemp("hostile")
    for number in range(36):
        path = folder / "images" / CLASSES[number // 12] / FILE.format(number)
        path.parent.mkdir(parents=True, exist_ok=True)
        # Some are copies, which an audit shows.
        path.write_bytes(encoded("JPEG", height=80, width=80, seed=number // 2))
    with _small():
        fine_tune.fine_tune(
            TrainConfig(
                dataset=f"folder:{folder / 'images'}",
                validation_fraction=0.4,
                backbone="MobileNet",
                weights="none",
                image_size=SIZE,
                stages="head:1@1e-2",
                batch_size=7,
                run_dir=str(folder / "run"),
            ),
            reporter=SilentReporter(),
        )
        export_run.export_run(ExportConfig(run_dir=str(folder / "run")))
        write_report.make(run_dir.finished(str(folder / "run")))
    return folder


def _open(browser, address: str):
    """Return a page on which nothing that a name says was done."""
    page = browser.new_page()
    page.on("dialog", lambda dialog: pytest.fail(f"a dialog: {dialog.message}"))
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address)
    page.wait_for_timeout(200)
    _check(page, asked)
    return page, asked


def _check(page, asked: list[str]) -> None:
    assert page.evaluate("window.owned") is None
    assert page.locator("iframe, svg[onload], img[src=x]").count() == 0
    assert [url for url in asked[1:] if not url.startswith(("data:", "blob:"))] == []


def test_the_report_shows_names_as_they_are(hostile: Path, browser) -> None:
    page, _ = _open(browser, (hostile / "run" / "report.html").as_uri())
    text = page.evaluate("document.body.textContent")
    for name in CLASSES:
        assert name in text


def test_the_audit_shows_names_as_they_are(hostile: Path, browser) -> None:
    config = AuditConfig(
        dataset=f"folder:{hostile / 'images'}",
        out=str(hostile / "audit"),
    )
    _, out = audit_dataset.audit(config, rich_console.console())
    page, _ = _open(browser, (out / "audit.html").as_uri())
    text = page.evaluate("document.body.textContent")
    assert CLASSES[0] in text
    assert FILE[:30] in text


def test_a_comparison_shows_names_as_they_are(hostile: Path, browser) -> None:
    other = shutil.copytree(hostile / "run", hostile / f"run{CLASSES[0]}")
    output = hostile / "compare.html"
    comparison.compare([str(hostile / "run"), str(other)], str(output))
    page, _ = _open(browser, output.as_uri())
    assert f"run{CLASSES[0]}" in page.evaluate("document.body.textContent")


def test_the_model_card_shows_names_as_they_are(hostile: Path, browser) -> None:
    markdown_it = pytest.importorskip("markdown_it")
    card = (hostile / "run" / "export" / "README.md").read_text()
    reader = markdown_it.MarkdownIt("commonmark", {"html": True}).enable("table")
    # The head is for model hubs.
    page_of_card = hostile / "card.html"
    body = reader.render(card.split("---\n", 2)[2])
    page_of_card.write_text(f"<!doctype html><meta charset=utf-8>{body}")
    page, _ = _open(browser, page_of_card.as_uri())
    text = page.evaluate("document.body.textContent")
    for name in CLASSES:
        assert name in text
    rows = page.evaluate(
        "[...document.querySelectorAll('table:first-of-type tr')]"
        ".map(row => row.children.length)"
    )
    assert set(rows) == {4}


def test_the_demo_shows_names_as_they_are(hostile: Path, browser) -> None:
    config = DemoConfig(run_dir=str(hostile / "run"), port=0)
    with demo.server(config, find_model.chosen(config)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            page, asked = _open(browser, server.address)
            path = next((hostile / "images" / CLASSES[1]).iterdir())
            page.set_input_files("#files", [path])
            page.wait_for_selector("meter")
            page.wait_for_timeout(200)
            labels = {one.inner_text() for one in page.query_selector_all(".label")}
            assert labels == set(CLASSES)
            assert page.inner_text("h2") == path.name
            _check(page, [url for url in asked if not url.endswith("/predict")])
        finally:
            server.shutdown()
            thread.join()
