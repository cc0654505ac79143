"""The way back through a file: where the pages began that led to this one. A file is only read forwards; without it, from its beginning."""

from __future__ import annotations

from dataclasses import dataclass

from auditpanel.exports.stored_rows import Mark

# In an address, of up to 29 characters each.
KEPT = 30


@dataclass(frozen=True, slots=True)
class Trail:
    """By rising numbers."""

    marks: tuple[Mark, ...] = ()

    @classmethod
    def read(cls, text: str) -> Trail:
        """Raises InvalidInput, field `at`."""
        marks = [Mark.read(part) for part in text.split(".")[-KEPT:]] if text else []
        return cls(tuple(sorted(marks, key=lambda mark: mark.number)))

    @property
    def text(self) -> str:
        return ".".join(mark.text for mark in self.marks)

    def with_mark(self, mark: Mark) -> Trail:
        return Trail((*self.before(mark.number).marks, mark)[-KEPT:])

    def before(self, number: int) -> Trail:
        return Trail(tuple(mark for mark in self.marks if mark.number < number))

    def newest(self, count: int) -> Trail:
        return Trail(self.marks[-count:])

    def nearest(self, number: int) -> Mark:
        """From where the row of that number is found soonest."""
        return next((mark for mark in reversed(self.marks) if mark.number <= number), Mark())
