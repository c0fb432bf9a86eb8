"""Cells handed to the workers of a Dask cluster. The one import of `distributed`.

A task is `subprocess.run` and its arguments: strings go out, and what the process printed comes
back. Nothing of ours is pickled, so worker and client may be of different Pythons; the worker needs
a checkout of the same sources, and its interpreter the packages of `nox -s spread`.

A worker that is killed has its cell handed to another one, at most `ALLOWED_DEATHS` times, as a
cell may be what kills. Where nothing comes back for longer than any cell may take, or the scheduler
is gone, what is left has no answer.
"""

import asyncio
import concurrent.futures
import contextlib
import logging
import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence

import dask
from distributed import Client, Future, KilledWorker, LocalCluster, wait

ALLOWED_DEATHS = 2
CONNECT_S = 30.0
GRACE_S = 60.0
Process = subprocess.CompletedProcess[str]
Ended = Process | str
"""How a process ended, or why nobody knows."""


@contextlib.contextmanager
def connected(address: str | None, workers: int) -> Iterator[Client]:
    """A client of the scheduler at `address`, or of a cluster of processes on this machine.

    Raises `OSError` where there is no scheduler.
    """
    logging.getLogger("distributed").setLevel(logging.ERROR)
    dask.config.set(
        {
            "distributed.scheduler.allowed-failures": ALLOWED_DEATHS,
            "distributed.worker.daemon": False,
            "logging.distributed": "error",
        }
    )
    with contextlib.ExitStack() as opened:
        if address is None:
            scratch = opened.enter_context(tempfile.TemporaryDirectory(prefix="fsmcore-dask-"))
            address = opened.enter_context(
                LocalCluster(  # type: ignore[no-untyped-call]
                    n_workers=workers,
                    threads_per_worker=1,
                    processes=True,
                    dashboard_address=None,
                    local_directory=scratch,
                    silence_logs=logging.ERROR,
                )
            ).scheduler_address
        made = Client(address, timeout=CONNECT_S)  # type: ignore[no-untyped-call]
        yield opened.enter_context(made)


def pids(client: Client) -> list[int]:
    """The process of each worker."""
    return sorted(client.run(os.getpid).values())


def handed_out(
    client: Client,
    cells: Mapping[str, str],
    command: Sequence[str],
    *,
    folder: str,
    limit_s: float,
) -> Iterator[tuple[str, Ended]]:
    """Yield each cell, by its digest, as it ends; those that never do come last, and why."""
    futures: dict[Future[Process], str] = {
        client.submit(
            subprocess.run,
            [*command],
            input=text,
            cwd=folder,
            timeout=limit_s,
            capture_output=True,
            text=True,
            key=f"cell-{digest}",
            pure=False,
        ): digest
        for digest, text in cells.items()
    }
    patience_s = 2 * limit_s + GRACE_S
    while futures:
        try:
            done: set[Future[Process]] = wait(  # type: ignore[no-untyped-call]
                list(futures), timeout=patience_s, return_when="FIRST_COMPLETED"
            ).done
        except TimeoutError:
            why = f"nothing came back from the cluster for {patience_s:.0f} s"
        except (OSError, asyncio.CancelledError, concurrent.futures.CancelledError) as error:
            why = f"the cluster went away: {error!r}"
        else:
            for future in done:
                yield futures.pop(future), _ended(future, limit_s)
            continue
        for digest in futures.values():
            yield digest, why
        return


def _ended(future: Future[Process], limit_s: float) -> Ended:
    try:
        return future.result(timeout=GRACE_S)
    except subprocess.TimeoutExpired:
        return f"no answer within {limit_s:g} s, so it was ended"
    except KilledWorker as error:
        return f"every worker that was given it died: {error.last_worker}"
    except (OSError, TimeoutError, asyncio.CancelledError) as error:
        return f"the worker lost it: {error!r}"
    except concurrent.futures.CancelledError as error:
        return f"the cluster went away: {error!r}"
