"""/notifications: the log of deliveries, and another try."""

import pytest

from iotops.store import notices

PATH = "/api/v1/notifications"


@pytest.fixture
def told(database, machine):
    """Raise an incident and put it into a message to a channel; returns the message."""

    def tell(channel="desk", **facts):
        machine.fires(**facts)
        with database.begin() as unit, notices.gathering(unit) as messages:
            for each in notices.take(unit, 10):
                messages.add("all", channel, each, notices.Times(1_000, 1_000, lambda _: True))
        with database.read() as unit:
            return notices.page(unit, limit=1)[0]

    return tell


def test_what_was_told_is_listed_and_can_be_told_again(client, database, told):
    """State, attempts and reason of each; redeliver makes a failed one pending under the same key, once per key."""
    first, second = told(device="fz-1"), told("pager", device="fz-2")
    with database.begin() as unit:
        notices.claim(unit, 2_000, set())
        notices.settle(unit, first.id, 3_000, error="the webhook answered 500")
        notices.settle(unit, second.id, 3_000)

    (failed,) = client.get(f"{PATH}?state=failed").json()["items"]
    page = client.get(f"{PATH}?limit=1").json()
    rest = client.get(f"{PATH}?limit=1&cursor={page['next_cursor']}").json()
    again = client.post(f"{PATH}/{failed['id']}/redeliver", {})

    assert (failed["error"], failed["attempts"], failed["channel"]) == ("the webhook answered 500", 1, "desk")
    assert [(each["event"], each["incident"]) for each in failed["events"]] == [("raised", "INC-000001")]
    assert [each["id"] for each in page["items"] + rest["items"]] == [second.id, first.id]
    assert (again.status_code, again.json()["state"], again.json()["key"]) == (200, "pending", failed["key"])
    assert client.get(f"{PATH}/99").status_code == 404


def test_what_is_being_sent_cannot_be_sent_again(client, database, told):
    """409, until it is known how that went."""
    found = told()
    with database.begin() as unit:
        notices.claim(unit, 2_000, set())

    answer = client.post(f"{PATH}/{found.id}/redeliver", {})

    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")


def test_a_token_sees_its_site_and_a_viewer_only_looks(client, token, told):
    """What speaks of another site, or of several, is not there for a token of one."""
    paris, rome = told(device="fz-1"), told(site="rome")
    client.token = token("operator", site="paris")

    assert [each["id"] for each in client.get(PATH).json()["items"]] == [paris.id]
    assert client.get(f"{PATH}/{rome.id}").status_code == 404
    assert client.post(f"{PATH}/{rome.id}/redeliver", {}).status_code == 404
    client.token = token("viewer")
    assert client.post(f"{PATH}/{paris.id}/redeliver", {}).status_code == 403
