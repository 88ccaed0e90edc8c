"""The marketplace and its own gateway understand each other, over a real socket."""

import threading
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from gateway.app import create_app
from marketplace.live import services
from marketplace.live.explore import Target

PRODUCT = Path(__file__).resolve().parents[2] / "demo" / "climate-quantum" / "air-quality" / "nyc-air-quality"


@pytest.fixture(scope="module")
def gateway_url():
    config = uvicorn.Config(create_app(PRODUCT), host="127.0.0.1", port=0, log_level="warning")
    running = uvicorn.Server(config)
    socket = config.bind_socket()
    thread = threading.Thread(target=running.run, kwargs={"sockets": [socket]}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{socket.getsockname()[1]}/discover"
    running.should_exit = True
    thread.join(5)


def test_the_air_quality_of_new_york_is_seen_live_whole(gateway_url: str, wait_for: Any):
    wait_for(lambda: _refresh(gateway_url).index.view)
    live = services.look(1, ask=False)
    assert {part.name.partition(":")[0]: part.state for part in live.parts} == dict.fromkeys(
        ("index", "metadata", "artifacts", "contracts", "contract", "health", "metrics"), "live"
    )
    assert live.metadata.view.standard == "ODPS v1.1.0"
    artifact = next(a for a in live.artifacts.view.artifacts if a.kind == "table")
    part = live.contract_of(artifact)
    assert part is not None
    contract = part.view
    assert contract.standard == "ODCS v3.2.0"
    columns = {column.name: column for column in contract.schemas[0].columns}
    assert set(columns) >= {"UniqueID", "IndicatorID", "Name", "Measure", "DataValue", "Message"}
    assert {option.name: option.value for option in columns["DataValue"].options} == {"minimum": "0", "maximum": "500"}
    assert "500" in " ".join(rule.description for rule in columns["DataValue"].quality)
    assert {option.name: option.value for option in columns["UniqueID"].options} == {"minimum": "100000"}
    assert "null values must be 0" in [rule.text for rule in columns["UniqueID"].quality]
    services.refresh_sample(1, artifact.id)
    sample = services.look_artifact(1, artifact.id, ask=False).sample
    assert sample.state == "live"
    assert "DataValue" in sample.view.columns
    assert len(sample.view.rows[0]) == len(sample.view.columns)


def _refresh(url: str) -> Any:
    services.refresh(Target(1, "urn:dp:air-quality:nyc-air-quality", (("discovery", url),)))
    return services.look(1, ask=False)
