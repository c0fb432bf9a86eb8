"""The same scenarios under other tools: see ``python -m benchmarks.peers``."""
