"""What a transition costs: layer by layer, under contention, and in short for a gate.

    python -m benchmarks                       # all groups; or: nox -s benchmarks
    python -m benchmarks --group ladder        # one of them
    python -m benchmarks --group gate --json OUT.json

pytest-benchmark records; every raw round is kept. A workload is `setup`, `run`, `check` and
`metrics` (see `workload`): after the last round the database is audited and its journal and
versions are counted against what callers were told. A workload that fails this has no figure.

The ladder: one task, one file, the same SQL with the same values, one layer more each time.

    raw_loop               sqlite3, one open connection, in a tight loop: the limit
    fresh_connection       sqlite3, a connection for each transition
    aiosqlite_kept         aiosqlite on one open connection: five calls to a thread and back
    aiosqlite_fresh        aiosqlite, a connection and so a thread for each transition
    store                  the same made safe to race, to cancel and to fail: the store as it is
    manager_handrolled     beside it the file's lock, a guard's place and a machine by hand
    manager_statemachine   the same with python-statemachine: what an application pays
    machine_…              the machine alone, built, activated, triggered; no database

Contention: 1, 8 and 32 tasks on one file and on 32, through the manager and through the store
alone, with throughput, retries, SQLITE_BUSY, stale writes, attempts given up, latency of an
attempt and Jain's index of fairness over the tasks.

Simulation: schedules a second of three scenarios, each beside the very same calls by plain sqlite3
on fresh connections, taken in turns; the share is what the simulation leaves of their speed.

What the figures mean: ratios inside one run. "% of raw" is the median, over rounds, of a round
against a round of the raw loop taken right after it; the raw loop beside itself shows how far any
of them may be off. "± %" is half the distance between the quartiles of the rounds.

What they do not mean:

* Nothing between two runs. The machine is shared, its speed drifts by tens of percent, and runs
  of identical code differ by more than most upgrades. `nox -s gate` measures in pairs.
* Nothing about disks. Databases lie in memory where the system has a place for that, and the
  default level waits for no disk; the table's heading and the record name both.
* Nothing about arrivals. The loop is closed: a slow transition delays its task's next one, so a
  percentile leaves out the waiting that an open system would see.
* Nothing exact about memory: in the group `gate` the collector is off inside a round, elsewhere
  it runs as in an application.
"""
