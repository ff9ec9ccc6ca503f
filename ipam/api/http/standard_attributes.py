"""Descriptions of the attributes that most resources have, for the OpenAPI document."""

from typing import Final

from msgspec import Meta

ID: Final = Meta(description="The id, made by the service.")
NAME: Final = Meta(description="A name for people; need not be unique.")
DESCRIPTION: Final = Meta(description="Free text.")
TENANT_ID: Final = Meta(description="The older name of project_id; bodies may use either.")
PROJECT_ID: Final = Meta(description="The project that it belongs to; the caller's when left out.")
TAGS: Final = Meta(description="Tags, for filters.")
CREATED_AT: Final = Meta(description="When it was made, in UTC.")
UPDATED_AT: Final = Meta(description="When it was last changed, in UTC.")
REVISION_NUMBER: Final = Meta(description="Grows with each change; for If-Match.")
