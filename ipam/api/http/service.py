"""What the framework works with, whatever the resources are."""

from typing import Protocol

from ipam.identity.policy import Policy
from ipam.settings import Settings
from ipam.store.engine.database import Database


class FrameworkService(Protocol):
    """The parts of a service that every route needs; safe to use from several threads."""

    @property
    def settings(self) -> Settings:
        """The settings of this process."""

    @property
    def database(self) -> Database:
        """Where resources are kept."""

    @property
    def policy(self) -> Policy:
        """Who may do what."""
