"""The vault's worker without its process, for tests of what stands on it; test_vault_calls has the real one."""

from typing import Any

import pytest

from app import errors
from app.storage import passwords
from app.storage.vault_worker import Request, answers


async def ask_here(request: Request, _kind: Any, _seconds: float) -> Any:
    """As `vault_calls.ask`."""
    *_, last = answers(request)
    if last.failure:
        raise getattr(errors, last.failure)
    return last.value


@pytest.fixture
def vault_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seal and open in this process."""
    monkeypatch.setattr(passwords, "ask", ask_here)
