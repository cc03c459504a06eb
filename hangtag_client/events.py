"""Following a job through its event stream (server-sent events, WHATWG HTML section 9.2)."""

from __future__ import annotations

import httpx

from hangtag_client.exchange import (
    TRIES,
    Flow,
    Pause,
    Reply,
    Request,
    address,
    checked,
    pause_before_repeat,
    spoken,
)
from hangtag_client.results import Job

NO_CONTENT = 204


class Following:
    """Reads the streams of one job: asks for the next one from where the last one ended."""

    def __init__(self, job_id: str) -> None:
        self.ended = False
        self._job_id = job_id
        self._last_id = ""
        self._data = ""
        self._failures = 0
        self._silent = True

    def request(self) -> Request:
        """The request for the stream from here on."""
        self._silent = True
        headers = {"Accept": "text/event-stream"}
        if self._last_id:
            headers["Last-Event-ID"] = self._last_id
        return Request("GET", address("jobs", self._job_id, "events"), headers=headers)

    def opened(self, response: httpx.Response) -> bool:
        """Whether there is a stream to read; a job whose end was seen has none.

        Raises:
            NotHangtagError: what answers is no stream.
        """
        self.ended = response.status_code == NO_CONTENT
        if self.ended or not response.is_success:
            return False
        spoken(response, "text/event-stream")
        return True

    def read(self, line: str) -> Job | None:
        """The job, when this line completes an event."""
        if line.startswith(":"):  # nothing has changed, and the server is still there
            self._silent, self._failures = False, 0
        name, _, value = line.partition(": ")
        if name == "id":
            self._last_id = value
        elif name == "data":
            self._data = value
        elif not line and self._data:
            job = Job.model_validate_json(self._data)
            self._data, self._failures, self.ended = "", 0, job.ended
            self._silent = False
            return job
        return None

    def closed(self) -> Reply | None:
        """What was wrong with a stream that is over: nothing came, as where a proxy holds events up."""
        return httpx.RemoteProtocolError("The stream ended without an event.") if self._silent else None

    def broken(self, reply: Reply) -> Flow[None]:
        """A stream that could not be had or broke off: pause before the next one.

        Raises:
            ApiError: the server refused.
            UnreachableError: it does not answer any more.
        """
        self._data = ""
        pause = pause_before_repeat(self.request(), reply, self._failures)
        self._failures += 1
        if pause is None or self._failures == TRIES:
            checked(reply)
        yield Pause(pause or 0.0)
