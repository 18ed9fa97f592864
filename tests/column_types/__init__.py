"""Every column type in every place: the matrix, and what comes of extremes."""
