"""The TLS settings of a server."""

import ssl


def server_context(certificate: str, key: str) -> ssl.SSLContext:
    """With these PEM files, which may be the same. Raises `OSError` (`ssl.SSLError` is one)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION  # a client could have it done over and over, which costs it little
    context.set_alpn_protocols(["http/1.1"])  # what the fallback speaks; clients of AnyTLS do not mind
    context.load_cert_chain(certificate, key)
    return context
