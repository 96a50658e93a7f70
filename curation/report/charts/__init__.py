"""The chart kit of all pages: charts as data, and `draw`, which makes SVG of them."""

from curation.report.charts.drawing import Axes, Bar, Bars, Chart, Heatmap, Lines, Span, Spans, draw

__all__ = ["Axes", "Bar", "Bars", "Chart", "Heatmap", "Lines", "Span", "Spans", "draw"]
