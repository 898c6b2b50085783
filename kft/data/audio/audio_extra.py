"""The packages that sounds need."""

from kft.data.extra import Extra

AUDIO = Extra("audio", "Sounds", ("soundfile", "soxr"))
# And what measures transcripts.
SPEECH = Extra("audio", "Transcripts", (*AUDIO.packages, "jiwer"))
