"""http_basic: who is let in, and how often bcrypt runs."""

import base64
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import bcrypt
import pytest

from ipam.errors import TooManyLogins, Unauthorized
from ipam.identity import failed_logins, htpasswd, known_callers
from ipam.identity.basic import BasicAuthenticator
from ipam.identity.caller import Caller


def header(name: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Bcrypt:
    """Counts the checks that really run bcrypt."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.checks = 0
        self._check: Callable[[bytes, bytes], bool] = bcrypt.checkpw
        monkeypatch.setattr(bcrypt, "checkpw", self)

    def __call__(self, password: bytes, hashed: bytes) -> bool:
        self.checks += 1
        return self._check(password, hashed)


@pytest.fixture(autouse=True)
def _cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(htpasswd, "BCRYPT_ROUNDS", 4)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "htpasswd"
    htpasswd.put(path, "ann", "secret", role="reader", project_id="p1")
    return path


@pytest.fixture
def bcrypt_runs(monkeypatch: pytest.MonkeyPatch) -> Bcrypt:
    return Bcrypt(monkeypatch)


def test_the_right_password_makes_the_caller_of_the_file(file: Path) -> None:
    authenticator = BasicAuthenticator(file, cache_seconds=300)
    assert authenticator.caller(header("ann", "secret")) == Caller("ann", "p1", "reader")
    assert authenticator.caller(header("ann", "secret").replace("Basic", "bAsIc")).role == "reader"


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Basic",
        "Basic ",
        "Basic !!!",
        "Basic YW5u",  # no colon
        "Basic /w==",  # not UTF-8
        "Basic /zr/",
        "Bearer YW5uOnNlY3JldA==",
        "Basic YW5uOnNlY3JldA==, Basic YW5uOnNlY3JldA==",
        header("ann", "Secret"),
        header("ann", ""),
        header("", ""),
        header("", "secret"),
        header("bob", "secret"),
        header("ann", "secret" + "x" * 80),
        header("ann", "s" * 5000),
    ],
)
def test_anything_else_is_unauthorized(file: Path, authorization: str | None) -> None:
    with pytest.raises(Unauthorized):
        BasicAuthenticator(file, cache_seconds=300).caller(authorization)


def test_bcrypt_is_paid_once_until_the_cache_ends(file: Path, bcrypt_runs: Bcrypt) -> None:
    clock = Clock()
    authenticator = BasicAuthenticator(file, cache_seconds=300, clock=clock)
    for _ in range(3):
        authenticator.caller(header("ann", "secret"))
    assert bcrypt_runs.checks == 1
    clock.now = 300.0
    authenticator.caller(header("ann", "secret"))
    assert bcrypt_runs.checks == 2


def test_the_cache_gives_nobody_else_in(file: Path) -> None:
    authenticator = BasicAuthenticator(file, cache_seconds=300)
    authenticator.caller(header("ann", "secret"))
    for name, password in [("ann", "secre"), ("an", "nsecret"), ("bob", "secret")]:
        with pytest.raises(Unauthorized):
            authenticator.caller(header(name, password))


def test_a_changed_file_counts_at_once(file: Path) -> None:
    authenticator = BasicAuthenticator(file, cache_seconds=300)
    authenticator.caller(header("ann", "secret"))
    htpasswd.put(file, "ann", "better", role="admin")
    with pytest.raises(Unauthorized):
        authenticator.caller(header("ann", "secret"))
    assert authenticator.caller(header("ann", "better")).role == "admin"
    htpasswd.remove(file, "ann")
    with pytest.raises(Unauthorized):
        authenticator.caller(header("ann", "better"))


def test_without_a_file_nobody_gets_in_until_there_is_one(tmp_path: Path) -> None:
    file = tmp_path / "htpasswd"
    authenticator = BasicAuthenticator(file, cache_seconds=300)
    with pytest.raises(Unauthorized):
        authenticator.caller(header("ann", "secret"))
    htpasswd.put(file, "ann", "secret", role="admin")
    assert authenticator.caller(header("ann", "secret")).user_id == "ann"
    file.unlink()
    with pytest.raises(Unauthorized):
        authenticator.caller(header("ann", "secret"))


def test_a_check_under_way_while_the_file_changes_is_not_remembered(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authenticator = BasicAuthenticator(file, cache_seconds=300)
    check = bcrypt.checkpw

    def check_while_the_user_goes(password: bytes, hashed: bytes) -> bool:
        monkeypatch.setattr(bcrypt, "checkpw", check)
        htpasswd.remove(file, "ann")
        return check(password, hashed)

    monkeypatch.setattr(bcrypt, "checkpw", check_while_the_user_goes)
    authenticator.caller(header("ann", "secret"))  # she was still there when she asked
    with pytest.raises(Unauthorized):
        authenticator.caller(header("ann", "secret"))


def test_an_unknown_user_costs_the_same_hash_as_a_known_one(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(htpasswd, "BCRYPT_ROUNDS", 5)
    htpasswd.put(file, "bob", "secret", role="admin")
    seen: list[bytes] = []
    check = bcrypt.checkpw

    def note(password: bytes, hashed: bytes) -> bool:
        seen.append(hashed[:7])
        return check(password, hashed)

    monkeypatch.setattr(bcrypt, "checkpw", note)
    authenticator = BasicAuthenticator(file, cache_seconds=300)
    for name in ("bob", "nobody"):
        with pytest.raises(Unauthorized):
            authenticator.caller(header(name, "wrong"))
    assert seen == [b"$2b$05$", b"$2b$05$"]


def test_requests_at_the_same_time_share_one_check(file: Path, bcrypt_runs: Bcrypt) -> None:
    authenticator = BasicAuthenticator(file, cache_seconds=300, most_waiting=16)
    together = threading.Barrier(16)

    def ask() -> Caller:
        together.wait()
        return authenticator.caller(header("ann", "secret"))

    with ThreadPoolExecutor(16) as threads:
        callers = [each.result() for each in [threads.submit(ask) for _ in range(16)]]
    assert set(callers) == {Caller("ann", "p1", "reader")}
    assert bcrypt_runs.checks == 1


def test_the_cache_is_bounded(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_callers, "CALLERS_KEPT", 3)
    for number in range(5):
        htpasswd.put(file, f"user-{number}", "secret", role="admin")
    authenticator = BasicAuthenticator(file, cache_seconds=300)
    for number in range(5):
        authenticator.caller(header(f"user-{number}", "secret"))
    assert len(authenticator._snapshot.callers) == 3


def test_no_password_stands_in_the_cache(file: Path) -> None:
    authenticator = BasicAuthenticator(file, cache_seconds=300)
    authenticator.caller(header("ann", "secret"))
    (digest,) = authenticator._snapshot.callers._known
    other = BasicAuthenticator(file, cache_seconds=300)
    other.caller(header("ann", "secret"))
    assert [digest] != list(other._snapshot.callers._known)


def test_a_user_without_a_role_is_named_at_the_start_and_has_no_role(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "htpasswd"
    hashed = bcrypt.hashpw(b"secret", bcrypt.gensalt(4)).decode()
    path.write_text(f"ann:{hashed}\nrita:{hashed}:reader\n")
    authenticator = BasicAuthenticator(path, cache_seconds=300)
    (said,) = [record.getMessage() for record in caplog.records]
    assert said.startswith(f"{path}: Users without a role may do nothing: ann.")
    assert authenticator.caller(header("ann", "secret")).roles == frozenset()


def fail(authenticator: BasicAuthenticator, name: str, number: int, address: str) -> None:
    """Try so many wrong passwords of this test, none of them twice."""
    for attempt in range(number):
        with pytest.raises(Unauthorized):
            authenticator.caller(header(name, f"{address} {attempt}"), address)


def test_after_some_wrong_passwords_an_address_waits_longer_each_time(
    file: Path, bcrypt_runs: Bcrypt
) -> None:
    clock = Clock()
    authenticator = BasicAuthenticator(file, cache_seconds=300, clock=clock)
    fail(authenticator, "ann", failed_logins.FREE_OF_NAME, "10.0.0.1")
    seen = []
    for number in range(8):
        with pytest.raises(TooManyLogins) as put_off:
            authenticator.caller(header("ann", f"guess {number}"), "10.0.0.1")
        seen.append(put_off.value.retry_after_seconds)
        clock.now += seen[-1]
        with pytest.raises(Unauthorized):
            authenticator.caller(header("ann", f"guess {number}"), "10.0.0.1")
    assert seen == [1, 2, 4, 8, 16, 32, 60, 60]
    assert bcrypt_runs.checks == failed_logins.FREE_OF_NAME + 8


def test_many_names_from_one_address_are_put_off_too_and_ipv6_by_network(file: Path) -> None:
    authenticator = BasicAuthenticator(file, cache_seconds=300, clock=Clock())
    for number in range(failed_logins.FREE_OF_ADDRESS):
        with pytest.raises(Unauthorized):
            authenticator.caller(header(f"user-{number}", "x"), f"2001:db8::{number}")
    with pytest.raises(TooManyLogins):
        authenticator.caller(header("another", "x"), "2001:db8::ffff")
    with pytest.raises(Unauthorized):
        authenticator.caller(header("another", "x"), "2001:db8:0:1::1")


def test_a_stranger_elsewhere_locks_no_user_out(file: Path) -> None:
    authenticator = BasicAuthenticator(file, cache_seconds=300, clock=Clock())
    for number in range(3):
        fail(authenticator, "ann", failed_logins.FREE_OF_NAME - 4, f"10.0.0.{number}")
    fail(authenticator, "ann", 2, "10.0.0.9")
    with pytest.raises(TooManyLogins):  # from several addresses together it was too often
        authenticator.caller(header("ann", "guess"), "10.0.0.9")
    assert authenticator.caller(header("ann", "secret"), "10.0.1.1").user_id == "ann"


def test_who_was_let_in_before_is_not_put_off_for_a_neighbour_behind_the_same_address(
    file: Path,
) -> None:
    clock = Clock()
    authenticator = BasicAuthenticator(file, cache_seconds=300, clock=clock)
    authenticator.caller(header("ann", "secret"), "10.0.0.1")
    clock.now = 301.0  # her login is checked again
    fail(authenticator, "ann", failed_logins.FREE_OF_NAME, "10.0.0.1")
    with pytest.raises(TooManyLogins):
        authenticator.caller(header("ann", "guess"), "10.0.0.1")
    assert authenticator.caller(header("ann", "secret"), "10.0.0.1").user_id == "ann"


def test_a_program_that_repeats_its_wrong_password_costs_one_check_and_delays_nobody(
    file: Path, bcrypt_runs: Bcrypt
) -> None:
    authenticator = BasicAuthenticator(file, cache_seconds=300, clock=Clock())
    for _ in range(100):
        with pytest.raises(Unauthorized):
            authenticator.caller(header("ann", "old"), "10.0.0.1")
    assert bcrypt_runs.checks == 1
    assert authenticator.caller(header("ann", "secret"), "10.0.0.1").user_id == "ann"


def test_wrong_logins_at_once_are_put_off_and_a_known_one_is_not(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    authenticator = BasicAuthenticator(file, cache_seconds=300, most_waiting=0, clock=clock)
    authenticator.caller(header("ann", "secret"))
    at_work, go_on = threading.Semaphore(0), threading.Event()
    check = bcrypt.checkpw

    def check_when_told(password: bytes, hashed: bytes) -> bool:
        at_work.release()
        go_on.wait()
        return check(password, hashed)

    monkeypatch.setattr(bcrypt, "checkpw", check_when_told)
    at_once = authenticator._turnstile._slots._value
    with ThreadPoolExecutor() as threads:
        wrong = [
            threads.submit(authenticator.caller, header("eve", str(number)))
            for number in range(at_once)
        ]
        for _ in wrong:
            at_work.acquire()
        with pytest.raises(TooManyLogins):
            authenticator.caller(header("eve", "another"))
        assert authenticator.caller(header("ann", "secret")).user_id == "ann"
        clock.now = 301.0
        checked_again = threads.submit(authenticator.caller, header("ann", "secret"))
        go_on.set()
        assert checked_again.result().user_id == "ann"
        assert {type(each.exception()) for each in wrong} == {Unauthorized}


@pytest.mark.parametrize("name", ["ann", "bob", "nobody"])
def test_a_wrong_password_takes_the_work_of_the_dearest_hash_whoever_it_is_for(
    file: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(htpasswd, "BCRYPT_ROUNDS", 7)
    htpasswd.put(file, "bob", "secret", role="admin")
    work: list[int] = []
    check = bcrypt.checkpw

    def note(password: bytes, hashed: bytes) -> bool:
        work.append(2 ** int(hashed[4:6]))
        return check(password, hashed)

    monkeypatch.setattr(bcrypt, "checkpw", note)
    with pytest.raises(Unauthorized):
        BasicAuthenticator(file, cache_seconds=300).caller(header(name, "wrong"))
    assert sum(work) == 2**7
