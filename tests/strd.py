"""The linear least squares problems of NIST's Statistical Reference Datasets (StRD), with their certified solutions.

PUBLISHED holds the numbers digit by digit, as in NIST's files (a work of the US government), which are named after the
problems: https://www.itl.nist.gov/div898/strd/lls/data/LINKS/DATA/Norris.dat and so on. The file of a polynomial
problem holds x alone: exact() forms the powers of x, in rational arithmetic.

PROBLEMS holds the same data, with each number and each power rounded once to the nearest float64. Rounding changes
nothing if all data are integers (NoInt1, NoInt2, Wampler1, 3, 4, 5). Otherwise the rounded data have a slightly
different least squares solution, and no method that starts from them can be expected to reach a higher LRE than that
solution: 14.1 for Norris, 13.5 for Pontius, 14.6 for Longley, 13.2 for Wampler2, and 7.7 for Filip, which loses its
digits in the powers (test_strd.py computes these figures).
"""

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

import numpy as np

WAMPLER = "Wampler 1970, Journal of the American Statistical Association 65:549"


@dataclass(frozen=True, eq=False)
class Certified:
    """A problem and its certified solution. X has no column of ones; weights are [intercept, coef...] or [coef...]."""

    X: np.ndarray
    y: np.ndarray
    fit_intercept: bool
    weights: np.ndarray
    residual_sum_of_squares: float


class Published(NamedTuple):
    """The decimals of one file of NIST; each row holds y and then the columns of x."""

    source: str
    weights: str
    residual_sum_of_squares: str
    rows: list[list[str]]
    degree: int = 1
    fit_intercept: bool = True


def table(text):
    """Return the rows of a table whose rows are separated by commas."""
    return [row.split() for row in text.split(",")]


def counted(text):
    """Return the rows of a table of y alone, with x = 0, 1, 2, …"""
    return [[y, str(x)] for x, y in enumerate(text.split())]


