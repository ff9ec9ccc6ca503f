"""Whom a client's certificate names."""

from collections.abc import Mapping
from typing import Any


def name_of(certificate: Mapping[str, Any]) -> str:
    """The common name of the subject, or the first DNS name if it has none; else empty.

    Takes what `ssl.SSLSocket.getpeercert` gives for a certificate that was verified.
    """
    subject = [pair for pairs in certificate.get("subject", ()) for pair in pairs]
    common_names = [value for key, value in subject if key == "commonName"]
    dns_names = [value for kind, value in certificate.get("subjectAltName", ()) if kind == "DNS"]
    return next(iter([*common_names, *dns_names]), "")
