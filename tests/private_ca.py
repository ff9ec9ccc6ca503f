"""Certificates of an authority that exists for one test."""

from pathlib import Path

import trustme

from ipam.tls import TlsFiles


class PrivateCa:
    """Makes PEM files in a directory."""

    def __init__(self, directory: Path, name: str = "ca") -> None:
        self._directory = directory
        self._ca = trustme.CA()
        self.file = directory / f"{name}.pem"
        self._ca.cert_pem.write_to_path(self.file)

    def files(self, *names: str, common_name: str | None = None, stem: str = "end") -> TlsFiles:
        """Files of a certificate for these names; the same stem writes over the same files."""
        made = self._ca.issue_cert(*names, common_name=common_name)
        certificate, key = (self._directory / f"{stem}.{kind}" for kind in ("pem", "key"))
        certificate.write_bytes(b"".join(one.bytes() for one in made.cert_chain_pems))
        key.write_bytes(made.private_key_pem.bytes())
        key.chmod(0o600)
        return TlsFiles(certificate, key, self.file)
