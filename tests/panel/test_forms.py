"""What forms say of what they do not take."""

from __future__ import annotations

from pathlib import Path

from flask import Flask

from auditpanel.app import ROOT
from auditpanel.errors import InvalidInput
from auditpanel.panel.forms import ProjectForm

TEMPLATES = Path(ROOT) / "templates"


def test_an_error_of_no_field_stands_above_the_form_and_that_of_a_field_below_it(app: Flask) -> None:
    with app.test_request_context():
        form = ProjectForm()
        form.refuse(InvalidInput("the project is <gone>"))
        form.refuse(InvalidInput("is too long", field="name"))
        macros = app.jinja_env.get_template("macros/forms.html").module
        above, below = str(macros.opening(form)), str(macros.field(form.name))  # type: ignore[attr-defined]
    assert "The project is &lt;gone&gt;." in above and 'role="alert"' in above and 'name="csrf_token"' in above
    assert "Is too long." in below and "Is too long." not in above


def test_every_form_shows_what_is_wrong_with_it_as_a_whole() -> None:
    for path in TEMPLATES.rglob("*.html"):
        template = path.read_text()
        shows = template.count("form.form_errors")
        assert path.parent.name == "macros" or template.count(".hidden_tag()") + template.count("form.csrf_token(") <= shows, path
