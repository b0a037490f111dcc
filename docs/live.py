"""Pages that fastgd makes, beside those of Sphinx: the report of the kept study, and the live widget in a frame."""

from pathlib import Path

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from fastgd.report import Study
from fastgd.report.widget import standalone

DOCS = Path(__file__).parent
# The widget tells its height to the page around it.
FRAME = """<iframe class="widget" src="{address}" title="Gradient descent on two weights, with sliders">
</iframe>
<p><a href="{address}">Open the widget on a page of its own</a></p>
<script>
addEventListener("message", (event) => {{
  const frame = document.querySelector("iframe.widget"), height = event.data.fastgdHeight;
  if (event.source === frame.contentWindow && height) frame.style.height = `${{height}}px`;
}});
</script>
"""


def setup(app):
    """Register the directive, and add the pages when a build has ended."""
    app.add_directive("widget", Widget)
    app.connect("build-finished", write_pages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


class Widget(SphinxDirective):
    """The live widget in a frame; the content of the directive stands above it."""

    has_content = True

    def run(self):
        """Return the content and the frame."""
        address = "../" * self.env.docname.count("/") + "widget.html"
        return [*self.parse_content_to_nodes(), nodes.raw("", FRAME.format(address=address), format="html")]


def write_pages(app, error):
    """Write the pages that study.md and the directive lead to."""
    if error is None and app.builder.format == "html":
        Study.load(DOCS / "study.json").save(Path(app.outdir) / "study-report.html")
        (Path(app.outdir) / "widget.html").write_text(standalone(), encoding="utf-8")
