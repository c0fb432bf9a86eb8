"""The ways to make real SQLite, asyncio and the process fail, and what is to fail when."""
