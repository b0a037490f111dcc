"""Numbers with their nouns, for messages."""


def count(number: int, noun: str) -> str:
    """Return a number with its noun, singular or plural.

    Examples
    --------
    >>> from fastgd.inputs.words import count
    >>> count(1, "core"), count(8, "core")
    ('1 core', '8 cores')
    """
    return f"{number} {noun}{'s' * (number != 1)}"
