"""Of what alone figures are asked: an order, a product, a lot."""

from typing import Annotated

from fastapi import Depends, Query

from store.reading.kpi import Chosen

_TEXT = r"^[^\x00]*$"


async def _chosen(
    order: Annotated[
        str | None, Query(max_length=200, pattern=_TEXT, description="Of this order alone.")
    ] = None,
    product: Annotated[
        str | None, Query(max_length=200, pattern=_TEXT, description="Of this product alone.")
    ] = None,
    lot: Annotated[
        str | None, Query(max_length=200, pattern=_TEXT, description="Of this lot alone.")
    ] = None,
) -> Chosen:
    return Chosen(order, product, lot)


ChosenDep = Annotated[Chosen, Depends(_chosen)]
