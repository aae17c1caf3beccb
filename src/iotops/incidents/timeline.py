"""What happened to an incident, one entry after the other, and the hash that chains them."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from iotops.incidents.incident import Actor

ENTRY_TYPES: Mapping[str, str] = {
    "raised": "the incident came into being; `alert` and `event_at` where a rule raised it",
    "acknowledged": "somebody has seen it and takes it on",
    "assigned": "owner or team changed: `assignee`, `team`, and whom it was taken from",
    "held": "work waits for something: `reason`, `until`",
    "resumed": "work goes on; `reason` where the hold ended by itself",
    "resolved": "`code`, `cause`, `verdict`, `auto`; `event_at` where the alerts' data said so",
    "reopened": "`reason`: why it is not over; `alert` where a new episode began",
    "cancelled": "it was no incident: `reason`, `duplicate_of`",
    "closed": "the end; nothing changes any more",
    "commented": "a note by a person: `visibility` internal or public, the text beside it",
    "edited": "a person changed fields: field -> `from`, `to`",
    "severity_changed": "`from`, `to`, and the `priority` that follows, with `priority_before`",
    "priority_changed": "the scope grew: `from`, `to`, how many devices are affected, `because`",
    "merged": "another incident tells its story now: `into`, `reason`",
    "absorbed": "another incident was merged into this one: `incident`",
    "given_back": "an incident that was merged into this one is one of its own again: `incident`",
    "split": "it is an incident of its own again: `from` which one it was taken",
    "cause_marked": "somebody holds a change for the cause: `change`, its `title`",
    "escalated": "resolved twice and still firing: one step more pressing, `from`, `to`",
    "evidence_contradicted": "a sample that came late says that an attached alert would not have fired; it stays open",
    "data_unknown": "data of an attached alert stopped; until it returns nothing resolves by itself",
    "data_known": "data of all attached alerts is back",
    "cleared": "every attached alert is clear; resolves by itself if that lasts",
    "promised": "what clocks run against: `policy`, and the supplier's `supplier_policy`; `edition` of each",
    "sla_near": "the share of the time that counts as near was used up: `clock`, `due_at`",
    "sla_breached": "the time was used up: `clock`, `due_at`, `policy`",
    "suppressed": "a rule's `unless` holds: the cause is known elsewhere, see `by`",
    "unsuppressed": "that cause is over",
    "suppression_began": "one applies: `suppression`, `kind`, `reason`; `effect`: held notices, or no incident",
    "suppression_ended": "that is over: `suppression`; `effect`: notices sent, or incident raised",
    "flapping": "`flapping` true: it came and went too often, so quiet has to last before it resolves",
    "recurring": "the same came `count` times within 30 days, first at `first_at`: a problem is proposed",
    "problem_linked": "the cause behind it is looked for, or known: `problem`, its `state`, the workaround beside it",
    "problem_unlinked": "`problem` is not behind it",
    "problem_changed": "work on the problem behind it: `problem`, what somebody `did`, its `state` then",
}
"""Every type an entry may have, and what it says."""

GENESIS = "0" * 64
"""What the first entry of a chain names as its predecessor."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened.

    `data` is JSON-able and lasts for ever; `text` is what people wrote: kept beside the chain, which covers
    only its digest, so that personal text can be erased later.
    """

    type: str
    at_ms: int
    actor: Actor
    data: Mapping[str, Any] = field(default_factory=dict)
    text: str | None = None


def text_digest(text: str | None) -> str:
    """Return the SHA-256 of a text in hex, empty where there is none."""
    return "" if text is None else hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def link_hash(previous: str, seq: int, incident_id: int, entry: Entry, digest: str) -> str:
    """Return the hash that ties an entry to its predecessor.

    SHA-256 over a JSON array in one canonical spelling (keys sorted, no spaces, ASCII), so that it can be
    computed again anywhere from what the database holds. `digest` stands for the text, which may be gone.
    """
    parts = [previous, seq, incident_id, entry.at_ms, entry.actor.kind, entry.actor.id, entry.type, entry.data, digest]
    canonical = json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()
