"""Charts as Word's own drawings, so that a reader may open their numbers; python-docx has none."""

from typing import Final
from xml.sax.saxutils import escape

from docx.opc.constants import RELATIONSHIP_TYPE
from docx.opc.packuri import PackURI
from docx.opc.part import Part
from docx.oxml import parse_xml
from docx.shared import Mm
from docx.text.paragraph import Paragraph

from assessment.document import form
from assessment.document.report import Chart

_TYPE: Final = "application/vnd.openxmlformats-officedocument.drawingml.chart+xml"
_CHART: Final = "http://schemas.openxmlformats.org/drawingml/2006/chart"
_MAIN: Final = "http://schemas.openxmlformats.org/drawingml/2006/main"
_RELATIONS: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_WP: Final = "http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing"
_COLOURS: Final = ("7F7F7F", "1F4E79", "C55A11", "548235")
_HEIGHT_MM: Final = 70


def add_chart(paragraph: Paragraph, chart: Chart) -> None:
    """Put a chart into a paragraph, as wide as the text."""
    package = paragraph.part.package
    number = 1 + sum(
        str(part.partname).startswith("/word/charts/") for part in package.iter_parts()
    )
    name = PackURI(f"/word/charts/chart{number}.xml")
    part = Part(name, _TYPE, _xml(chart).encode(), package)
    relation = paragraph.part.relate_to(part, RELATIONSHIP_TYPE.CHART)
    width, height = Mm(form.TEXT_MM - 5), Mm(_HEIGHT_MM)
    words = escape(chart.title, {'"': "&quot;"})
    drawing = (
        f'<w:drawing xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main">'
        f'<wp:inline xmlns:wp="{_WP}" distT="0" distB="0" distL="0" distR="0">'
        f'<wp:extent cx="{width}" cy="{height}"/>'
        f'<wp:docPr id="{number}" name="Biểu đồ {number}" descr="{words}"/>'
        f'<a:graphic xmlns:a="{_MAIN}"><a:graphicData uri="{_CHART}">'
        f'<c:chart xmlns:c="{_CHART}" xmlns:r="{_RELATIONS}" r:id="{relation}"/>'
        f"</a:graphicData></a:graphic></wp:inline></w:drawing>"
    )
    paragraph.add_run()._r.append(parse_xml(drawing))


def _xml(chart: Chart) -> str:
    series = "".join(
        _series(index, name, chart.categories, values)
        for index, (name, values) in enumerate(chart.series)
    )
    title = escape(f"{chart.title} ({chart.unit})" if chart.unit else chart.title)
    return (
        f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
        f'<c:chartSpace xmlns:c="{_CHART}" xmlns:a="{_MAIN}"><c:chart>'
        f"<c:title><c:tx><c:rich><a:bodyPr/><a:p><a:r>"
        f'<a:rPr lang="vi-VN" sz="1200" b="1"><a:latin typeface="{form.FONT}"/></a:rPr>'
        f'<a:t>{title}</a:t></a:r></a:p></c:rich></c:tx><c:overlay val="0"/></c:title>'
        f'<c:autoTitleDeleted val="0"/><c:plotArea><c:layout/><c:barChart>'
        f'<c:barDir val="col"/><c:grouping val="clustered"/><c:varyColors val="0"/>{series}'
        f'<c:gapWidth val="80"/><c:axId val="1"/><c:axId val="2"/></c:barChart>'
        f'<c:catAx><c:axId val="1"/><c:scaling/><c:delete val="0"/><c:axPos val="b"/>'
        f'<c:crossAx val="2"/></c:catAx><c:valAx><c:axId val="2"/>'
        f'<c:scaling><c:min val="0"/></c:scaling><c:delete val="0"/><c:axPos val="l"/>'
        f'<c:majorGridlines/><c:numFmt formatCode="0" sourceLinked="0"/>'
        f'<c:majorTickMark val="out"/><c:minorTickMark val="none"/>'
        f'<c:crossAx val="1"/></c:valAx></c:plotArea>'
        f'<c:legend><c:legendPos val="b"/></c:legend><c:plotVisOnly val="1"/>'
        f'<c:dispBlanksAs val="gap"/></c:chart>'
        f'<c:txPr><a:bodyPr/><a:p><a:pPr><a:defRPr sz="1100"><a:latin typeface="{form.FONT}"/>'
        f'</a:defRPr></a:pPr><a:endParaRPr lang="vi-VN"/></a:p></c:txPr></c:chartSpace>'
    )


def _series(
    index: int, name: str, categories: tuple[str, ...], values: tuple[float | None, ...]
) -> str:
    words = "".join(
        f'<c:pt idx="{at}"><c:v>{escape(one)}</c:v></c:pt>' for at, one in enumerate(categories)
    )
    numbers = "".join(
        f'<c:pt idx="{at}"><c:v>{value!r}</c:v></c:pt>'
        for at, value in enumerate(values)
        if value is not None
    )
    colour = _COLOURS[index % len(_COLOURS)]
    count = f'<c:ptCount val="{len(categories)}"/>'
    return (
        f'<c:ser><c:idx val="{index}"/><c:order val="{index}"/>'
        f"<c:tx><c:v>{escape(name)}</c:v></c:tx>"
        f'<c:spPr><a:solidFill><a:srgbClr val="{colour}"/></a:solidFill></c:spPr>'
        f'<c:invertIfNegative val="0"/>'
        f'<c:dLbls><c:numFmt formatCode="0.0" sourceLinked="0"/><c:showLegendKey val="0"/>'
        f'<c:showVal val="1"/><c:showCatName val="0"/><c:showSerName val="0"/>'
        f'<c:showPercent val="0"/><c:showBubbleSize val="0"/></c:dLbls>'
        f"<c:cat><c:strLit>{count}{words}</c:strLit></c:cat>"
        f"<c:val><c:numLit>{count}{numbers}</c:numLit></c:val></c:ser>"
    )
