"""Deterministic simulation of asyncio, aiosqlite and SQLite, with the real libraries.

Start with ``simulation.Simulation`` (the machinery), ``scenario.Stage`` (one small workload, run
again and again) and ``scheduler.Scheduler`` (the one seam of every strategy).
"""
