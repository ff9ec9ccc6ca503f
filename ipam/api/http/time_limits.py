"""Ends the work of a request that takes too long, or whose client has left.

Transactions look at the limit before each statement. What was under way is rolled back, so that
nothing stays locked.
"""

import time

import falcon

from ipam.store.engine.time_limit import TimeLimit, limit_work

CLIENT_GONE = "waitress.client_disconnected"


class TimeLimits:
    """Falcon middleware."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def process_request(self, req: falcon.Request, _resp: falcon.Response) -> None:
        is_gone = req.env.get(CLIENT_GONE)  # other servers do not say
        limit_work(TimeLimit(self._seconds, time.monotonic() + self._seconds, is_gone))

    def process_response(
        self, _req: falcon.Request, _resp: falcon.Response, _resource: object, _succeeded: bool
    ) -> None:
        limit_work(None)
