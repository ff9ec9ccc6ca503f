"""An application that shows the least cost of a request: one route with a constant answer."""

import falcon


class _Constant:
    def on_get(self, _req: falcon.Request, resp: falcon.Response) -> None:
        resp.content_type = falcon.MEDIA_JSON
        resp.data = b'{"port": {}}'


application: "falcon.App[falcon.Request, falcon.Response]" = falcon.App()
application.add_route("/", _Constant())
