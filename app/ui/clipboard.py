"""What goes onto the clipboard and has a password in it."""

from PySide6.QtCore import QMimeData
from PySide6.QtGui import QGuiApplication


def put_secret(text: str) -> None:
    """Put `text` on the clipboard, and ask the programs that keep a history of it to leave this out."""
    data = QMimeData()
    data.setText(text)
    data.setData("x-kde-passwordManagerHint", b"secret")
    data.setData("application/x-nspasteboard-concealed-type", b"1")
    data.setData("ExcludeClipboardContentFromMonitorProcessing", b"1")
    QGuiApplication.clipboard().setMimeData(data)
