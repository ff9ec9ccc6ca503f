"""The settings file is read, and its faults are found when it is read."""

from pathlib import Path

import pytest

from ipam import settings
from ipam.errors import SettingsUnfit

OPTIONS = [(group, option) for group, options in settings.GROUPS.items() for option in options]


def test_without_a_file_every_option_has_its_default(tmp_path: Path) -> None:
    path = tmp_path / "empty.conf"
    path.touch()
    conf = settings.load([str(path)])
    assert not any(settings.is_changed(conf, group, option) for group, option in OPTIONS)
    assert conf.api.socket == Path("/run/ipam/api.sock")
    assert conf.api.htpasswd_file == Path("/var/lib/ipam/htpasswd")
    assert conf.database.connection == "sqlite:////var/lib/ipam/ipam.sqlite"


def test_paths_follow_the_directories_unless_they_are_set(tmp_path: Path) -> None:
    path = tmp_path / "ipam.conf"
    path.write_text("[DEFAULT]\nstate_path = /s\nrun_path = /r\n[api]\nhtpasswd_file = /h\n")
    conf = settings.load([str(path)])
    assert conf.database.connection == "sqlite:////s/ipam.sqlite"
    assert (conf.api.socket, conf.api.htpasswd_file) == (Path("/r/api.sock"), Path("/h"))
    assert (conf.agent.state_path, conf.agent.run_path) == (Path("/s/agent"), Path("/r"))


def test_the_last_file_wins(tmp_path: Path) -> None:
    first, second = tmp_path / "1.conf", tmp_path / "2.conf"
    first.write_text("[api]\nbind_port = 1\nthreads = 3\n")
    second.write_text("[api]\nbind_port = 2\n")
    conf = settings.load([str(first), str(second)])
    assert (conf.api.bind_port, conf.api.threads) == (2, 3)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[api]\nbind_port = many\n", "[api] bind_port in "),
        ("[api]\nthreads = 0\n", "[api] threads in "),
        ("[agent]\nvif_type = ovs\n", "[agent] vif_type in "),
        ("[DEFAULT]\nlog_level = LOUD\n", "[DEFAULT] log_level in "),
    ],
)
def test_a_bad_value_is_found_when_the_settings_are_read(
    tmp_path: Path, text: str, said: str
) -> None:
    path = tmp_path / "ipam.conf"
    path.write_text(text)
    with pytest.raises(SettingsUnfit) as caught:
        settings.load([str(path)])
    assert said in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_mistyped_name_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "ipam.conf"
    path.write_text("[api]\nbind_prot = 1\nbind_port = 1\n[apy]\nthreads = 1\n")
    settings.load([str(path)])
    assert sorted(record.message for record in caplog.records) == [
        f"{path}: there is no setting [api] bind_prot; it is ignored",
        f"{path}: there is no setting [apy] threads; it is ignored",
    ]


def test_a_secret_is_shown_as_stars_and_a_file_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "ipam.conf"
    path.write_text("[agent]\npassword = secret\n")
    conf = settings.load([str(path)])
    by_name = {option.name: option for _, option in OPTIONS}
    assert settings.shown(conf, "agent", by_name["password"]) == "***"
    assert "sqlite:" in settings.shown(conf, "database", by_name["connection"])
