"""The two TLS libraries: what holds for one holds for the other."""

import pytest

both_libraries = pytest.mark.parametrize("fingerprint", ["none", "chrome"])
