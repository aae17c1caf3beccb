"""Another try for dead letters: their messages are published again, on their topics, in the order they came."""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TypedDict

from iotops.broker.visit import Visit
from iotops.clock import now_ms
from iotops.errors import BrokerError
from iotops.settings import BrokerSettings
from iotops.store import dead_letters
from iotops.store.database import Database
from iotops.store.dead_letters import KeptLetter

_AT_ONCE = 50  # letters between two marks: what is sent twice at most where we die in between; 13 MB at their longest


class Redriven(TypedDict):
    """How many letters were sent (or would be, on a dry run), and how many cannot be."""

    sent: int
    skipped: int
    dry_run: bool


def redrive(
    database: Database, broker: BrokerSettings, reasons: Sequence[str], *, dry_run: bool, batches: int | None = None
) -> Redriven:
    """Publish every dead letter of these reasons (none: all) that was not redriven yet, at QoS 1, not retained.

    `batches` bounds how much is done at once: so many times 50 letters, the oldest; None: all.

    A letter is marked once the broker has taken it. Skipped are messages too long to have been kept, and retained ones:
    the broker still has those, and an old state must not be told as news.

    Raises:
        BrokerError: the broker cannot be reached, or does not take a message; what was marked until then was sent.
    """
    sent = skipped = 0
    for letters in islice(_batches(database, reasons), batches):
        ready = [letter for letter in letters if letter.message is not None and not letter.message.retain]
        skipped += len(letters) - len(ready)
        sent += len(ready)
        if ready and not dry_run:
            _send(database, broker, ready)
    return Redriven(sent=sent, skipped=skipped, dry_run=dry_run)


def _batches(database: Database, reasons: Sequence[str]) -> Iterator[list[KeptLetter]]:
    """Yield what is waiting now; letters that this very redrive brings back have higher ids and are left out."""
    with database.read() as unit:
        newest = dead_letters.page(unit, limit=1)
    after = 0
    while newest:
        with database.read() as unit:
            letters = dead_letters.waiting(unit, reasons=reasons, after=after, up_to=newest[0].id, limit=_AT_ONCE)
        if not letters:
            return
        yield letters
        after = letters[-1].id


def _send(database: Database, broker: BrokerSettings, letters: Sequence[KeptLetter]) -> None:
    with Visit(broker, "redrive") as visit:
        refusals = visit.publish([(each.topic, each.message.payload) for each in letters if each.message is not None])
    taken = [letter.id for letter, refusal in zip(letters, refusals, strict=True) if not refusal]
    with database.begin() as unit:
        dead_letters.mark_redriven(unit, taken, now_ms())
    for letter, refusal in zip(letters, refusals, strict=True):
        if refusal:
            msg = (
                f"dead letter {letter.id}: the broker does not take it on {letter.topic}: {refusal}; let our user "
                "write there, or come as another one with IOTOPS_BROKER__URL"
            )
            raise BrokerError(msg)
