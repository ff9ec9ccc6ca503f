import logging
import ssl
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from ipam.errors import SettingsUnfit
from ipam.tls import TlsFiles, client_context, server_context
from tests.private_ca import PrivateCa


@pytest.fixture
def ca(tmp_path: Path) -> PrivateCa:
    return PrivateCa(tmp_path)


def test_files_that_have_changed_make_another_context(ca: PrivateCa) -> None:
    current = server_context(ca.files("one.test"), require_client_certificate=False)
    first = current.get()
    assert current.get() is first
    ca.files("two.test")
    assert current.get() is not first


def test_files_that_do_not_fit_together_leave_what_there_was(
    ca: PrivateCa, caplog: pytest.LogCaptureFixture
) -> None:
    files = ca.files("one.test")
    current = server_context(files, require_client_certificate=False)
    first = current.get()
    assert files.key
    right = files.key.read_bytes()
    files.key.write_bytes(b"half a k")
    with caplog.at_level(logging.INFO):
        assert current.get() is first
        assert current.get() is first
        files.key.unlink()
        assert current.get() is first
    assert len([one for one in caplog.records if one.levelno == logging.ERROR]) == 2
    files.key.write_bytes(right)
    assert current.get() is not first


@pytest.mark.parametrize("lacking", ["certificate", "key", "ca"])
def test_a_missing_file_is_named_at_the_start(ca: PrivateCa, lacking: str) -> None:
    files = ca.files("one.test")
    path: Path = getattr(files, lacking)
    path.unlink()
    with pytest.raises(SettingsUnfit, match=str(path)):
        server_context(files, require_client_certificate=True)
    with pytest.raises(SettingsUnfit, match=str(path)):
        client_context(files)


def test_a_key_with_a_password_is_refused_and_asks_nobody(ca: PrivateCa) -> None:
    files = ca.files("one.test")
    assert files.key
    key = serialization.load_pem_private_key(files.key.read_bytes(), None)
    files.key.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"secret"),
        )
    )
    with pytest.raises(SettingsUnfit, match="without a password"):
        server_context(files, require_client_certificate=False)


def test_versions_below_the_minimum_are_not_spoken(ca: PrivateCa) -> None:
    files = ca.files("one.test")
    context = server_context(files, require_client_certificate=False).get()
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    newer = TlsFiles(files.certificate, files.key, files.ca, "1.3")
    assert server_context(newer, require_client_certificate=False).get().minimum_version == (
        ssl.TLSVersion.TLSv1_3
    )


def test_a_certificate_may_hold_its_key(ca: PrivateCa, tmp_path: Path) -> None:
    files = ca.files("one.test")
    assert files.certificate
    assert files.key
    both = tmp_path / "both.pem"
    both.write_bytes(files.key.read_bytes() + files.certificate.read_bytes())
    server_context(TlsFiles(both), require_client_certificate=False)
