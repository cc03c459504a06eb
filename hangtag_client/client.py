"""The two clients: one waits, one is awaited. What they can do stands in `calls`."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from functools import wraps
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

import httpx

from hangtag_client import calls, operator_calls, training_calls
from hangtag_client.events import Following
from hangtag_client.exchange import Flow, Pause, Read, Reply, Request, Step, checked
from hangtag_client.photos import whole_file
from hangtag_client.results import Job

P = ParamSpec("P")
T = TypeVar("T")

LOCAL_URL = "http://127.0.0.1:8000"
CONNECT_SECONDS = 5.0
# Longer than the server lets anybody wait (60 s).
READ_SECONDS = 90.0


def blocking(call: Callable[P, Flow[T]]) -> Callable[Concatenate[Client, P], T]:
    """A call as a method that returns its result."""

    @wraps(call)
    def method(self: Client, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self._run(call(*args, **kwargs))

    return method


def awaitable(
    call: Callable[P, Flow[T]],
) -> Callable[Concatenate[AsyncClient, P], Coroutine[Any, Any, T]]:
    """A call as a method to be awaited."""

    @wraps(call)
    async def method(self: AsyncClient, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._run(call(*args, **kwargs))

    return method


class Client:
    """Calls Hangtag's API and waits for the answers. May be used from several threads.

    Address and key are those of HANGTAG_URL and HANGTAG_API_KEY when left out. `timeout` is how many
    seconds one answer may take. A `patient` client asks again for some seconds when nobody answers; one that
    is not does so only after it was answered once.
    """

    classify = blocking(calls.classify)
    classify_folder = blocking(calls.classify_folder)
    create_batch = blocking(calls.create_batch)
    create_batch_from_zip = blocking(calls.create_batch_from_zip)
    batch = blocking(calls.batch)
    job = blocking(calls.job)
    cancel_job = blocking(calls.cancel_job)
    retry_job = blocking(calls.retry_job)
    why = blocking(calls.why)
    delete_photo = blocking(calls.delete_photo)
    create_listing = blocking(calls.create_listing)
    listing = blocking(calls.listing)
    make_cover = blocking(calls.make_cover)
    choose_category = blocking(calls.choose_category)
    train = blocking(training_calls.train)
    epochs = blocking(training_calls.epochs)
    forecast = blocking(training_calls.forecast)
    preview = blocking(training_calls.preview)
    compare = blocking(training_calls.compare)
    compare_on_photos = blocking(training_calls.compare_on_photos)
    compare_live = blocking(training_calls.compare_live)
    name_version = blocking(training_calls.name_version)
    take_name_away = blocking(training_calls.take_name_away)
    bring_imagenet = blocking(training_calls.bring_imagenet)
    try_model = blocking(training_calls.try_model)
    job_log = blocking(operator_calls.job_log)
    sweep = blocking(training_calls.sweep)
    trials = blocking(training_calls.trials)
    datasets = blocking(training_calls.datasets)
    dataset = blocking(training_calls.dataset)
    create_dataset_version = blocking(training_calls.create_dataset_version)
    models = blocking(training_calls.models)
    model = blocking(training_calls.model)
    promote = blocking(training_calls.promote)
    rollback = blocking(training_calls.rollback)
    jobs = blocking(operator_calls.jobs)
    batches = blocking(operator_calls.batches)
    discard_job = blocking(operator_calls.discard_job)
    release_job = blocking(operator_calls.release_job)
    failures = blocking(operator_calls.failures)
    retry_failures = blocking(operator_calls.retry_failures)
    discard_failures = blocking(operator_calls.discard_failures)
    queues = blocking(operator_calls.queues)
    overview = blocking(operator_calls.overview)
    save_my_data = blocking(operator_calls.save_my_data)
    delete_my_data = blocking(operator_calls.delete_my_data)

    def __init__(
        self,
        url: str | None = None,
        key: str | None = None,
        *,
        timeout: float = READ_SECONDS,
        patient: bool = True,
    ) -> None:
        self._http = httpx.Client(**_options(url, key, timeout))
        self._patient = patient

    def close(self) -> None:
        """Close its connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def events(self, job_id: str) -> Iterator[Job]:
        """The job each time it changes, until it has ended."""
        following = Following(job_id)
        while not following.ended:
            broken: Reply | None = None
            request = following.request()
            try:
                with self._http.stream(request.method, request.path, headers=request.headers) as response:
                    if following.opened(response):
                        yield from filter(None, map(following.read, response.iter_lines()))
                        broken = following.closed()
                    elif not following.ended:
                        response.read()
                        broken = response
            except httpx.TransportError as error:
                broken = error
            if broken is not None:
                self._run(following.broken(broken))

    def _run(self, flow: Flow[T]) -> T:
        try:
            step = next(flow)
            while True:
                step = flow.send(self._do(step))
        except StopIteration as end:
            result: T = end.value
            return result

    def _do(self, step: Step) -> Reply | bytes | None:
        match step:
            case Pause(seconds):
                time.sleep(seconds)
            case Read(path):
                return path.read_bytes()
            case Request():
                try:
                    reply = self._ask(step)
                except httpx.TransportError as error:
                    return error if self._patient else checked(error)
                self._patient = True
                return reply
        return None

    def _ask(self, request: Request) -> httpx.Response:
        if request.save_to is None:
            return self._http.request(request.method, request.path, **request.options())
        with self._http.stream(request.method, request.path, **request.options()) as response:
            if response.is_success:
                checked(response)
                with whole_file(request.save_to) as file:
                    for part in response.iter_bytes():
                        file.write(part)
            else:
                response.read()
        return response


