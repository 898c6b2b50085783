"""The packages that texts need."""

from kft.data.extra import Extra

TEXT = Extra("text", "Texts", ("tokenizers", "safetensors"))
