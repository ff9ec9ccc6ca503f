"""The htpasswd file: what a line means, and how the file is changed."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import bcrypt
import pytest

from ipam.errors import InvalidInput, NotFound
from ipam.identity import htpasswd

HASH = bcrypt.hashpw(
    b"secret", b"$2b$04$abcdefghijklmnopqrstuu"
).decode()  # the same in each process


@pytest.mark.parametrize(
    ("line", "role", "project_id"),
    [
        (f"ann:{HASH}", "", "default"),
        (f"ann:{HASH}:", "", "default"),
        (f"ann:{HASH}:admin", "admin", "default"),
        (f"ann:{HASH}:reader", "reader", "default"),
        (f"ann:{HASH}:service:p1", "service", "p1"),
        (f"ann:{HASH}:service:p1:ignored", "service", "p1"),
        (f"ann:{HASH}::p1\r", "", "p1"),
    ],
)
def test_role_and_project_follow_the_hash(line: str, role: str, project_id: str) -> None:
    assert htpasswd.parse(f"{line}\n") == {"ann": htpasswd.User("ann", HASH, role, project_id)}  # type: ignore[arg-type]  # from the table


@pytest.mark.parametrize(
    "line",
    [
        "ann:plain-text",
        "ann:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=",
        "ann",
        f":{HASH}",
        f"ann:{HASH}:root",
        f"an\tn:{HASH}",
        f"# ann:{HASH}",
    ],
)
def test_a_line_that_is_no_user_lets_nobody_in_and_spoils_no_other(line: str) -> None:
    assert list(htpasswd.parse(f"{line}\nbob:{HASH}\n")) == ["bob"]


def test_apache_and_nginx_variants_of_bcrypt_are_verified() -> None:
    for prefix in ("$2a$", "$2b$", "$2y$"):
        assert htpasswd.verify(htpasswd.User("ann", prefix + HASH[4:]), b"secret")
        assert not htpasswd.verify(htpasswd.User("ann", prefix + HASH[4:]), b"Secret")


def test_a_hash_that_bcrypt_cannot_read_matches_nothing() -> None:
    assert not htpasswd.verify(htpasswd.User("ann", "$2b$99$nonsense"), b"")
    assert not htpasswd.verify(htpasswd.User("ann", "$2b$"), b"")


def test_a_password_that_was_put_is_verified(tmp_path: Path) -> None:
    file = tmp_path / "htpasswd"
    htpasswd.put(file, "ann", "pässword", role="reader", project_id="p1")
    user = htpasswd.load(file)["ann"]
    assert (user.role, user.project_id) == ("reader", "p1")
    assert htpasswd.verify(user, "pässword".encode())
    assert not htpasswd.verify(user, b"password")


def test_put_replaces_the_user_and_keeps_every_other_line(tmp_path: Path) -> None:
    file = tmp_path / "htpasswd"
    file.write_bytes(
        f"# managed by hand \xff\nbob:{HASH}:reader\nann:{HASH}\nold:crypt\n".encode()
    )
    before = file.read_bytes()
    htpasswd.put(file, "ann", "new", role="service")
    after = file.read_bytes()
    assert after.startswith(before.replace(f"ann:{HASH}\n".encode(), b""))
    assert htpasswd.load(file)["ann"].role == "service"
    assert after.count(b"ann:") == 1


def test_remove_says_whether_there_was_such_a_user(tmp_path: Path) -> None:
    file = tmp_path / "htpasswd"
    assert not htpasswd.remove(file, "ann")
    htpasswd.put(file, "ann", "secret", role="admin")
    htpasswd.put(file, "bob", "secret", role="admin")
    assert htpasswd.remove(file, "ann")
    assert not htpasswd.remove(file, "ann")
    assert list(htpasswd.load(file)) == ["bob"]


def test_the_file_is_private_and_nothing_else_is_left_in_its_directory(tmp_path: Path) -> None:
    file = tmp_path / "htpasswd"
    htpasswd.put(file, "ann", "secret", role="admin")
    file.chmod(0o644)
    htpasswd.put(file, "bob", "secret", role="admin")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to give a file away")
def test_root_leaves_the_file_to_the_services_user(tmp_path: Path) -> None:
    file = tmp_path / "htpasswd"
    os.chown(tmp_path, 65534, 65534)
    htpasswd.put(file, "ann", "secret", role="admin")
    assert file.stat().st_uid == 65534
    htpasswd.remove(file, "ann")
    assert file.stat().st_uid == 65534


def test_a_writer_that_fails_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "htpasswd"
    htpasswd.put(file, "ann", "secret", role="admin")
    before = file.read_bytes()

    def no_space(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(OSError, match="No space"):
        htpasswd.put(file, "bob", "secret", role="admin")
    assert file.read_bytes() == before
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize(
    "name", ["", "a:b", "a\nb", "a\0b", "#a", "a" * 256, "a\x85b", "a\u2028b"]
)
def test_a_name_that_the_file_cannot_hold_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidInput):
        htpasswd.put(tmp_path / "htpasswd", name, "secret", role="admin")
    assert not (tmp_path / "htpasswd").exists()


def test_a_password_over_bcrypts_limit_is_refused_in_bytes(tmp_path: Path) -> None:
    file = tmp_path / "htpasswd"
    htpasswd.put(file, "ann", "x" * 72, role="admin")
    assert htpasswd.verify(htpasswd.load(file)["ann"], b"x" * 72)
    assert not htpasswd.verify(htpasswd.load(file)["ann"], b"x" * 73)
    with pytest.raises(InvalidInput, match="74 bytes, and bcrypt looks at 72"):
        htpasswd.put(file, "ann", "ä" * 37, role="admin")


def test_every_fault_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput) as refused:
        htpasswd.put(tmp_path / "htpasswd", "a:b", "", role="root", project_id="a\nb")
    assert len(refused.value.faults) == 4


def test_writers_at_the_same_time_lose_no_user(tmp_path: Path) -> None:
    file = tmp_path / "htpasswd"
    program = (
        "import sys; from pathlib import Path; from ipam.identity import htpasswd\n"
        "htpasswd.BCRYPT_ROUNDS = 4\n"
        "for n in range(20):\n"
        "    name = f'{sys.argv[2]}-{n}'\n"
        "    htpasswd.put(Path(sys.argv[1]), name, 'secret', role='reader')\n"
    )
    writers = [
        subprocess.Popen([sys.executable, "-c", program, str(file), name]) for name in "abcd"
    ]
    assert [writer.wait() for writer in writers] == [0, 0, 0, 0]
    assert len(htpasswd.load(file)) == 80


def test_another_role_keeps_the_password_and_the_project(tmp_path: Path) -> None:
    file = tmp_path / "htpasswd"
    file.write_text(f"ann:{HASH}::p1\nbob:{HASH}:reader\n")
    assert htpasswd.change(file, "ann", role="member") == htpasswd.User(
        "ann", HASH, "member", "p1"
    )
    assert htpasswd.load(file)["ann"].role == "member"
    assert htpasswd.change(file, "ann", role="reader", project_id="p2").project_id == "p2"
    with pytest.raises(NotFound, match="'carl'"):
        htpasswd.change(file, "carl", role="member")
    with pytest.raises(InvalidInput, match="'root' is none of"):
        htpasswd.change(file, "ann", role="root")


def test_users_without_a_role_are_named(tmp_path: Path) -> None:
    users = htpasswd.parse(f"bob:{HASH}\nann:{HASH}::p1\nrita:{HASH}:reader\n")
    assert "without a role may do nothing: ann, bob." in htpasswd.without_role(users.values())
    assert htpasswd.without_role([users["rita"]]) == ""


def test_an_agents_user_has_its_hosts_name(tmp_path: Path) -> None:
    file = tmp_path / "htpasswd"
    assert htpasswd.put(file, "agent@node-7", "secret", role="agent").role == "agent"
    for name in ("node-7", "agent@"):
        with pytest.raises(InvalidInput, match="agent@HOST"):
            htpasswd.put(file, name, "secret", role="agent")
    text = f"node-8:{HASH}:agent\nagent@node-9:{HASH}:agent\n"
    assert list(htpasswd.parse(text)) == ["agent@node-9"]
