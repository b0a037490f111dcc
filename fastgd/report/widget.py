"""The live widget as a page of its own: gradient descent on two weights, to play with, without a network."""

from fastgd.inputs.extras import explain_lack, is_installed
from fastgd.report.filling import fill_template


def standalone() -> str:
    """Return a page with the widget alone, as HTML; it loads nothing and works offline.

    The widget runs gradient descent in JavaScript on a problem with two weights, and draws the path over the contours
    of J beside the cost of every epoch. In a frame the page follows the frame's width, and posts its height to the page
    around it as the message ``{"fastgdHeight": pixels}`` whenever the height changes.

    Returns
    -------
    str
        The page.

    Raises
    ------
    ImportError
        If Jinja2 is not installed.

    Examples
    --------
    >>> from fastgd.report.widget import standalone
    >>> page = standalone()
    >>> page.splitlines()[0], page.count("<svg"), "src=" in page
    ('<!DOCTYPE html>', 2, False)
    """
    if not is_installed("jinja2"):
        raise ImportError(explain_lack("the widget's page needs Jinja2", "jinja2"))
    return fill_template("widget_page.html")
