"""Learning-rate schedules: pure functions ``(epochs, smoothness, convexity) -> rates``, one rate for each epoch.

Smoothness L and convexity μ are the largest and the smallest non-zero eigenvalue of XᵀX/n. `fastgd.gradient_descent`
takes a schedule by its name, as the function, or configured: ``functools.partial(rates.step_decay, factor=0.1)``. Error
means the distance of the weights from the nearest solution.

=================== ==============================================================================================
schedule            promise, for the cost that is linear regression's
=================== ==============================================================================================
constant            the cost falls in every epoch; error times (1 − μ/L) or less in each
inverse_scaling     converges where the rates' sum is infinite; meant for mini-batches, whose noise it averages out
step_decay          none: stops where the rates have vanished; meant for mini-batches
exponential_decay   none: stops where the rates have vanished; meant for mini-batches
silver              after n = 2ᵏ − 1 epochs the cost is above its least value by about n^−1.27; where μ > 0, error
                    halved in a number of epochs that grows as κ^0.79
chebyshev           error times 2ρᴺ/(1 + ρ²ᴺ) after a cycle of N epochs, ρ = (√κ − 1)/(√κ + 1), κ = L/μ: the best
                    that any rates can do
eigenvalues         error times 1e-12 or less after an epoch or some for each eigenvalue, as far as the condition
                    number leaves so many digits; takes all eigenvalues instead of L and μ
=================== ==============================================================================================
"""

from fastgd.rates.chebyshev import chebyshev
from fastgd.rates.decays import constant, exponential_decay, inverse_scaling, step_decay
from fastgd.rates.eigenvalues import eigenvalues
from fastgd.rates.silver import silver

__all__ = [
    "chebyshev",
    "constant",
    "eigenvalues",
    "exponential_decay",
    "inverse_scaling",
    "silver",
    "step_decay",
]
