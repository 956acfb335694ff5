"""Many recordings, one after the other or by several processes: the one way in which programs read an archive.

for result in read_many(jobs, measure, workers=8):     # in the order of the jobs
    ...                                                 # what `measure(session, raw)` gave, or a RecordingError
"""

import functools
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from tokenizer.base.workers import WorkerDiedError, work_ahead
from tokenizer.reading.read import Job, read_with_raw
from tokenizer.recording import Raw, RecordingError, Session

Result = TypeVar("Result")
FEW = 4
"""So many recordings are read sooner than a process starts."""


def read_many(
    jobs: Sequence[Job], then: Callable[[Session, Raw], Result], workers: int = 0, ahead: int = 2
) -> Iterator[Result | RecordingError]:
    """Read each of `jobs` and give `then(session, raw)`, in order; a bad recording gives its error and stops nothing.

    `then` runs where the recording was read, in one of `workers` processes (0: here), so that small results travel
    instead of sessions; it must be picklable and may raise RecordingError itself. Each process is `ahead` of who asks.
    """
    attempt = functools.partial(_attempt, then)
    results = work_ahead(attempt, jobs, workers if len(jobs) > FEW else 0, ahead)
    for job, result in zip(jobs, results, strict=True):
        if isinstance(result, WorkerDiedError):
            reason = "the process that read it died, perhaps for want of memory; look at the file"
            result = RecordingError(job.name, reason)
        yield result


def _attempt(then: Callable[[Session, Raw], Result], job: Job) -> Result | RecordingError:
    try:
        session, raw = read_with_raw(job.source, job.config)
    except RecordingError as error:
        return error
    except Exception as error:  # a reader of ours or of others' that stumbles over a file; its words may hold a name
        reason = f"reading it failed unexpectedly ({type(error).__name__}); please report it"
        return RecordingError(job.name, reason)
    try:
        return then(session, raw)
    except RecordingError as error:
        return error
