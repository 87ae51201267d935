"""The HTTP client with a real server on this machine."""

import itertools
from datetime import UTC, datetime
from functools import partial

import pytest

from tests.cutout_service import PATIENCE, CutoutService, cutout_fits
from workflow.lib.common.errors import FetchError, UserError
from workflow.lib.common.images import decode_image
from workflow.lib.sources.http import PoliteClient, parse_retry_after, user_agent

CHECK = partial(decode_image, name="the cutout", max_missing_share=0.2)
QUERY = {"ra": "5", "size": "48"}


@pytest.fixture
def service():
    with CutoutService() as service:
        yield service


@pytest.fixture
def naps():
    """The pauses that the client asked for, without waiting."""
    return []


@pytest.fixture
def client(naps):
    return PoliteClient("morphoflow test", timeout=60, attempts=3, sleep=naps.append)


def test_the_body_is_complete_and_the_server_learns_who_asks(service, client):
    assert client.get(service.url, QUERY, CHECK) == cutout_fits(48, seed=5000)
    (request,) = service.requests
    assert request["headers"]["User-Agent"] == "morphoflow test"
    assert request["query"] == QUERY


def test_the_user_agent_carries_an_address_to_write_to():
    assert user_agent("someone@example.org") == "morphoflow (someone@example.org)"
    assert user_agent(None) == "morphoflow"


@pytest.mark.parametrize(
    "fault",
    [
        *("500", "502", "503", "html", "empty"),
        *("cut-file", "cut-file-at-block", "cut-body", "hang-up", "reset"),
    ],
)
def test_temporary_faults_are_tried_again(service, client, naps, fault):
    service.faults["5"] = [fault, fault]
    assert client.get(service.url, QUERY, CHECK) == cutout_fits(48, seed=5000)
    assert len(service.requests) == 3
    assert 1 <= naps[0] <= 2 <= naps[1] <= 3, "one second, then two, each with up to one of jitter"


@pytest.mark.parametrize(
    ("fault", "reasons", "requests"),
    [
        ("500", {"http-500"}, 3),
        ("429", {"http-429"}, 3),
        ("html", {"html-page"}, 3),
        ("empty", {"truncated"}, 3),
        ("cut-file", {"truncated"}, 3),
        ("cut-file-at-block", {"truncated"}, 3),
        ("cut-body", {"truncated"}, 3),
        ("hang-up", {"connection"}, 3),
        ("reset", {"connection", "truncated"}, 3),
        ("404", {"not-found"}, 1),
        ("403", {"http-403"}, 1),
        ("text", {"not-an-image"}, 1),
        ("empty-sky", {"empty-sky"}, 1),
        ("missing-band", {"missing-band"}, 1),
        ("nan", {"missing-pixels"}, 1),
    ],
)
def test_a_lasting_fault_has_a_reason(service, client, fault, reasons, requests):
    service.faults["5"] = [fault] * 9
    with pytest.raises(FetchError) as caught:
        client.get(service.url, QUERY, CHECK)
    assert caught.value.reason in reasons
    assert len(service.requests) == requests


def test_a_redirection_in_circles_is_not_tried_again(service, client):
    service.faults["5"] = ["loop"]
    with pytest.raises(FetchError, match="redirects") as caught:
        client.get(service.url, QUERY)
    assert (caught.value.reason, caught.value.transient) == ("connection", False)


def test_a_refused_connection_is_tried_again(client, naps):
    with CutoutService() as gone:
        address = gone.url
    with pytest.raises(FetchError, match="connection"):
        client.get(address)
    assert len(naps) == 2


@pytest.mark.parametrize(("asked", "waited"), [("7", 7), ("0", 0), ("9999", 300)])
def test_the_client_waits_as_long_as_the_server_asks_up_to_a_limit(
    service, client, naps, asked, waited
):
    service.faults["5"], service.retry_after = ["429"], asked
    client.get(service.url, QUERY, CHECK)
    assert naps == [waited]


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("120", 120),
        (" 3 ", 3),
        ("Wed, 21 Oct 2015 07:28:30 GMT", 30),
        ("Wed, 21 Oct 2015 07:28:30 -0000", 30),
        ("Wed, 21 Oct 2015 07:00:00 GMT", 0),
        ("soon", None),
        ("-5", None),
        ("Wed, 21 Oct 99999 07:28:30 GMT", None),
    ],
)
def test_retry_after_is_read_as_seconds_or_a_date(monkeypatch, value, seconds):
    now = datetime(2015, 10, 21, 7, 28, tzinfo=UTC)
    monkeypatch.setattr("time.time", now.timestamp)
    assert parse_retry_after(value) == seconds


def test_a_server_that_stops_answering_times_out(service, naps):
    service.faults["5"] = ["silence", "silence"]
    client = PoliteClient("test", timeout=0.1, attempts=2, sleep=naps.append)
    with pytest.raises(FetchError) as caught:
        client.get(service.url, QUERY)
    assert caught.value.reason == "timeout"
    # On a busy machine a request may reach the server only after the client has timed out.
    assert all(service.arrivals.acquire(timeout=PATIENCE) for _ in range(2))
    assert len(service.requests) == 2


def test_a_server_that_sends_byte_by_byte_exceeds_the_deadline(service):
    """Each byte comes in time, but all of them together would take too long."""
    service.faults["5"] = ["drip"]
    seconds = itertools.count(step=10)

    def clock() -> int:
        service.drips.release()
        return next(seconds)

    client = PoliteClient("test", timeout=60, attempts=1, deadline=45, clock=clock)
    with pytest.raises(FetchError, match="took over 45 s") as caught:
        client.get(service.url, QUERY)
    assert (caught.value.reason, caught.value.transient) == ("timeout", True)


def test_a_body_over_the_limit_is_refused(service, naps):
    client = PoliteClient("test", max_bytes=1000, sleep=naps.append)
    with pytest.raises(FetchError) as caught:
        client.get(service.url, QUERY)
    assert caught.value.reason == "too-large"
    assert len(service.requests) == 1


@pytest.mark.parametrize("address", ["file:///etc/hostname", "ftp://example.org/a", "nothing"])
def test_only_http_addresses_are_accepted(client, address):
    with pytest.raises(UserError, match="http://"):
        client.get(address)
