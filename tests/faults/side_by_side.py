"""Several processes that share a list of seeds: each is given the next one when it is free.

They are forked from a process without threads: what that one has imported costs them nothing.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection, Pipe, wait
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Crew(Generic[T]):
    """One process for each of `works`; iterated, it gives what they made of the seeds."""

    def __init__(self, works: Sequence[Callable[[int], T]], seeds: Sequence[int]) -> None:
        """Fork them."""
        self._seeds = iter(seeds)
        self._workers: dict[Any, int] = {}
        for work in works:
            here, there = Pipe()
            pid = os.fork()
            if pid == 0:
                for other in (here, *self._workers):
                    other.close()
                _serve(work, there)
            there.close()
            self._workers[here] = pid

    def __iter__(self) -> Iterator[T]:
        """What became of each seed, as it ends; RuntimeError where a worker died over one."""
        for worker in list(self._workers):
            self._go_on(worker)
        while self._workers:
            ready: Any
            for ready in wait(list(self._workers)):
                try:
                    made: T = ready.recv()
                except EOFError:
                    raise RuntimeError("a worker died over a seed: see above") from None
                yield made
                self._go_on(ready)

    def enough(self) -> None:
        """Begin no seed that nobody has begun."""
        self._seeds = iter(())

    def end(self) -> None:
        """Wait until those who are at it are done."""
        self.enough()
        for worker in list(self._workers):
            self._let_go(worker)

    def _go_on(self, worker: Any) -> None:
        seed = next(self._seeds, None)
        if seed is None:
            self._let_go(worker)
        else:
            worker.send(seed)

    def _let_go(self, worker: Any) -> None:
        worker.close()
        os.waitpid(self._workers.pop(worker), 0)


def _serve(work: Callable[[int], T], there: Connection) -> None:
    """The life of a worker; it never returns."""
    status = 1
    try:
        while True:
            there.send(work(there.recv()))
    except (EOFError, BrokenPipeError):  # nobody gives or takes any more
        status = 0
    except Exception:  # noqa: BLE001 - the parent learns of it by the worker's end
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)
