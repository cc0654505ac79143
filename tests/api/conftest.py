from __future__ import annotations

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from tests.api.calling import Caller, make_caller


@pytest.fixture
def caller(client: FlaskClient, session: Session) -> Caller:
    return make_caller(client, session)
