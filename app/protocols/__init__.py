"""Bytes in, decisions out: no socket, loop, thread, clock, dice or disk."""
