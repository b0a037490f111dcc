"""The tests that must fail with fits by fastgd, since they check something else than the solution of the problem.

Each convention names the failure that it explains: a test that fails in another way, or passes, is an error. The
tests are those of scikit-learn 1.9 and statsmodels 0.15.
"""

from typing import NamedTuple


class Convention(NamedTuple):
    """A regular expression for names of tests, one for the message of their failure, and the reason."""

    tests: str
    failure: str
    reason: str


CONVENTIONS = {
    "base": [
        Convention(
            r"test_inplace_data_preprocessing\[.*-None\]",
            r"assert .* > 0\.42",
            "copy_X=False must overwrite X; fastgd never writes to the arrays of the caller",
        ),
    ],
    "ridge": [
        Convention(
            r"test_ridge_regression_convergence_fail",
            r"DID NOT WARN",
            "solver='sparse_cg' cannot reach tol=0, and warns; fastgd has no conjugate gradients, and converges",
        ),
        Convention(
            r"test_raises_value_error_if_sample_weights_greater_than_1d",
            r"Actual message: 'sample_weight must have shape \(2,\)",
            "the last weights have two dimensions and must be refused, which fastgd does in words of its own",
        ),
        Convention(
            r"test_n_iter",
            r"ACTUAL: array\(None",
            "n_iter_ must be max_iter of the solvers sag, saga and lsqr, which fastgd does not have",
        ),
        Convention(
            r"test_ridge_fit_intercept_sparse_error\[.*\]",
            r"DID NOT RAISE",
            "svd, cholesky and saga must refuse an intercept with a sparse X; fastgd fits one, whatever the solver",
        ),
        Convention(
            r"test_ridge_fit_intercept_sparse_sag\[.*\]",
            r"DID NOT WARN",
            "solver='sag' must warn that it needs many iterations; the comparisons before that line pass",
        ),
        Convention(
            r"test_ridge_regression_check_arguments_validity\[(sparse_cg|cholesky|lsqr|saga)-.*-True\]",
            r"DID NOT RAISE",
            "return_intercept=True must be refused unless solver='sag'; fastgd fits an intercept, whatever the solver",
        ),
    ],
    "intercept": [],
    "column": [],
}
