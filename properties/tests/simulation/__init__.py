"""The simulator is judged too: by what it must show, and by what it must never show."""
