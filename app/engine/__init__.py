"""MOVES: browser → local_proxy → relay → servers → pool → session → tls → server."""
