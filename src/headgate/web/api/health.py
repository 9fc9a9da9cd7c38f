"""REST: is the control plane able to answer?"""

from django.db import connection
from django.db.utils import Error
from django.http import HttpRequest
from ninja import Router

import headgate
from headgate.core.problems import DependencyError
from headgate.web.api.fields import Output

router = Router()


class HealthOut(Output):
    """The control plane answers, and so does its database."""

    status: str
    version: str


@router.get("/health", response=HealthOut, operation_id="getHealth")
def get_health(request: HttpRequest) -> object:  # noqa: ARG001  # ninja's signature
    """200 when the database answers; needs no token."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error as error:
        raise DependencyError("The database does not answer", is_retryable=True) from error
    return HealthOut(status="ok", version=headgate.__version__)
