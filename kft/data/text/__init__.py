"""Operations on text: tokenising, in Python and in a graph; tables of texts."""
