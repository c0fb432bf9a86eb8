"""Prints this process's SQLite, and that of a program which it starts."""

import sqlite3
import subprocess
import sys

ASK = "import sqlite3; print(sqlite3.sqlite_version)"

if __name__ == "__main__":
    print(sqlite3.sqlite_version, flush=True)
    subprocess.run([sys.executable, "-c", ASK], check=True)
