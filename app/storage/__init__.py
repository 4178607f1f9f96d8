"""Remembers: where files live, how they are written, and what is in them."""
