"""Pretrained networks: tables of them, where their weights come from, what builds them.

A kind of data has a folder with a table of its own.
"""
