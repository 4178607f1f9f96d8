"""The parts of pages: they paint what they are given, and nothing else."""
