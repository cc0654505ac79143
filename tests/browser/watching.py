"""What a page must not do while a test looks at it."""

from __future__ import annotations

from playwright.sync_api import ConsoleMessage, Dialog, Error, Page

_REFUSED = "Failed to load resource: the server responded with a status of"


class Watch:
    def __init__(self) -> None:
        self.complaints: list[str] = []

    def on_page(self, page: Page) -> None:
        page.on("dialog", self._on_dialog)
        page.on("console", self._on_console)
        page.on("pageerror", self._on_error)

    def _on_dialog(self, dialog: Dialog) -> None:
        self.complaints.append(f"a dialog opened: {dialog.message}")
        dialog.dismiss()

    def _on_console(self, message: ConsoleMessage) -> None:
        # An answer of 400 or 404 to the page itself is what some tests are about.
        if message.type in ("error", "warning") and not message.text.startswith(_REFUSED):
            self.complaints.append(f"the console says: {message.text}")

    def _on_error(self, error: Error) -> None:
        self.complaints.append(f"a script failed: {error}")


def settle(page: Page) -> None:
    """Waits until the page's modules are there: before that, no key does anything."""
    page.wait_for_load_state("networkidle")
