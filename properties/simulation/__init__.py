"""Deterministic simulation of asyncio, aiosqlite and SQLite, with the real libraries.

Read first, in this order:

- ``scheduler`` — the one seam of every strategy: ``choose(n)``, where 0 is the polite choice;
- ``scenario``, ``scenarios`` and ``stage`` — one small workload, all that there are, and where one
  runs again and again;
- ``budget`` — what a schedule may spend: cancellations, early timers, overlaps, faults;
- ``judging`` — a schedule judged, and its smallest counterexample shown (``minimiser``,
  ``timeline``, ``corpus``).

The machinery is ``simulation.Simulation``, a class in five layers, one a file: ``world`` (actors
and workers), ``options`` (what can happen), ``performing`` (it happens), ``deciding`` (the
scheduler is asked), ``simulation`` (a run from its beginning to its end). ``loop``, ``carriers``
and ``seam`` put it under asyncio and aiosqlite; ``clock``, ``escapes`` and ``primitives`` guard it.

Commands: ``replay``, ``determinism``, ``exhaustive``, ``containment``.
"""
