"""Answers of a finished run or of an export alone: for files, and on a page."""
