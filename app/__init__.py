"""AnyTLS Tray: a desktop client for AnyTLS with an embedded engine.

Protocols decide, transport carries, the engine moves, traffic counts, storage remembers, system asks the operating
system, client switches, ui shows, main wires.

    cli.py        the words of the command line: connect, serve, probe, --demo
    client.py     off → connecting → on → degraded → failed
    tasks.py      the only place where a background task starts
    errors.py     everything a person can be told has gone wrong
    texts.py      the one way a visible sentence is translated

    protocols/    bytes in, decisions out; no I/O, clock or dice
    transport/    one TLS connection, one session on it, one socket joined to one stream; both roles use these
    engine/       browser → local_proxy → relay → servers → pool → session → tls → server
    server/       the AnyTLS server: same protocol, other role
    traffic/      bytes and rates
    storage/      files, and what is remembered in them
    sharing/      links and configurations ⇄ profiles
    system/       what is asked of the operating system

A byte travels from the local proxy through the relay into a pooled session's TLS connection; a number travels from
the relay through the meter into the snapshot that the status line shows.
"""

NAME = "anytls-tray"
__version__ = "0.1.0"
