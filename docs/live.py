"""Pages that fastgd makes, beside those of Sphinx: those of the kept study, and the live widget in a frame."""

from copy import deepcopy
from pathlib import Path

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from fastgd.report import Study
from fastgd.report.compare import compare_studies
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
# A page in a frame has its way back around it.
BACK = """<nav class="back" aria-label="Documentation" style="padding: 0 1rem">
<p><a href="{address}">Back to the documentation</a></p></nav>
<script>if (parent !== window) document.querySelector("nav.back").remove();</script>
"""
SLOWER = 3  # times as long NumPy takes in the made-up study of the sample of a comparison: beyond any drift


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
        found, folder = Study.load(DOCS / "study.json"), Path(app.outdir)
        compared, _ = compare_studies(found.data, make_up(found.data), "study.json", "made-up.json")
        found.save_slides(folder / "study-slides.html")
        for name, text, back in (
            ("study-report.html", found.to_html(), "study.html"),
            ("study-compare.html", compared, "study.html"),
            ("widget.html", standalone(), "learn/2-downhill.html"),
        ):
            before, main, after = text.partition("<main")
            (folder / name).write_text(before + BACK.format(address=back) + main + after, encoding="utf-8")


def make_up(data):
    """Return a copy of a study in which NumPy takes longer; its machine says that nobody has measured it."""
    data = deepcopy(data)
    data["machine"]["cpu"] = f"made up: study.json with NumPy's times × {SLOWER}"
    for section in ("ladder", "map"):
        for entry in data[section]["shapes"]:
            for one in (one for name, one in entry["contestants"].items() if name.startswith("numpy")):
                one["seconds"] *= SLOWER
                one.update({ends: [SLOWER * end for end in one[ends]] for ends in ("quartiles", "extremes")})
    return data
