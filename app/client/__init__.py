"""SWITCHES: off → connecting → on → degraded → failed, for one active profile. Knows no Qt."""
