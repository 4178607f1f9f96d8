"""Trades: links and configurations in exchange for profiles, and back."""