PUBLISHED = {
    "Norris": Published(
        source="Norris, NIST, calibration of ozone monitors",
        weights="-0.262323073774029 1.00211681802045",
        residual_sum_of_squares="26.6173985294224",
        rows=table("""
            0.1 0.2, 338.8 337.4, 118.1 118.2, 888.0 884.6, 9.2 10.1, 228.1 226.5, 668.5 666.3, 998.5 996.3,
            449.1 448.6, 778.9 777.0, 559.2 558.2, 0.3 0.4, 0.1 0.6, 778.1 775.5, 668.8 666.9, 339.3 338.0,
            448.9 447.5, 10.8 11.6, 557.7 556.0, 228.3 228.1, 998.0 995.8, 888.8 887.6, 119.6 120.2, 0.3 0.3, 0.6 0.3,
            557.6 556.8, 339.3 339.1, 888.0 887.2, 998.5 999.0, 778.9 779.0, 10.2 11.1, 117.6 118.3, 228.9 229.2,
            668.4 669.1, 449.2 448.9, 0.2 0.5
        """),
    ),
    "Pontius": Published(
        source="Pontius, NIST, load cell calibration",
        degree=2,
        weights="0.673565789473684E-03 0.732059160401003E-06 -0.316081871345029E-14",
        residual_sum_of_squares="0.155761768796992E-05",
        rows=table("""
            .11019 150000, .21956 300000, .32949 450000, .43899 600000, .54803 750000, .65694 900000, .76562 1050000,
            .87487 1200000, .98292 1350000, 1.09146 1500000, 1.20001 1650000, 1.30822 1800000, 1.41599 1950000,
            1.52399 2100000, 1.63194 2250000, 1.73947 2400000, 1.84646 2550000, 1.95392 2700000, 2.06128 2850000,
            2.16844 3000000, .11052 150000, .22018 300000, .32939 450000, .43886 600000, .54798 750000, .65739 900000,
            .76596 1050000, .87474 1200000, .98300 1350000, 1.09150 1500000, 1.20004 1650000, 1.30818 1800000,
            1.41613 1950000, 1.52408 2100000, 1.63159 2250000, 1.73965 2400000, 1.84696 2550000, 1.95445 2700000,
            2.06177 2850000, 2.16829 3000000
        """),
    ),
    "NoInt1": Published(
        source="Eberhardt, NIST",
        fit_intercept=False,
        weights="2.07438016528926",
        residual_sum_of_squares="127.272727272727",
        rows=table("130 60, 131 61, 132 62, 133 63, 134 64, 135 65, 136 66, 137 67, 138 68, 139 69, 140 70"),
    ),
    "NoInt2": Published(
        source="Eberhardt, NIST",
        fit_intercept=False,
        weights="0.727272727272727",
        residual_sum_of_squares="0.272727272727273",
        rows=table("3 4, 4 5, 4 6"),
    ),
    "Longley": Published(
        source="Longley 1967, Journal of the American Statistical Association 62:819",
        weights="""
            -3482258.63459582 15.0618722713733 -0.358191792925910E-01 -2.02022980381683 -1.03322686717359
            -0.511041056535807E-01 1829.15146461355
        """,
        residual_sum_of_squares="836424.055505915",
        rows=table("""
            60323 83.0 234289 2356 1590 107608 1947,
            61122 88.5 259426 2325 1456 108632 1948,
            60171 88.2 258054 3682 1616 109773 1949,
            61187 89.5 284599 3351 1650 110929 1950,
            63221 96.2 328975 2099 3099 112075 1951,
            63639 98.1 346999 1932 3594 113270 1952,
            64989 99.0 365385 1870 3547 115094 1953,
            63761 100.0 363112 3578 3350 116219 1954,
            66019 101.2 397469 2904 3048 117388 1955,
            67857 104.6 419180 2822 2857 118734 1956,
            68169 108.4 442769 2936 2798 120445 1957,
            66513 110.8 444546 4681 2637 121950 1958,
            68655 112.6 482704 3813 2552 123366 1959,
            69564 114.2 502601 3931 2514 125368 1960,
            69331 115.7 518173 4806 2572 127852 1961,
            70551 116.9 554894 4007 2827 130081 1962
        """),
    ),
    "Wampler1": Published(
        source=WAMPLER,
        degree=5,
        weights="1.00000000000000 1.00000000000000 1.00000000000000 1.00000000000000 1.00000000000000 1.00000000000000",
        residual_sum_of_squares="0.000000000000000",
        rows=counted("""
            1 6 63 364 1365 3906 9331 19608 37449 66430 111111 177156 271453 402234 579195 813616 1118481 1508598
            2000719 2613660 3368421
        """),
    ),
    "Wampler2": Published(
        source=WAMPLER,
        degree=5,
        weights="""
            1.00000000000000 0.100000000000000 0.100000000000000E-01 0.100000000000000E-02 0.100000000000000E-03
            0.100000000000000E-04
        """,
        residual_sum_of_squares="0.000000000000000",
        rows=counted("""
            1.00000 1.11111 1.24992 1.42753 1.65984 1.96875 2.38336 2.94117 3.68928 4.68559 6.00000 7.71561 9.92992
            12.75603 16.32384 20.78125 26.29536 33.05367 41.26528 51.16209 63.00000
        """),
    ),
    "Wampler3": Published(
        source=WAMPLER,
        degree=5,
        weights="1.00000000000000 1.00000000000000 1.00000000000000 1.00000000000000 1.00000000000000 1.00000000000000",
        residual_sum_of_squares="83554268.0000000",
        rows=counted("""
            760. -2042. 2111. -1684. 3888. 1858. 11379. 17560. 39287. 64382. 113159. 175108. 273291. 400186. 581243.
            811568. 1121004. 1506550. 2002767. 2611612. 3369180.
        """),
    ),
    "Wampler4": Published(
        source=WAMPLER,
        degree=5,
        weights="1.00000000000000 1.00000000000000 1.00000000000000 1.00000000000000 1.00000000000000 1.00000000000000",
        residual_sum_of_squares="835542680000.000",
        rows=counted("""
            75901 -204794 204863 -204436 253665 -200894 214131 -185192 221249 -138370 315911 -27644 455253 197434
            783995 608816 1370781 1303798 2205519 2408860 3444321
        """),
    ),
    "Wampler5": Published(
        source=WAMPLER,
        degree=5,
        weights="1.00000000000000 1.00000000000000 1.00000000000000 1.00000000000000 1.00000000000000 1.00000000000000",
        residual_sum_of_squares="0.835542680000000E+16",
        rows=counted("""
            7590001 -20479994 20480063 -20479636 25231365 -20476094 20489331 -20460392 18417449 -20413570 20591111
            -20302844 18651453 -20077766 21059195 -19666384 26348481 -18971402 22480719 -17866340 10958421
        """),
    ),
    "Filip": Published(
        source="Filippelli, NIST",
        degree=10,
        weights="""
            -1467.48961422980 -2772.17959193342 -2316.37108160893 -1127.97394098372 -354.478233703349 -75.1242017393757
            -10.8753180355343 -1.06221498588947 -0.670191154593408E-01 -0.246781078275479E-02 -0.402962525080404E-04
        """,
        residual_sum_of_squares="0.795851382172941E-03",
        rows=table("""
            0.8116 -6.860120914, 0.9072 -4.324130045, 0.9052 -4.358625055, 0.9039 -4.358426747, 0.8053 -6.955852379,
            0.8377 -6.661145254, 0.8667 -6.355462942, 0.8809 -6.118102026, 0.7975 -7.115148017, 0.8162 -6.815308569,
            0.8515 -6.519993057, 0.8766 -6.204119983, 0.8885 -5.853871964, 0.8859 -6.109523091, 0.8959 -5.79832982,
            0.8913 -5.482672118, 0.8959 -5.171791386, 0.8971 -4.851705903, 0.9021 -4.517126416, 0.909 -4.143573228,
            0.9139 -3.709075441, 0.9199 -3.499489089, 0.8692 -6.300769497, 0.8872 -5.953504836, 0.89 -5.642065153,
            0.891 -5.031376979, 0.8977 -4.680685696, 0.9035 -4.329846955, 0.9078 -3.928486195, 0.7675 -8.56735134,
            0.7705 -8.363211311, 0.7713 -8.107682739, 0.7736 -7.823908741, 0.7775 -7.522878745, 0.7841 -7.218819279,
            0.7971 -6.920818754, 0.8329 -6.628932138, 0.8641 -6.323946875, 0.8804 -5.991399828, 0.7668 -8.781464495,
            0.7633 -8.663140179, 0.7678 -8.473531488, 0.7697 -8.247337057, 0.77 -7.971428747, 0.7749 -7.676129393,
            0.7796 -7.352812702, 0.7897 -7.072065318, 0.8131 -6.774174009, 0.8498 -6.478861916, 0.8741 -6.159517513,
            0.8061 -6.835647144, 0.846 -6.53165267, 0.8751 -6.224098421, 0.8856 -5.910094889, 0.8919 -5.598599459,
            0.8934 -5.290645224, 0.894 -4.974284616, 0.8957 -4.64454848, 0.9047 -4.290560426, 0.9129 -3.885055584,
            0.9209 -3.408378962, 0.9219 -3.13200249, 0.7739 -8.726767166, 0.7681 -8.66695597, 0.7665 -8.511026475,
            0.7703 -8.165388579, 0.7702 -7.886056648, 0.7761 -7.588043762, 0.7809 -7.283412422, 0.7961 -6.995678626,
            0.8253 -6.691862621, 0.8602 -6.392544977, 0.8809 -6.067374056, 0.8301 -6.684029655, 0.8664 -6.378719832,
            0.8834 -6.065855188, 0.8898 -5.752272167, 0.8964 -5.132414673, 0.8963 -4.811352704, 0.9074 -4.098269308,
            0.9119 -3.66174277, 0.9228 -3.2644011
        """),
    ),
}


