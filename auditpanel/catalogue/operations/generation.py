"""Vouchers of a campaign with codes that are made: the same ones whenever a step is repeated."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import update
from sqlalchemy.orm import Session

from auditpanel.catalogue.campaigns import CAMPAIGN_EVENTS
from auditpanel.catalogue.definitions import code_config_as_json
from auditpanel.catalogue.happenings import raise_created, raise_happened
from auditpanel.catalogue.metadata_rules import check_given
from auditpanel.catalogue.models import Campaign, Resource, Voucher
from auditpanel.catalogue.operations.campaigns import (
    DONE,
    FAILED,
    IN_PROGRESS,
    CampaignOfTask,
    campaign_id_of,
    campaign_of,
    count_vouchers,
)
from auditpanel.catalogue.operations.copying import copy_vouchers, taken_codes
from auditpanel.catalogue.operations.schemas import schema_of
from auditpanel.catalogue.reading import KEY_LIMIT
from auditpanel.catalogue.rows import CodedVoucher
from auditpanel.catalogue.values import VOUCHERS_AT_ONCE, NewVoucher, read_campaign_voucher, read_voucher
from auditpanel.catalogue.vouchers import VOUCHER_EVENTS
from auditpanel.errors import InvalidInput
from auditpanel.tasks.values import Batch, Outcome, Refused, TaskInput

Json = dict[str, object]

BATCH_CODES = 2_000
# Codes are drawn so often; after that the ones next to the first draw are looked through, which ends however few are free.
DRAWS = 16
LOOKED_THROUGH = 1_000


@dataclass(frozen=True, slots=True)
class Codes:
    """All codes of a pattern, numbered from 0; `seed` decides which are drawn."""

    seed: bytes
    charset: str
    pattern: tuple[str, ...]
    count: int

    def drawn(self, index: int, draw: int) -> int:
        """The number of the code that the voucher with this index gets at this draw."""
        digest = hashlib.blake2b(f"{index}/{draw}".encode(), key=self.seed, digest_size=32).digest()
        return int.from_bytes(digest, "big") % self.count

    def code(self, number: int) -> str:
        base = len(self.charset)
        first, *others = self.pattern
        made = [first]
        for text in others:
            number, digit = divmod(number, base)
            made += (self.charset[digit], text)
        return "".join(made)


def codes_of(config: Json, seed: bytes) -> Codes:
    """`config` is complete, as of `definitions.code_config_as_json`. Raises InvalidInput where the codes would be too long."""
    # A character that stands twice in the charset makes no more codes.
    charset = "".join(dict.fromkeys(str(config["charset"])))
    # Only the pattern's # vary: one in the prefix is itself.
    first, *others = str(config["pattern"]).split("#")
    pattern = [f"{config.get('prefix') or ''}{first}", *others]
    pattern[-1] += str(config.get("postfix") or "")
    if sum(map(len, pattern)) + len(others) > KEY_LIMIT:
        raise InvalidInput(f"makes codes of more than {KEY_LIMIT} characters; shorten the pattern, prefix or postfix", field="code_config")
    return Codes(seed, charset, tuple(pattern), len(charset) ** len(others))


@dataclass(frozen=True, slots=True)
class Work:
    """The vouchers of a batch: those with the indices from `start` to below `end`."""

    start: int
    end: int
    codes: Codes
    template: NewVoucher


class Generation:
    def count_rows(self, session: Session, task: TaskInput) -> int:
        count = _count_of(task)
        _, codes = _prepared(session, task)
        if count > codes.count:
            wanted = "make the pattern or the charset of code_config longer"
            raise InvalidInput(f"{count:,} codes are asked for, but the pattern has only {codes.count:,}; {wanted}", field="vouchers_count")
        return count

    def batches(self, session: Session, task: TaskInput) -> Iterator[Batch]:
        template, codes = _prepared(session, task)
        session.rollback()
        count, start = _count_of(task), task.position.get("rows", 0)
        assert isinstance(start, int)
        while start < count:
            end = min(start + BATCH_CODES, count)
            yield Batch(end - start, {"rows": end}, Work(start, end, codes, template))
            start = end

    def apply(self, session: Session, task: TaskInput, batch: Batch) -> Outcome:
        work = batch.work
        assert isinstance(work, Work)
        made: list[str] = []
        left = list(range(work.start, work.end))
        for draw in range(DRAWS):
            drawn = {index: work.codes.code(work.codes.drawn(index, draw)) for index in left}
            # Of several that drew the same code the last gets it.
            owners = {code: index for index, code in drawn.items()}
            copied = copy_vouchers(
                session, task.scope, campaign_id_of(task), [CodedVoucher(code, work.template.metadata, work.template) for code in owners]
            )
            made += owners.keys() - copied.taken - copied.unstorable.keys()
            left = [index for index, code in drawn.items() if owners[code] != index or code in copied.taken]
            if not left:
                break
        refused = []
        for index in left:
            if code := _make_next_free(session, task, work, index):
                made.append(code)
            else:
                refused.append(
                    Refused(index + 1, {"index": index + 1}, f"no code is left: all {work.codes.count:,} of the pattern are taken")
                )
        count_vouchers(session, task, len(made), generation=IN_PROGRESS)
        raise_created(session, task.scope, VOUCHER_EVENTS, Voucher.code, made)
        return Outcome(created=len(made), refused=refused)

    def finish(self, session: Session, task: TaskInput) -> None:
        _write_status(session, task, DONE)
        raise_happened(session, task.scope, CAMPAIGN_EVENTS, "vouchers.generation.completed", Campaign.id == campaign_id_of(task))

    def give_up(self, session: Session, task: TaskInput) -> None:
        _write_status(session, task, FAILED)


GENERATE = Generation()


def _write_status(session: Session, task: TaskInput, status: str) -> None:
    session.execute(
        update(Campaign)
        .where(Campaign.project_id == task.scope.project_id, Campaign.id == campaign_id_of(task))
        .values(vouchers_generation_status=status)
        .execution_options(synchronize_session=False)
    )


def _count_of(task: TaskInput) -> int:
    """Of the parameter `vouchers_count`."""
    count = task.parameters.get("vouchers_count")
    if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= VOUCHERS_AT_ONCE:
        raise InvalidInput(f"has to be a whole number from 1 to {VOUCHERS_AT_ONCE:,}", field="vouchers_count")
    return count


def _prepared(session: Session, task: TaskInput) -> tuple[NewVoucher, Codes]:
    """What the vouchers are like: as the campaign has them, but for what the parameters `voucher` and `code_config` say."""
    campaign = campaign_of(session, task)
    told = task.parameters.get("voucher")
    template = campaign.inherited(read_campaign_voucher(told if isinstance(told, dict) else {}, campaign.voucher))
    # What has to be there is not asked of codes made in bulk: campaigns have no metadata to give them.
    check_given(template.metadata, schema_of(session, task.scope, Resource.VOUCHER))
    return template, codes_of(_code_config(task, campaign, template), task.task_id.encode()[:64])


def _code_config(task: TaskInput, campaign: CampaignOfTask, template: NewVoucher) -> Json:
    told = task.parameters.get("code_config")
    if isinstance(told, dict) and told:
        return read_voucher(campaign.voucher | {"code_config": told}).code_config
    return template.code_config or code_config_as_json(None)


def _make_next_free(session: Session, task: TaskInput, work: Work, index: int) -> str | None:
    """The first free code from the first draw on, all round; None where there is none."""
    codes, begin = work.codes, work.codes.drawn(index, 0)
    for offset in range(0, codes.count, LOOKED_THROUGH):
        near = [codes.code((begin + step) % codes.count) for step in range(offset, min(offset + LOOKED_THROUGH, codes.count))]
        taken = taken_codes(session, task.scope, near)
        for code in near:
            if code not in taken:
                copied = copy_vouchers(
                    session, task.scope, campaign_id_of(task), [CodedVoucher(code, work.template.metadata, work.template)]
                )
                if copied.count:
                    return code
    return None
