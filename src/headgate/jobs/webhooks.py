"""How do events reach webhooks? A few threads post, one loop decides and writes down.

One process sends, under a lease that is proved with every attempt that is written down. Killed at
any moment, what was not written down is sent again under the same `webhook-id`.
"""

from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta

import structlog

from headgate.alerts.webhooks import Attempt, headers
from headgate.core.clock import Clock
from headgate.jobs.webhook_post import Poster
from headgate.store.services import leases
from headgate.store.services.alerts import deliveries
from headgate.store.services.alerts.deliveries import Order
from headgate.store.services.leases import Held

LEASE = "webhooks"
LEASE_LENGTH = timedelta(seconds=20)
POSTS_MAX = 32  # at one time
FAILING_POSTS_MAX = 16  # of these to receivers that fail: they must not hold up the others
PER_WEBHOOK_MAX = 4  # one for a receiver that fails

_log = structlog.get_logger()


class Sender:
    """Sends what is due. `tick` is for one thread."""

    def __init__(self, poster: Poster, *, clock: Clock, holder: str) -> None:
        self._poster = poster
        self._clock = clock
        self._holder = holder
        self._held: Held | None = None
        self._under_way: dict[int, tuple[Order, Future[Attempt]]] = {}
        self._pool = ThreadPoolExecutor(POSTS_MAX, thread_name_prefix="webhook")

    def tick(self) -> bool:
        """Write down what has ended and begin what is due; true: something is under way.

        Raises:
            LeaseLostError, django.db.Error: nothing is lost, try again.
        """
        now = self._clock.now()
        waiting = deliveries.due(now)
        if not waiting and not self._under_way:
            return False
        held = self._lease()
        if held is None:
            return False
        try:
            self._settle(held)
        except leases.LeaseLostError:  # the other process makes these attempts anew
            self._held = None
            raise
        for webhook, is_failing in waiting:
            self._begin(webhook, is_failing=is_failing)
        return bool(self._under_way)

    def release(self) -> None:
        """Let another process go on at once; what is under way is written down if it has ended."""
        try:
            if self._held is not None:
                self._settle(self._held)
                leases.release(self._held, now=self._clock.now())
                self._held = None
        finally:
            self._pool.shutdown(wait=False, cancel_futures=True)

    def _lease(self) -> Held | None:
        now = self._clock.now()
        if self._held is None:
            self._under_way = {
                pk: pair for pk, pair in self._under_way.items() if not pair[1].done()
            }
            self._held = leases.take(LEASE, holder=self._holder, now=now, length=LEASE_LENGTH)
        elif self._held.expires_at - now < LEASE_LENGTH / 2:
            try:
                self._held = leases.prove(self._held, now=now)
            except leases.LeaseLostError:
                self._held = None
        return self._held

    def _settle(self, held: Held) -> None:
        for pk, (order, future) in list(self._under_way.items()):
            if not future.done():
                continue
            attempt = future.result()
            found = deliveries.settle(held, order, attempt)
            del self._under_way[pk]
            if not attempt.is_success:
                _log.info(
                    "webhook failed",
                    delivery=pk,
                    status=attempt.status,
                    error=attempt.error,
                    state=found.state if found else "",
                )

    def _begin(self, webhook: int, *, is_failing: bool) -> None:
        own = sum(order.webhook == webhook for order, _ in self._under_way.values())
        failing = sum(order.is_failing for order, _ in self._under_way.values())
        room = POSTS_MAX - len(self._under_way)
        if is_failing:
            room = min(room, FAILING_POSTS_MAX - failing)
        room = min(room, (1 if is_failing else PER_WEBHOOK_MAX) - own)
        if room <= 0:
            return
        now = self._clock.now()
        for order in deliveries.orders(webhook, most=room, under_way=self._under_way, now=now):
            self._under_way[order.delivery] = (order, self._pool.submit(self._attempt, order))

    def _attempt(self, order: Order) -> Attempt:
        if not order.keys:
            text = "The secret was sealed with another secret.key: rotate it."
            return Attempt(self._clock.now(), None, text, 0)
        fields = headers(order.message_id, order.body, keys=order.keys, at=self._clock.now())
        return self._poster.post(order.url, order.body, fields, allow_private=order.allow_private)
