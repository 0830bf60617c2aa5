"""`POST /v1/messages` over its real interface."""

from tests.system import System


async def test_a_message_opens_a_ticket(system: System, workspace_id: str) -> None:
    http = await system.http("intake", workspace_id)
    answer = await http.post(
        "/v1/messages",
        json={"channel": "api", "external_id": "m-1", "from": {"email": "ada@example.org"}, "text": "Help"},
    )
    assert answer.status_code == 201, answer.text
    receipt = answer.json()
    assert receipt["disposition"] == "opened"
    again = await http.post(
        "/v1/messages",
        json={"channel": "api", "external_id": "m-1", "from": {"email": "ada@example.org"}, "text": "Help"},
    )
    assert again.status_code == 200
    assert again.json() == {**receipt, "disposition": "duplicate"}
