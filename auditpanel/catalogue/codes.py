"""Codes by a `code_config`: a prefix, a pattern whose # become characters of a charset, a postfix."""

from __future__ import annotations

from random import Random

from auditpanel.catalogue.definitions import code_config_as_json

Json = dict[str, object]

DEFAULT = code_config_as_json(None)


def make_code(config: Json, random: Random) -> str:
    """`config` is complete, as of `definitions.code_config_as_json`; an empty one stands for the default."""
    complete = config or DEFAULT
    charset = str(complete["charset"])
    made = "".join(random.choice(charset) if character == "#" else character for character in str(complete["pattern"]))
    return f"{complete.get('prefix', '')}{made}{complete.get('postfix', '')}"
