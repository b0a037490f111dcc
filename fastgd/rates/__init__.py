"""Learning-rate schedules: pure functions ``(epochs, smoothness, convexity) -> rates``, one rate for each epoch.

Smoothness L and convexity μ are the largest and the smallest non-zero eigenvalue of XᵀX/n. `fastgd.gradient_descent`
accepts the name of a schedule, the function, or the function with other settings:
``functools.partial(rates.step_decay, factor=0.1)``. The error is the distance of the weights from the nearest solution.

=================== ==============================================================================================
schedule            guarantee, for the cost of linear regression
=================== ==============================================================================================
constant            the cost falls in every epoch; each epoch multiplies the error by (1 − μ/L) or less
inverse_scaling     converges if the sum of the rates is infinite; meant for mini-batches: it averages their noise out
step_decay          none: the descent stops when the rates have vanished; meant for mini-batches
exponential_decay   none: the descent stops when the rates have vanished; meant for mini-batches
silver              after n = 2ᵏ − 1 epochs the cost is above its minimum by about n^−1.27; if μ > 0, the error halves
                    in a number of epochs that grows as (L/μ)^0.79
chebyshev           a cycle of N epochs multiplies the error by 2ρᴺ/(1 + ρ²ᴺ), ρ = (√L − √μ)/(√L + √μ): the least
                    factor that any rates guarantee
eigenvalues         a cycle of one or a few epochs for each eigenvalue multiplies the error by 1e-12, or as little as
                    the condition number allows; this schedule takes all eigenvalues instead of L and μ
=================== ==============================================================================================
"""

from fastgd.rates.chebyshev import chebyshev
from fastgd.rates.decays import constant, exponential_decay, inverse_scaling, step_decay
from fastgd.rates.eigenvalues import eigenvalues
from fastgd.rates.silver import silver

__all__ = ["chebyshev", "constant", "eigenvalues", "exponential_decay", "inverse_scaling", "silver", "step_decay"]