def exact(name):
    """Return X, a list of rows, and y, a list, as published: all numbers are fractions."""
    published = PUBLISHED[name]
    rows = [[Fraction(number) for number in row] for row in published.rows]
    X = [[x**power for x in row[1:] for power in range(1, published.degree + 1)] for row in rows]
    return X, [row[0] for row in rows]


def rounded(name):
    """Return a problem in float64: each published number, or power of x, is rounded to the nearest float64."""
    published = PUBLISHED[name]
    X, y = exact(name)
    return Certified(
        X=np.array([[float(x) for x in row] for row in X]),
        y=np.array([float(value) for value in y]),
        fit_intercept=published.fit_intercept,
        weights=np.array([float(weight) for weight in published.weights.split()]),
        residual_sum_of_squares=float(published.residual_sum_of_squares),
    )


PROBLEMS: dict[str, Certified] = {name: rounded(name) for name in PUBLISHED}


def lre(estimate, certified) -> float:
    """Return the smallest log relative error of the weights: roughly the number of correct digits, from 0 to 15.

    The LRE of a weight b is -log10(|b - c| / |c|), where c is the certified weight, or -log10(|b - c|) if c is 0, as in
    B. D. McCullough, "Assessing the reliability of statistical software: part I", The American Statistician 52 (1998),
    358-366. The LRE of a weight that is not finite is 0.
    """
    pairs = zip(map(float, estimate), map(float, certified), strict=True)
    errors = [abs(b - c) / (abs(c) or 1.0) for b, c in pairs]
    return min(-math.log10(max(error, 1e-15)) if error < 1 else 0.0 for error in errors)
