"""Notices as stored: what is to be told, the messages made of it, and how their delivery went."""

from iotops.store.notices.backlog import Backlog, backlog
from iotops.store.notices.gathering import Gathering, Times, gathering
from iotops.store.notices.messages import Notice, claim, get, page, redeliver, settle, take_back
from iotops.store.notices.outbox import Told, forget_reminder, remind_at, reminders, take

__all__ = [
    "Backlog",
    "Gathering",
    "Notice",
    "Times",
    "Told",
    "backlog",
    "claim",
    "forget_reminder",
    "gathering",
    "get",
    "page",
    "redeliver",
    "remind_at",
    "reminders",
    "settle",
    "take",
    "take_back",
]
