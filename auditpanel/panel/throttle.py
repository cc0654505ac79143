"""How often a wrong password may be tried: per account, against guessing one; per address, against trying one password on many."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address, ip_network
from typing import TypeVar

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import MemoryStorage, RedisStorage, Storage
from limits.strategies import MovingWindowRateLimiter, RateLimiter

from auditpanel.errors import TooManyRequests

PAUSE_MINUTES = 15
ACCOUNT_TRIES = RateLimitItemPerMinute(5, PAUSE_MINUTES, namespace="login/account")
ADDRESS_TRIES = RateLimitItemPerMinute(20, PAUSE_MINUTES, namespace="login/address")

# A login asks a few times. Redis that hangs must not hold it up for long, nor take up all threads.
TIMEOUT_S = 0.5

Answer = TypeVar("Answer")


def shared_storage(redis_url: str) -> Storage:
    """The library knows Redis on a Unix socket by another name."""
    url = f"redis+{redis_url}" if redis_url.startswith("unix:") else redis_url
    return RedisStorage(url, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S)


class LoginThrottle:
    """Counts in the shared storage; where that does not answer, in this process, so that nobody is locked out or let loose."""

    def __init__(self, storage: Storage) -> None:
        self._unreachable = storage.base_exceptions
        self._shared = MovingWindowRateLimiter(storage)
        self._own = MovingWindowRateLimiter(MemoryStorage())

    def take_try(self, email: str, address: str) -> int:
        """Counts a try on the account and gives how many are left after it. Raises TooManyRequests.

        It is counted before the password is looked at, so that a hundred tries at once are not a hundred.
        """
        account, source = _account_key(email), _address_key(address)
        if not self._ask(lambda limits: limits.test(ADDRESS_TRIES, source)):
            raise self._too_many(ADDRESS_TRIES, source)
        if not self._ask(lambda limits: limits.hit(ACCOUNT_TRIES, account)):
            raise self._too_many(ACCOUNT_TRIES, account)
        return self._ask(lambda limits: limits.get_window_stats(ACCOUNT_TRIES, account)).remaining

    def record_failure(self, address: str) -> None:
        self._ask(lambda limits: limits.hit(ADDRESS_TRIES, _address_key(address)))

    def record_success(self, email: str) -> None:
        """The account starts afresh; the address does not, or one's own account would pay for guesses at others."""
        self._ask(lambda limits: limits.clear(ACCOUNT_TRIES, _account_key(email)))

    def _ask(self, question: Callable[[RateLimiter], Answer]) -> Answer:
        try:
            return question(self._shared)
        except self._unreachable:
            return question(self._own)

    def _too_many(self, item: RateLimitItem, key: str) -> TooManyRequests:
        free_at = self._ask(lambda limits: limits.get_window_stats(item, key)).reset_time
        wait_s = max(1, math.ceil(free_at - time.time()))
        return TooManyRequests(f"Try again in {_minutes(wait_s)}.", retry_after_s=wait_s)


def _minutes(seconds: int) -> str:
    minutes = math.ceil(seconds / 60)
    return "1 minute" if minutes == 1 else f"{minutes} minutes"


def _account_key(email: str) -> str:
    return hashlib.sha256(email.strip().lower().encode(errors="replace")).hexdigest()


def _address_key(address: str) -> str:
    """One household has 2^64 addresses of IPv6: they count as one."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is None:
        return str(ip_network((parsed, 64), strict=False))
    return str(parsed)
