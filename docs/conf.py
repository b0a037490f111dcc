"""What Sphinx needs to know: `make docs` builds the pages into _build/html, without the network."""

import sys
import tomllib
from pathlib import Path

import fastgd

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS))  # for commands.py, live.py, mathml.py and notebooks.py
LINKS = tomllib.loads((DOCS.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]["urls"]

project = "fastgd"
author = "fastgd developers"
version = release = fastgd.__version__

extensions = ["commands", "live", "mathml", "notebooks", "myst_nb", "numpydoc", "sphinx_copybutton", "sphinx_design"]
extensions += ["sphinx.ext.autodoc", "sphinx.ext.autosummary"]
exclude_patterns = ["_build"]
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3

# Pages with `file_format: mystnb` are executed, each in a folder of its own; an error is a warning with its traceback.
nb_execution_mode = "force"
nb_execution_in_temp = True
nb_execution_show_tb = True
nb_execution_timeout = 120
nb_output_stderr = "error"  # a page shows its warnings by catching them
nb_merge_streams = True
nb_code_prompt_show, nb_code_prompt_hide = "Show the code", "Hide the code"
nb_ipywidgets_js = {}  # nothing from the network
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
copybutton_selector = "div:not(.output) > div.highlight:not(.highlight-text *) > pre"

smartquotes = False  # messages and options look as they are printed and typed
html_math_renderer = "mathml"
html_theme = "pydata_sphinx_theme"
html_title = f"fastgd {release}"
html_static_path = ["_static"]
templates_path = ["_templates"]
html_css_files = ["fastgd.css"]
html_js_files = ["keyboard.js"]
html_sidebars = {"index": []}  # its cards are the list
html_context = {
    "default_mode": "auto",  # light or dark, as the system has it
    "project_links": [
        ("Source", LINKS["Source"]),
        ("Issues", LINKS["Issues"]),
        ("Licence: BSD-3-Clause", f"{LINKS['Source']}/blob/main/LICENSE"),
        ("Cite fastgd", f"{LINKS['Source']}/blob/main/CITATION.cff"),
    ],
}
html_copy_source = html_show_sourcelink = False
html_theme_options = {
    "logo": {"text": "fastgd"},
    "navbar_align": "left",
    "navbar_persistent": ["search-button"],  # the wide one shows other words than it tells a screen reader
    "header_links_before_dropdown": 8,
    "show_prev_next": True,
    "show_toc_level": 2,
    "show_nav_level": 2,
    "icon_links": [
        {"name": "Source", "url": LINKS["Source"], "icon": "fa-solid fa-code"},
        {"name": "Issues", "url": LINKS["Issues"], "icon": "fa-solid fa-circle-exclamation"},
    ],
    "article_header_end": ["notebook.html"],
    "footer_start": ["links.html"],
    "footer_end": [],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}


def setup(app):
    """Show the default of a field of a dataclass, a new dict, as it is written in Python."""
    app.connect("autodoc-process-signature", show_dicts)


def show_dicts(app, kind, name, value, options, signature, returned):
    """Return the signature of an object with {} where Python shows <factory>."""
    return signature and signature.replace("<factory>", "{}"), returned


default_role = "py:obj"  # what stands between single backticks in a docstring is a name
autodoc_typehints = "none"  # the sections of the docstrings say more
autodoc_preserve_defaults = True  # as they stand in the source
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
    r"^fastgd\.(DescentResult|GroupResult|streaming\.StreamResult|files\.model\.Model|backends\.sparse\.CSR)$",
    r"\.Compressor\.keeps_digits$",
}
