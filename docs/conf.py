"""What Sphinx needs to know: `make docs` builds the pages into _build/html, without the network."""

import sys
from pathlib import Path

import fastgd

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS))  # for mathml.py

project = "fastgd"
author = "fastgd developers"
version = release = fastgd.__version__

extensions = ["mathml", "myst_parser", "numpydoc", "sphinx.ext.autodoc", "sphinx.ext.autosummary"]
exclude_patterns = ["_build"]
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3

html_math_renderer = "mathml"
html_theme = "pydata_sphinx_theme"
html_title = f"fastgd {release}"
html_static_path = ["_static"]
html_css_files = ["fastgd.css"]
CHILDLESS = "index tutorial guide study scikit-learn adding-a-backend contributing releasing changelog"
html_sidebars = {page: [] for page in CHILDLESS.split()}  # there is nothing to list
html_copy_source = html_show_sourcelink = False
html_theme_options = {
    "logo": {"text": "fastgd"},
    "navbar_align": "left",
    "header_links_before_dropdown": 8,
    "show_prev_next": True,
    "show_toc_level": 2,
    "footer_start": [],
    "footer_end": [],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}

default_role = "py:obj"  # what stands between single backticks in a docstring is a name
autodoc_typehints = "none"  # the sections of the docstrings say more
autodoc_member_order = "bysource"
numpydoc_show_class_members = False  # autodoc lists them
# What is asked of every public docstring, here and by tests/test_reference.py.
numpydoc_validation_checks = {
    "GL08", "SS01", "SS02", "SS03", "SS04", "SS05",  # a summary that is a sentence
    "PR01", "PR02", "PR03", "PR04", "PR05", "PR06", "PR07", "PR08", "PR09", "PR10",  # all parameters, as they are
    "RT01", "RT02", "RT03", "RT04", "RT05", "YD01",  # what is returned
    "EX01",  # an example
}  # fmt: skip
# But not of what a docstring of a few lines is enough for.
numpydoc_validation_exclude = {
    r"^fastgd(\.[a-z]+)?$",  # modules
    # Their attributes are described, not the arguments.
    r"^fastgd\.(DescentResult|GroupResult|streaming\.StreamResult|files\.model\.Model)$",
    r"\.Compressor\.keeps_digits$",
}


def setup(app):
    """Add the report of the study, whose data are kept, to the pages."""
    app.connect("build-finished", write_study)


def write_study(app, error):
    """Make the page that study.md leads to."""
    if error is None and app.builder.format == "html" and (DOCS / "study.json").exists():
        from fastgd.report import Study

        Study.load(DOCS / "study.json").save(Path(app.outdir) / "study-report.html")
