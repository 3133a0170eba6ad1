"""Reading notebooks: the file, its cells, its magics, its locations. Knows no rule."""
