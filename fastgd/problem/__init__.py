"""Problems (X, y) with the same J as the data: weighted rows, ridge, coordinates, compression; and their curvature."""
