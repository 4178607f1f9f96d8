"""A password on the clipboard is marked as one."""

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication

from app.ui.clipboard import put_secret


def test_a_secret_is_text_that_no_history_shall_keep(qapp: QApplication) -> None:
    put_secret("open sesame")
    data = QGuiApplication.clipboard().mimeData()
    assert data.text() == QGuiApplication.clipboard().text() == "open sesame"
    assert bytes(data.data("x-kde-passwordManagerHint").data()) == b"secret"
    assert data.hasFormat("ExcludeClipboardContentFromMonitorProcessing")
    assert data.hasFormat("application/x-nspasteboard-concealed-type")
    QGuiApplication.clipboard().clear()
