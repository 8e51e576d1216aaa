"""The Node-RED flow imports as it is: nodes of every Node-RED, wires that lead somewhere, our topics."""

import json
from pathlib import Path
from typing import Any, Final

FLOW: Final[list[dict[str, Any]]] = json.loads(
    (Path(__file__).parents[2] / "docs" / "tools" / "node-red.json").read_text("utf-8")
)
NODES: Final = {node["id"]: node for node in FLOW}
IN_EVERY_NODE_RED: Final = {"tab", "mqtt-broker", "mqtt in", "function", "debug"}


def test_the_flow_is_made_of_nodes_that_every_node_red_has() -> None:
    assert {node["type"] for node in FLOW} == IN_EVERY_NODE_RED
    assert len(NODES) == len(FLOW)


def test_every_wire_leads_to_a_node_on_the_same_tab() -> None:
    for node in FLOW:
        for wires in node.get("wires", ()):
            assert {NODES[to]["z"] for to in wires} <= {node["z"]}
        if node["type"] == "function":
            assert len(node["wires"]) == node["outputs"]


def test_the_flow_only_listens_and_only_to_what_is_for_everyone() -> None:
    listening = [node for node in FLOW if node["type"] == "mqtt in"]
    assert [node["topic"] for node in listening] == ["wxvend/v1/+/state/#"]
    assert all(node["broker"] in NODES for node in listening)
    assert NODES[listening[0]["broker"]]["protocolVersion"] == "5"
