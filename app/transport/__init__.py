"""CARRIES: one TLS connection, one session on it, one socket joined to one stream. Client and server both use these."""