class AsyncClient:
    """The same calls as `Client`, to be awaited."""

    classify = awaitable(calls.classify)
    classify_folder = awaitable(calls.classify_folder)
    create_batch = awaitable(calls.create_batch)
    create_batch_from_zip = awaitable(calls.create_batch_from_zip)
    batch = awaitable(calls.batch)
    job = awaitable(calls.job)
    cancel_job = awaitable(calls.cancel_job)
    retry_job = awaitable(calls.retry_job)
    why = awaitable(calls.why)
    delete_photo = awaitable(calls.delete_photo)
    create_listing = awaitable(calls.create_listing)
    listing = awaitable(calls.listing)
    make_cover = awaitable(calls.make_cover)
    choose_category = awaitable(calls.choose_category)
    train = awaitable(training_calls.train)
    epochs = awaitable(training_calls.epochs)
    forecast = awaitable(training_calls.forecast)
    preview = awaitable(training_calls.preview)
    compare = awaitable(training_calls.compare)
    compare_on_photos = awaitable(training_calls.compare_on_photos)
    compare_live = awaitable(training_calls.compare_live)
    name_version = awaitable(training_calls.name_version)
    take_name_away = awaitable(training_calls.take_name_away)
    bring_imagenet = awaitable(training_calls.bring_imagenet)
    try_model = awaitable(training_calls.try_model)
    job_log = awaitable(operator_calls.job_log)
    sweep = awaitable(training_calls.sweep)
    trials = awaitable(training_calls.trials)
    datasets = awaitable(training_calls.datasets)
    dataset = awaitable(training_calls.dataset)
    create_dataset_version = awaitable(training_calls.create_dataset_version)
    models = awaitable(training_calls.models)
    model = awaitable(training_calls.model)
    promote = awaitable(training_calls.promote)
    rollback = awaitable(training_calls.rollback)
    jobs = awaitable(operator_calls.jobs)
    batches = awaitable(operator_calls.batches)
    discard_job = awaitable(operator_calls.discard_job)
    release_job = awaitable(operator_calls.release_job)
    failures = awaitable(operator_calls.failures)
    retry_failures = awaitable(operator_calls.retry_failures)
    discard_failures = awaitable(operator_calls.discard_failures)
    queues = awaitable(operator_calls.queues)
    overview = awaitable(operator_calls.overview)
    save_my_data = awaitable(operator_calls.save_my_data)
    delete_my_data = awaitable(operator_calls.delete_my_data)

    def __init__(
        self,
        url: str | None = None,
        key: str | None = None,
        *,
        timeout: float = READ_SECONDS,
        patient: bool = True,
    ) -> None:
        self._http = httpx.AsyncClient(**_options(url, key, timeout))
        self._patient = patient

    async def close(self) -> None:
        """Close its connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def events(self, job_id: str) -> AsyncIterator[Job]:
        """The job each time it changes, until it has ended."""
        following = Following(job_id)
        while not following.ended:
            broken: Reply | None = None
            request = following.request()
            try:
                async with self._http.stream(
                    request.method, request.path, headers=request.headers
                ) as response:
                    if following.opened(response):
                        async for line in response.aiter_lines():
                            if job := following.read(line):
                                yield job
                        broken = following.closed()
                    elif not following.ended:
                        await response.aread()
                        broken = response
            except httpx.TransportError as error:
                broken = error
            if broken is not None:
                await self._run(following.broken(broken))

    async def _run(self, flow: Flow[T]) -> T:
        try:
            step = next(flow)
            while True:
                step = flow.send(await self._do(step))
        except StopIteration as end:
            result: T = end.value
            return result

    async def _do(self, step: Step) -> Reply | bytes | None:
        match step:
            case Pause(seconds):
                await asyncio.sleep(seconds)
            case Read(path):
                return await asyncio.to_thread(path.read_bytes)
            case Request():
                try:
                    reply = await self._ask(step)
                except httpx.TransportError as error:
                    return error if self._patient else checked(error)
                self._patient = True
                return reply
        return None

    async def _ask(self, request: Request) -> httpx.Response:
        if request.save_to is None:
            return await self._http.request(request.method, request.path, **request.options())
        async with self._http.stream(request.method, request.path, **request.options()) as response:
            if response.is_success:
                checked(response)
                with whole_file(request.save_to) as file:
                    async for part in response.aiter_bytes():
                        await asyncio.to_thread(file.write, part)
            else:
                await response.aread()
        return response


def _options(url: str | None, key: str | None, timeout: float) -> dict[str, Any]:
    chosen = key or os.environ.get("HANGTAG_API_KEY", "").strip()
    if not chosen:
        raise ValueError(
            "There is no API key. Give one as `key`, or set HANGTAG_API_KEY to one from 'hangtag key create'."
        )
    return {
        "base_url": (url or os.environ.get("HANGTAG_URL", "").strip() or LOCAL_URL).rstrip("/"),
        "headers": {"Authorization": f"Bearer {chosen}", "Accept": "application/json"},
        "timeout": httpx.Timeout(timeout, connect=min(timeout, CONNECT_SECONDS)),
    }
