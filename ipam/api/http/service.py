"""What the framework needs of a service, whatever its resources are."""

from typing import Protocol

from ipam.api.http.refusal_log import LineBudget
from ipam.identity.policy import Policy
from ipam.settings import Settings
from ipam.store.engine.database import Database


class FrameworkService(Protocol):
    """The parts of a service that every route needs. Threads may share them."""

    @property
    def settings(self) -> Settings:
        """The settings of this process."""

    @property
    def database(self) -> Database:
        """The database of the resources."""

    @property
    def policy(self) -> Policy:
        """The rules of who may do what."""

    @property
    def hidden_lines(self) -> LineBudget:
        """How many lines the log may have on what was hidden."""
