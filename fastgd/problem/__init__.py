"""Problems (X, y) with the same cost J as the data: weights, ridge, coordinates, compression; the curvature of J."""
