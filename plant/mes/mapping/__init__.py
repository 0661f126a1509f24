"""How somebody else's tables become documents: which column, which notation, which words.

The mapping itself is a document (`plant.mes.kinds.mapping.ImportMapping`), kept as all of them are.
Here it is applied to rows and to named values, without a file being opened.
"""
