"""Ways in for what an MES or ERP knows: tables, B2MML, MQTT messages, a foreign database.

Each reads its own form into the documents of `plant.mes`; `store.mes` writes them.
"""
