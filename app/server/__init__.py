"""ANSWERS: the AnyTLS server: the same protocol in the other role; for the demo, the tests and for self-hosting."""
