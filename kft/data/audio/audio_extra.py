"""The packages that sounds need."""

from kft.data.extra import Extra

AUDIO = Extra("audio", "Sounds", ("soundfile", "soxr"))
