"""The settings of any source; `driver` says which, and only that driver's are imported."""

from typing import TYPE_CHECKING, Annotated

from pydantic import BeforeValidator, SerializeAsAny
from pydantic_core import PydanticCustomError

from edge_agent.drivers.tag import DRIVERS, SourceSettings

if TYPE_CHECKING:
    from edge_agent.drivers.csv.settings import CsvSettings
    from edge_agent.drivers.modbus.settings import ModbusSettings
    from edge_agent.drivers.mqtt.settings import MqttSettings
    from edge_agent.drivers.mtconnect.settings import MtConnectSettings
    from edge_agent.drivers.opcua.settings import OpcUaSettings
    from edge_agent.drivers.s7.settings import S7Settings
    from edge_agent.drivers.slmp.settings import SlmpSettings

    AnySource = (
        OpcUaSettings
        | ModbusSettings
        | MtConnectSettings
        | MqttSettings
        | S7Settings
        | SlmpSettings
        | CsvSettings
    )
else:

    def _by_its_driver(given: object) -> SourceSettings:
        """Return what a source's driver makes of its settings; a small gateway has one driver."""
        if isinstance(given, SourceSettings):
            return given
        chosen = SourceSettings.chosen_by(given)
        if chosen is SourceSettings:
            raise PydanticCustomError(
                "driver_unknown", "driver has to be one of {known}", {"known": ", ".join(DRIVERS)}
            )
        return chosen.model_validate(given)

    AnySource = Annotated[SerializeAsAny[SourceSettings], BeforeValidator(_by_its_driver)]
