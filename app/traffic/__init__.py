"""Counts: bytes, and how fast they go."""
