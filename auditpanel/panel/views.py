"""What every view of the panel asks before it answers."""

from __future__ import annotations

from flask import flash, redirect, url_for
from flask.typing import ResponseReturnValue
from flask_admin import BaseView
from flask_login import current_user
from werkzeug.wrappers import Response

from auditpanel.extensions import login_manager


class PanelView(BaseView):
    """A Flask-Admin view behind the login. `require_access` says who may see it."""

    def require_access(self) -> None:
        """Raises NotFound or Forbidden. Called for each of the view's pages, with somebody logged in."""
        raise NotImplementedError

    def is_accessible(self) -> bool:
        return bool(current_user.is_authenticated)

    def inaccessible_callback(self, name: str, **kwargs: object) -> ResponseReturnValue:
        answer: ResponseReturnValue = login_manager.unauthorized()
        return answer

    def _handle_view(self, name: str, **kwargs: object) -> ResponseReturnValue | None:
        answer: ResponseReturnValue | None = super()._handle_view(name, **kwargs)
        if answer is None:
            self.require_access()
        return answer

    def _run_view(self, fn, *args, **kwargs):  # type: ignore[no-untyped-def]
        # Flask-Admin's own calls a view that raised TypeError a second time, in another way, and so hides the error.
        return fn(self, *args, **kwargs)


def done(message: str, endpoint: str, **values: object) -> Response:
    """After a change: the message, on a page that a reload does not send again."""
    flash(message)
    return redirect(url_for(endpoint, **values))  # type: ignore[arg-type]
