import logging
import shutil
import stat
from pathlib import Path

import pytest

from ipam.agent.dnsmasq import files as dnsmasq_files
from ipam.agent.dnsmasq.files import CONFIG, ServerFiles
from ipam.agent.dnsmasq.log_file import NAME


def test_a_new_file_needs_no_reload(tmp_path: Path) -> None:
    files = ServerFiles(tmp_path)
    files.write("hosts/1", "m,tag:x,web,10.0.0.5\n")
    assert not files.reload_due
    assert files.retired() == frozenset()
    assert (tmp_path / "hosts" / "1").read_text() == "m,tag:x,web,10.0.0.5\n"
    assert [path.name for path in (tmp_path / "hosts").iterdir()] == ["1"]


def test_a_server_of_before_names_is_adopted_and_one_that_lost_its_names_is_not(
    tmp_path: Path,
) -> None:
    """The first is restarted once, as its configuration is another; the second watches nothing."""
    for directory in ("hosts", "options"):
        (tmp_path / directory).mkdir()
    (tmp_path / NAME).touch()
    (tmp_path / CONFIG).write_text("port=0\n")
    assert ServerFiles(tmp_path).was_whole
    (tmp_path / CONFIG).write_text(f"port=53\nhostsdir={tmp_path}/names\n")
    assert ServerFiles(tmp_path).was_whole
    (tmp_path / "names").rmdir()
    assert not ServerFiles(tmp_path).was_whole


def test_a_removed_address_is_in_doubt_until_the_reload(tmp_path: Path) -> None:
    files = ServerFiles(tmp_path)
    files.write("hosts/1", "m,tag:x,web,10.0.0.5,[2001:db8::5]\n")
    files.remove("hosts/1")
    files.write("hosts/2", "n,tag:x,web,10.0.0.5\n")
    assert files.reload_due
    retired = files.retired()
    assert retired is not None
    assert retired >= {"10.0.0.5", "2001:db8::5", "m"}
    assert retired.isdisjoint({"10.0.0.6", "n"})
    files.mark_read(1.0)
    assert files.retired() == frozenset()


def test_a_file_that_another_made_first_is_in_doubt_when_it_is_written(tmp_path: Path) -> None:
    files = ServerFiles(tmp_path)
    (tmp_path / "hosts" / "1").write_text("other,tag:x,10.0.0.9\n")
    files.write("hosts/1", "m,tag:x,web,10.0.0.5\n")
    assert files.reload_due
    assert "10.0.0.9" in (files.retired() or ())


def test_a_due_reload_survives_the_agents_death(tmp_path: Path) -> None:
    files = ServerFiles(tmp_path)
    files.write("hosts/1", "a\n")
    files.write("hosts/1", "b\n")
    again = ServerFiles(tmp_path)
    assert again.reload_due
    assert again.retired() is None
    assert again.files == {"hosts/1": "b\n"}
    again.mark_read(1.0)
    assert not ServerFiles(tmp_path).reload_due


def test_what_a_killed_agent_left_half_written_is_removed(tmp_path: Path) -> None:
    ServerFiles(tmp_path)
    (tmp_path / "hosts" / ".1").write_text("half")
    assert ServerFiles(tmp_path).files == {}
    assert list((tmp_path / "hosts").iterdir()) == []


def test_what_others_do_to_files_is_taken_in_and_in_doubt(tmp_path: Path) -> None:
    files = ServerFiles(tmp_path)
    for name in ("deleted", "edited", "left"):
        files.write(f"hosts/{name}", f"m,{name}\n")
    (tmp_path / "hosts" / "deleted").unlink()
    (tmp_path / "hosts" / "edited").write_bytes(b"m,\xff\n")
    (tmp_path / "hosts" / "foreign").write_text("n\n")
    (tmp_path / "hosts" / "directory").mkdir()
    (tmp_path / "hosts" / ".invisible").write_text("n\n")
    files.take_in([tmp_path / "hosts"])
    assert files.files == {
        "hosts/edited": "m,\udcff\n",
        "hosts/foreign": "n\n",
        "hosts/left": "m,left\n",
    }
    assert files.retired() == frozenset({"m", "deleted", "edited", "\udcff", "n"})
    assert files.reload_due


