"""A service map with more nodes than a screen has room for: what stands alike on many sites, as one node. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

ROOM = 40
"""So many nodes are looked at one by one."""

Node = Mapping[str, Any]
Edges = Sequence[tuple[str, str]]


def gathered(nodes: Sequence[Node], edges: Edges) -> tuple[list[Node], list[tuple[str, str]]]:
    """Return nodes and edges as they are where there is room; else groups of a service, and gateways, as one each.

    The one that stands for many has `sites`, how many it stands for; its id is `group:SERVICE` or `device:`.
    """
    if len(nodes) <= ROOM:
        return list(nodes), list(edges)
    members: dict[str, list[Node]] = defaultdict(list)
    for node in nodes:
        members[_home(node["id"])].append(node)
    found = [each[0] if _is_itself(home, each) else _one(home, each) for home, each in members.items()]
    name_of = {node["id"]: shown["id"] for shown, each in zip(found, members.values(), strict=True) for node in each}
    among = {(name_of[high], name_of[low]): None for high, low in edges}
    return found, [edge for edge in among if edge[0] != edge[1]]


def _home(node_id: str) -> str:
    kind, _, rest = node_id.partition(":")
    if kind == "group":
        return f"group:{rest.partition('@')[0]}"
    return "device:" if kind == "device" else node_id


def _is_itself(home: str, members: Sequence[Node]) -> bool:
    return home == members[0]["id"] or len(members) == 1


def _one(home: str, members: Sequence[Node]) -> Node:
    kind = members[0]["kind"]
    devices = _sum(each["devices"] for each in members)
    if kind == "device":
        devices = Counter(each["health"] for each in members)
    return {
        **members[0],
        "id": home,
        "name": "Gateways" if kind == "device" else None,
        "health": _health([each["health"] for each in members]),
        "open": _sum(each["open"] for each in members),
        "devices": devices,
        "sites": len(members),
    }


def _sum(counts: Iterable[Mapping[str, int]]) -> Counter[str]:
    total = Counter[str]()
    for each in counts:
        total.update(each)
    return total


def _health(words: Sequence[str]) -> str:
    """Return what they all are, else degraded where one of them is not well, else ok."""
    if len(set(words)) == 1:
        return words[0]
    return "degraded" if {"alert", "unknown", "degraded"} & set(words) else "ok"
