"""Chromium for the tests of pages, and axe-core in it: what a tool can tell of their accessibility."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, ViewportSize, sync_playwright

from tests.support.node import installed

ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
WIDE, PHONE = ViewportSize(width=1280, height=800), ViewportSize(width=375, height=812)
AXE = Path(__file__).resolve().parents[2] / "axe"


def require(present: bool, missing: str) -> None:
    """Where a tool is missing the test says so and is skipped; in CI it must run."""
    if not present and os.environ.get("CI"):
        pytest.fail(missing)
    if not present:
        pytest.skip(missing)


def browsing(profile: Path) -> Iterator[BrowserContext]:
    """A browser in French, closed at the end."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    require(chromium is not None, "chromium is not installed: pages are not tried in a browser")
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            profile, executable_path=chromium, args=list(ARGUMENTS), viewport=WIDE, locale="fr-FR"
        )
        yield context
        context.close()


def violations(page: Page, without: str = "") -> list[str]:
    """What axe finds wrong in the page as it is now: each rule, and where. `without`: a part that is not ours."""
    installed(AXE)
    page.evaluate((AXE / "node_modules/axe-core/axe.min.js").read_text(encoding="utf-8"))
    asked = f"axe.run({{exclude: {[without] if without else []}}}, {{resultTypes: ['violations']}})"
    found: dict[str, Any] = page.evaluate(asked)
    return [f"{one['id']} : {node['html'][:200]}" for one in found["violations"] for node in one["nodes"]]


def overflow(page: Page) -> int:
    """Pixels that the page is wider than its window."""
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))
