"""What the API's document says of a route beyond its address and its docstring: what it takes, and what it answers with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec

from auditpanel.api.parameters import Parameter
from auditpanel.api.shapes import Started

View = TypeVar("View", bound=Callable[..., object])
Shape = type[msgspec.Struct]


@dataclass(frozen=True, slots=True)
class Description:
    """`shown` has what it answers with, by status. `body` is None where none is taken.

    `is_list` tells of a list of such bodies, `is_one_or_list` of either, `is_csv` of a file in a form. `files` are the media types of the
    file that a `token` in the address is answered with.
    """

    shown: Mapping[int, Shape | None] = field(default_factory=lambda: {200: None})
    query: Sequence[Parameter] = ()
    body: Shape | None = None
    is_list: bool = False
    is_one_or_list: bool = False
    is_csv: bool = False
    files: Sequence[str] = ()


_described: dict[tuple[str, str], Description] = {}


def answers(shown: Shape, *, status: int = 200, body: Shape | None = None, query: Sequence[Parameter] = ()) -> Callable[[View], View]:
    return _describing(Description({status: shown}, query, body))


def answers_or_file(shown: Shape, media_types: Sequence[str]) -> Callable[[View], View]:
    """With it, or, to a `token`, with a file of one of these types."""
    return _describing(Description({200: shown}, files=media_types))


def answers_nothing() -> Callable[[View], View]:
    return _describing(Description({204: None}))


def answers_task(*, body: Shape | None = None, or_at_once: Shape | None = None) -> Callable[[View], View]:
    """With 202 and a background task; or with 200 and what was done at once."""
    shown: dict[int, Shape | None] = {202: Started}
    return _describing(Description(shown | ({200: or_at_once} if or_at_once else {}), body=body))


def answers_list_of(body: Shape, *, shown: Shape = Started) -> Callable[[View], View]:
    """Takes a list of them, and answers with 202."""
    return _describing(Description({202: shown}, body=body, is_list=True))


def answers_one_or_list_of(body: Shape, *, shown: Shape) -> Callable[[View], View]:
    """With 202."""
    return _describing(Description({202: shown}, body=body, is_one_or_list=True))


def answers_csv(status: int) -> Callable[[View], View]:
    return _describing(Description({status: Started}, is_csv=True))


def description_of(view: Callable[..., object]) -> Description:
    return _described.get(_name(view), Description())


def _describing(description: Description) -> Callable[[View], View]:
    def remember(view: View) -> View:
        _described[_name(view)] = description
        return view

    return remember


def _name(view: Callable[..., object]) -> tuple[str, str]:
    return view.__module__, view.__qualname__