def test_a_snapshot_stays_and_shows_each_change(tmp_path: Path) -> None:
    files, path = ServerFiles(tmp_path), tmp_path / "hosts" / "1"
    files.write("hosts/1", "a\n")
    first = files.snapshot()
    assert files.snapshot() is first
    path.write_text("b\n")
    files.take_in([path.parent])
    assert (first, files.snapshot()) == ({"hosts/1": "a\n"}, {"hosts/1": "b\n"})
    path.unlink()
    files.take_in([path.parent])
    assert files.snapshot() == {}
    files.write("hosts/1", "c\n")
    assert files.snapshot() == {"hosts/1": "c\n"}
    files.remove("hosts/1")
    assert files.snapshot() == {}


def test_a_single_file_is_taken_in_by_its_path(tmp_path: Path) -> None:
    files = ServerFiles(tmp_path)
    files.write("options/1", "a\n")
    files.take_in([tmp_path / "options" / "1", tmp_path / "leases", tmp_path])
    assert (files.files, files.reload_due) == ({"options/1": "a\n"}, False)
    (tmp_path / "options" / "1").write_text("b\n")
    files.take_in([tmp_path / "options" / "1"])
    assert files.files == {"options/1": "b\n"}


def test_the_startup_file_is_put_back_and_that_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    files = ServerFiles(tmp_path)
    files.take_in([tmp_path])
    assert not (tmp_path / CONFIG).exists()
    files.write_startup("port=0\n")
    with caplog.at_level(logging.WARNING):
        files.take_in([tmp_path / CONFIG])
        assert caplog.messages == []
        (tmp_path / CONFIG).write_text("port=53\n")
        files.take_in([tmp_path / CONFIG])
    assert (tmp_path / CONFIG).read_text() == "port=0\n"
    assert caplog.messages == [f"{tmp_path / CONFIG} was changed by hand and is put back"]


@pytest.mark.parametrize("part", ["hosts", "options", NAME])
def test_a_directory_without_one_of_its_parts_is_not_whole(tmp_path: Path, part: str) -> None:
    files = ServerFiles(tmp_path)
    (tmp_path / NAME).touch()
    assert files.is_whole()
    gone = tmp_path / part
    if gone.is_dir():
        shutil.rmtree(gone)
    else:
        gone.unlink()
    assert not files.is_whole()


def test_the_pid_is_written_again_where_it_is_gone(tmp_path: Path) -> None:
    files = ServerFiles(tmp_path)
    files.keep_pid(12)
    assert files.pid_file.read_text() == "12\n"


@pytest.mark.parametrize("name", ["", "hosts", "options", "hosts/a", CONFIG])
def test_a_mode_is_put_back_and_all_is_read_again(
    tmp_path: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    files = ServerFiles(tmp_path / "net")
    files.write_startup("port=0\n")
    files.write("hosts/a", "a,10.0.0.5\n")
    path = files.directory / name
    mode = path.stat().st_mode
    path.chmod(0o1)
    files.take_in([path if path.is_dir() else path.parent])
    assert path.stat().st_mode == mode
    assert files.reload_due
    assert files.retired() is None, "dnsmasq may have read it in between, and found nothing"
    files.take_in(files.directories())
    assert caplog.text.count("mode or owner was changed by hand") == 1


@pytest.mark.parametrize("name", ["", "hosts", "options"])
def test_a_directory_that_was_replaced_is_not_whole(tmp_path: Path, name: str) -> None:
    files = ServerFiles(tmp_path / "net")
    (files.directory / NAME).touch()
    files.remember_parts()
    assert files.is_whole()
    path = files.directory / name
    path.rename(tmp_path / "former")
    shutil.copytree(tmp_path / "former", path)
    assert not files.is_whole()


def test_what_was_written_here_is_not_read_back_but_what_others_wrote_since_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, path = ServerFiles(tmp_path), tmp_path / "hosts" / "1"
    files.write("hosts/1", "a\n")
    with monkeypatch.context() as watched:
        watched.setattr(dnsmasq_files, "_read", lambda _path: pytest.fail("it was read"))
        files.take_in([path])
    files.write("hosts/1", "b\n")
    path.unlink()
    path.write_text("c\n")
    files.take_in([path])
    assert files.files == {"hosts/1": "c\n"}
    files.write("hosts/2", "a\n")
    path.with_name("2").chmod(0o600)
    files.take_in([path.with_name("2")])
    assert stat.S_IMODE(path.with_name("2").stat().st_mode) == 0o644
