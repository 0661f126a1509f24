"""Ways in for what an MES or ERP knows: files, MQTT messages, a foreign database.

Each turns its own form into the documents of `plant.mes` (files by `plant.mes.file`);
`store.mes` writes them.
"""
