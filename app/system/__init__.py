"""Asks the operating system."""
