"""What the API's document says of a route beyond its address and its docstring: the body that it takes and the status it answers with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import msgspec

View = TypeVar("View", bound=Callable[..., object])


@dataclass(frozen=True, slots=True)
class Description:
    """`body` is None where none is taken. `is_list` tells of a list of such bodies, `is_csv` of a file in a form."""

    status: int = 200
    body: type[msgspec.Struct] | None = None
    is_list: bool = False
    is_csv: bool = False


_described: dict[tuple[str, str], Description] = {}


def answers(status: int, *, body: type[msgspec.Struct] | None = None) -> Callable[[View], View]:
    return _describing(Description(status, body))


def answers_list_of(status: int, *, body: type[msgspec.Struct]) -> Callable[[View], View]:
    return _describing(Description(status, body, is_list=True))


def answers_csv(status: int) -> Callable[[View], View]:
    return _describing(Description(status, is_csv=True))


def description_of(view: Callable[..., object]) -> Description:
    return _described.get(_name(view), Description())


def _describing(description: Description) -> Callable[[View], View]:
    def remember(view: View) -> View:
        _described[_name(view)] = description
        return view

    return remember


def _name(view: Callable[..., object]) -> tuple[str, str]:
    return view.__module__, view.__qualname__
