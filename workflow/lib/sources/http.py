"""A polite HTTP client: names itself, waits when told to, and repeats what may succeed later."""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import KW_ONLY, dataclass, field
from http.client import IncompleteRead
from typing import Any
from urllib.parse import urlsplit

import requests
import tenacity
import urllib3

from workflow.lib.common.errors import FetchError, UserError

log = logging.getLogger(__name__)

READ_SIZE = 2**16
TOO_MANY_REQUESTS = 429


@dataclass(eq=False)
class PoliteClient:
    """Fetches over HTTP and HTTPS. Threads may share it: each has its own session.

    Parameters
    ----------
    user_agent
        Who is asking, for the server's operators; include an address to write to.
    timeout
        Longest time without an answer from the server [s].
    attempts
        Number of times that a request is made before the client gives up.
    longest_wait
        Longest pause between attempts, even if the server asks for more [s].
    deadline
        Longest time for one attempt of `get` [s].
    max_bytes
        Largest body `get` accepts.
    sleep, clock
        Functions that pause and give the time, for tests.
    """

    user_agent: str
    _: KW_ONLY
    timeout: float = 60
    attempts: int = 6
    longest_wait: float = 300
    deadline: float = 600
    max_bytes: int = 2**28
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    _local: threading.local = field(default_factory=threading.local, init=False)

    def get(
        self,
        url: str,
        params: Mapping[str, Any] | None = None,
        check: Callable[[bytes], Any] | None = None,
    ) -> bytes:
        """Fetch a whole body.

        Parameters
        ----------
        url
            http or https.
        params
            The query of the address.
        check
            Called with the body; a transient `FetchError` from it counts as a failed attempt.

        Raises
        ------
        FetchError
            If no attempt succeeds: with the reason of the last failure.
        UserError
            If the address is neither http nor https.
        """
        return self.retrying()(self._get_once, url, params, check)

    def retrying(
        self, stop: Callable[[tenacity.RetryCallState], bool] | None = None
    ) -> tenacity.Retrying:
        """Give a tenacity `Retrying` that repeats a call after each transient `FetchError`.

        Parameters
        ----------
        stop
            When to give up; by default after `attempts` calls.
        """
        return tenacity.Retrying(
            retry=tenacity.retry_if_exception(lambda error: getattr(error, "transient", False)),
            stop=stop or tenacity.stop_after_attempt(self.attempts),
            wait=self._wait,
            sleep=self.sleep,
            before_sleep=_log_retry,
            reraise=True,
        )

    @contextmanager
    def open(
        self,
        url: str,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        accept: tuple[int, ...] = (200,),
    ) -> Iterator[tuple[requests.Response, Iterator[bytes]]]:
        """Make a request, without repeating it.

        Yields
        ------
        response : requests.Response
            With one of the status codes in `accept`; its body is not read yet.
        pieces : iterator of bytes
            The body, as it arrives.

        Raises
        ------
        FetchError
            If the connection fails, here or inside the block, or the status is not in `accept`.
        """
        if urlsplit(url).scheme not in ("http", "https"):
            raise UserError(f"{url}: an address must start with http:// or https://")
        with _translated_errors(url):
            response = self._session().get(
                url, params=params, headers=headers, timeout=self.timeout, stream=True
            )
            with response:
                if response.status_code not in accept:
                    raise _status_error(response)
                yield response, _pieces(response)

    def _get_once(
        self, url: str, params: Mapping[str, Any] | None, check: Callable[[bytes], Any] | None
    ) -> bytes:
        body = bytearray()
        start = self.clock()
        with self.open(url, params) as (response, pieces):
            for piece in pieces:
                body += piece
                if len(body) > self.max_bytes:
                    message = f"{response.url} sends over {self.max_bytes} bytes"
                    raise FetchError("too-large", message)
                if self.clock() - start > self.deadline:
                    message = f"{response.url} took over {self.deadline:g} s"
                    raise FetchError("timeout", message, transient=True)
        if check is not None:
            check(bytes(body))
        return bytes(body)

    def _session(self) -> requests.Session:
        if not hasattr(self._local, "session"):
            session = requests.Session()
            # Images do not compress further, and resuming counts bytes as the server stores them.
            session.headers.update({"User-Agent": self.user_agent, "Accept-Encoding": "identity"})
            self._local.session = session
        return self._local.session

    def _wait(self, state: tenacity.RetryCallState) -> float:
        asked = state.outcome.exception().retry_after
        if asked is not None:
            return min(asked, self.longest_wait)
        return tenacity.wait_exponential_jitter(max=self.longest_wait)(state)


def user_agent(contact: str | None) -> str:
    """Name this program, and the address of the person who runs it."""
    return f"morphoflow ({contact})" if contact else "morphoflow"


def parse_retry_after(value: str | None) -> float | None:
    """Read a Retry-After header, in seconds or as an HTTP date.

    Returns
    -------
    float or None
        Seconds from now, at least 0; None if there is no such header or it is not readable.
    """
    if value is None:
        return None
    try:
        return urllib3.Retry().parse_retry_after(value)
    except (urllib3.exceptions.InvalidHeader, ValueError, OverflowError):
        return None


def _pieces(response: requests.Response) -> Iterator[bytes]:
    # read1, because read waits for a whole piece: indefinitely, if the server sends byte by byte.
    while piece := response.raw.read1(READ_SIZE, decode_content=True):
        yield piece


def _status_error(response: requests.Response) -> FetchError:
    status = response.status_code
    return FetchError(
        "not-found" if status == requests.codes.not_found else f"http-{status}",
        f"{response.url} answered {status} {response.reason}",
        transient=status == TOO_MANY_REQUESTS or status >= 500,
        retry_after=parse_retry_after(response.headers.get("Retry-After")),
    )


@contextmanager
def _translated_errors(url: str) -> Iterator[None]:
    try:
        yield
    except (requests.Timeout, urllib3.exceptions.TimeoutError) as error:
        raise FetchError("timeout", f"{url} stopped answering", transient=True) from error
    except urllib3.exceptions.ProtocolError as error:
        cut_short = any(isinstance(cause, IncompleteRead) for cause in error.args)
        reason = "truncated" if cut_short else "connection"
        raise FetchError(reason, f"{url}: {error}", transient=True) from error
    except (requests.ConnectionError, urllib3.exceptions.HTTPError) as error:
        raise FetchError("connection", f"{url}: {error}", transient=True) from error
    except requests.RequestException as error:
        raise FetchError("connection", f"{url}: {error}") from error


def _log_retry(state: tenacity.RetryCallState) -> None:
    log.info("%s; trying again in %.1f s", state.outcome.exception(), state.next_action.sleep)
