"""A text beside what is said of it, as HTML with the errors marked."""

import html

from kft.data.audio.audio_extra import SPEECH

_STYLE = {
    "delete": '<del title="missing">{}</del>',
    "insert": '<ins title="too much">{}</ins>',
    "substitute": '<mark title="instead of {1}">{0}</mark>',
}


def marked(text: str, said: str) -> str:
    """Return what is said, with its errors: marked words are wrong.

    Words that are missing are struck through, and those that are too much underlined.
    """
    jiwer = SPEECH.require("jiwer")
    if not said.strip():
        return "<small>nothing is said</small>"
    found = jiwer.process_words(text, said)
    (true,), (own,) = found.references, found.hypotheses
    shown = []
    for part in found.alignments[0]:
        reference = html.escape(" ".join(true[part.ref_start_idx : part.ref_end_idx]))
        hypothesis = html.escape(" ".join(own[part.hyp_start_idx : part.hyp_end_idx]))
        if part.type == "equal":
            shown.append(hypothesis)
        elif part.type == "delete":
            shown.append(_STYLE[part.type].format(reference))
        else:
            shown.append(_STYLE[part.type].format(hypothesis, reference))
    return " ".join(shown)
