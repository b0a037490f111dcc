"""Formulas as MathML, written when the pages are built: browsers show it without a script or a font from elsewhere."""

from html import escape

from docutils.nodes import SkipNode
from latex2mathml.converter import convert
from sphinx.util.logging import getLogger

NAME = "mathml"
LEFT_OVER = ("<mi>\\", "<mi>&</mi>")  # a command or an alignment that the converter does not know


def setup(app):
    """Register the renderer that `html_math_renderer` in conf.py names."""
    app.add_html_math_renderer(NAME, inline_renderers=(write_inline, None), block_renderers=(write_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def write_inline(writer, node):
    """Write a formula in a line of text."""
    writer.body.append(make_mathml(node, "inline"))
    raise SkipNode


def write_block(writer, node):
    """Write a formula that stands alone; a long one scrolls, and the page does not."""
    writer.body.append(f'<div class="formula">{make_mathml(node, "block")}</div>\n')
    raise SkipNode


def make_mathml(node, display):
    """Return a formula in MathML, with its source as a title; a warning says what was not understood."""
    source = node.astext().strip()
    formula = convert(source.replace("{aligned}", "{split}"), display=display)
    if any(mark in formula for mark in LEFT_OVER):
        getLogger(__name__).warning("a formula with what latex2mathml does not know: %s", source, location=node)
    return formula.replace("<math ", f'<math title="{escape(source)}" ', 1)
