from pathlib import Path

from ipam.agent.dnsmasq.files import ServerFiles


def test_a_new_file_needs_no_reload(tmp_path: Path) -> None:
    files = ServerFiles(tmp_path)
    files.write("hosts/1", "m,tag:x,web,10.0.0.5\n")
    assert not files.reload_due
    assert files.retired() == frozenset()
    assert (tmp_path / "hosts" / "1").read_text() == "m,tag:x,web,10.0.0.5\n"
    assert [path.name for path in (tmp_path / "hosts").iterdir()] == ["1"]


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
