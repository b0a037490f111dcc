"""What MyST-NB leaves to do: a notebook to download for each executed page, and pictures in the colours of the page.

A page with `file_format: mystnb` in its front matter is executed when the pages are built. Its notebook has the same
cells without outputs, in plain Markdown. Its pictures are SVG in the style of docs/matplotlibrc, and part of the page;
so are the SVG files of docs/, which commands have drawn in that style.
"""

import os
import re
from html import escape
from pathlib import Path

import nbformat
from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform

import fastgd
from fastgd.report.svg import LEGIBLE, TAG

DOCS = Path(__file__).parent
FOLDERS = ("learn/", "how-to/", "explain/")  # their executed pages are offered as notebooks
# The colours of text and of grids in docs/matplotlibrc, and the variables of the theme that take their place.
COLORS = {"#010203": "var(--pst-color-text-base)", "#040506": "var(--pst-color-border)"}
PIXELS = 4 / 3  # CSS pixels for a point of matplotlib
CONFIGURATION = """c = get_config()
c.InlineBackend.figure_formats = {"svg"}
c.IPKernelApp.log_level = "ERROR"
"""
ROLE = re.compile(r"\{\w+\}`([^`<]+?)(?:\s*<[^`>]+>)?`")
WIDGET = re.compile(r"^:{3}\{widget\}.*?^:{3}\n?", re.MULTILINE | re.DOTALL)
FRAME = re.compile(r"^:{3,}\{\w+\} *(.*)\n(?::\w+:.*\n)*", re.MULTILINE)  # the first lines of a directive
LINK = re.compile(r"(?<!!)\[([^\]]+)\]\((?!https?:)[^)]*\)")


def setup(app):
    """Connect the functions of this module with the steps of a build."""
    app.connect("builder-inited", prepare_kernels)
    app.add_node(Picture, html=(write_picture, None))
    app.add_post_transform(InlinePictures)
    app.connect("html-page-context", offer_notebook)
    app.connect("build-finished", write_notebooks)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def prepare_kernels(app):
    """Let the kernels that execute pages draw SVG in the style of the pages, and time loops, not thread pools."""
    profile = Path(app.doctreedir).resolve() / "ipython" / "profile_default"
    profile.mkdir(parents=True, exist_ok=True)
    (profile / "ipython_kernel_config.py").write_text(CONFIGURATION, encoding="utf-8")
    os.environ["IPYTHONDIR"] = str(profile.parent)
    os.environ.update(MATPLOTLIBRC=str(DOCS / "matplotlibrc"), FASTGD_DOCS=str(DOCS))
    os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")


# ---- pictures


class Picture(nodes.General, nodes.Element):
    """A picture as part of a page."""


class InlinePictures(SphinxPostTransform):
    """Replace the SVG files that executed pages or commands have drawn by their content."""

    default_priority = 5  # after MyST-NB has chosen among the types of an output
    formats = ("html",)

    def run(self, **kwargs):
        """Replace every picture of the page; each has to have a description."""
        for k, image in enumerate(list(self.document.findall(nodes.image))):
            path = (Path(self.app.srcdir) / image["uri"].lstrip("/")).resolve()
            if path.suffix == ".svg":
                if not image.get("alt"):
                    raise ValueError(f"{self.env.docname}: picture {k + 1} needs a description: image: alt: …")
                svg = path.read_text(encoding="utf-8")
                image.replace_self(Picture(svg=inline(svg, f"picture{k + 1}", image["alt"])))


def inline(svg, name, description):
    """Return matplotlib's SVG as a part of a page: with the page's colours, unique ids and a description."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(TAG, lambda tag: clean_tag(tag[0], name), svg)
    opening, rest = svg.split(">", 1)
    points = float(re.search(r'\bwidth="([\d.]+)pt"', opening)[1])
    letters = map(float, re.findall(r"font(?:-size)?: ([\d.]+)px", "".join(re.findall(TAG, svg))))
    least = LEGIBLE / min(letters, default=LEGIBLE)  # CSS pixels for a point, where letters can still be read
    opening = re.sub(r'\s(width|height)="[^"]*"', "", opening)
    style = f"width: {PIXELS * points:.0f}px; min-width: {least * points:.0f}px"
    return f'{opening} role="img" aria-label="{escape(description)}" style="{style}">{rest}'


def clean_tag(tag, name):
    """Return a tag of matplotlib's SVG with the page's colours and a unique id; tooltips of fastgd.plots are no ids."""
    tag = re.sub(r' id="[^"]*\s[^"]*"', "", tag)
    for color, variable in COLORS.items():
        tag = tag.replace(color, variable)
    return re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{name}-", tag)


def write_picture(writer, node):
    """Write a picture; a wide one scrolls on a narrow screen, and the page does not."""
    writer.body.append(f'<div class="picture">{node["svg"]}</div>\n')
    raise nodes.SkipNode


# ---- notebooks


def is_notebook(app, page):
    """Return True if a page is executed, and worth keeping as a notebook."""
    return page.startswith(FOLDERS) and "kernelspec" in app.env.metadata.get(page, {})


def offer_notebook(app, page, template, context, doctree):
    """Tell the page's template the name of its notebook."""
    if is_notebook(app, page):
        context["notebook"] = f"{page.rpartition('/')[2]}.ipynb"


def write_notebooks(app, error):
    """Write a notebook beside each executed page."""
    if error is None and app.builder.format == "html":
        for page in filter(lambda page: is_notebook(app, page), app.env.found_docs):
            found = nbformat.read(Path(app.env.mystnb_config.output_folder) / f"{page}.ipynb", as_version=4)
            nbformat.write(plain_notebook(found), Path(app.outdir) / f"{page}.ipynb")


def plain_notebook(found):
    """Return a notebook without outputs, with the Markdown that every notebook program shows."""
    note = f"*From the documentation of fastgd {fastgd.__version__}. It needs fastgd and matplotlib.*"
    cells = [cell for cell in found.cells if "remove-cell" not in cell.metadata.get("tags", ())]
    for cell in cells:
        if cell.cell_type == "markdown":
            cell.source = plain_markdown(cell.source)
        else:
            cell.update(outputs=[], execution_count=None, metadata={})
    cells.insert(1, nbformat.v4.new_markdown_cell(note))
    return nbformat.v4.new_notebook(
        cells=cells, metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    )


def plain_markdown(text):
    """Return MyST's Markdown without roles, directives, and links to other pages."""
    text = WIDGET.sub("", text)
    text = FRAME.sub(r"**\1**\n\n", text)
    text = re.sub(r"^:{3,}\n?", "", text, flags=re.MULTILINE)
    return LINK.sub(r"\1", ROLE.sub(r"\1", text))
