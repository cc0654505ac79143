"""What a run prints: one table of ratios, each beside what is wished for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ratio:
    """`details` are the figures that the ratio comes from."""

    name: str
    value: float
    wish: str
    is_met: bool
    details: str

    @classmethod
    def at_least(cls, wished: float, name: str, value: float, details: str) -> Ratio:
        return cls(name, value, f">= {wished:.3g}", value >= wished, details)

    @classmethod
    def at_most(cls, wished: float, name: str, value: float, details: str) -> Ratio:
        return cls(name, value, f"<= {wished:.3g}", value <= wished, details)


def times(measured_s: float, against_s: float) -> str:
    return f"{measured_s * 1000:,.1f} ms / {against_s * 1000:,.1f} ms"


def table(title: str, ratios: Iterable[Ratio]) -> str:
    lines = [
        f"  {ratio.name:<52} {ratio.value:>9.2f}  {ratio.wish:>8}  {'yes' if ratio.is_met else 'NO':>3}   {ratio.details}"
        for ratio in ratios
    ]
    return "\n".join([f"{title:<54} {'ratio':>9}  {'wished':>8}  {'met':>3}", *lines, ""])
