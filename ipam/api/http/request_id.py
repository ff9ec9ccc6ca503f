"""The id of each request, which its answer and every log line about it have."""

import uuid

import falcon


class RequestId:
    """Falcon middleware."""

    def process_request(self, req: falcon.Request, _resp: falcon.Response) -> None:
        req.context.request_id = f"req-{uuid.uuid4()}"

    def process_response(
        self, req: falcon.Request, resp: falcon.Response, _resource: object, _succeeded: bool
    ) -> None:
        request_id = getattr(req.context, "request_id", None) or f"req-{uuid.uuid4()}"
        resp.set_header("X-Openstack-Request-Id", request_id)
