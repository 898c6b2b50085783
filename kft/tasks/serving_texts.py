"""Words about a kind of data, for model cards, snippets of code and the demo."""

import dataclasses
from collections.abc import Mapping, Sequence


@dataclasses.dataclass(frozen=True)
class SnippetCode:
    """Pieces of Python that call an export, for the model card.

    Attributes:
        variable: holds the request, such as image.
        file: that the request is read from, beside the exports.
        request: the input of `serving_default`.
        show_outputs: prints `answer`, the outputs of `serving_default` by name.
        modules: to import for `value`, besides numpy and pathlib.
        value: expression that makes what `tensors` reads.
        tensors: input of the second signature -> expression of it, with the batch.
        scores: output that has the scores.
        other_requests: further inputs of `serving_default`, each with an expression.
        show_scores: prints `answer`, the scores of a batch of one.
    """

    variable: str
    file: str
    request: str
    show_outputs: str
    modules: Sequence[str]
    value: str
    tensors: Mapping[str, str]
    scores: str
    show_scores: str
    other_requests: Mapping[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class CardText:
    """What a model card says that depends on the kind of data.

    Attributes:
        what: the model is, such as image classifier.
        purpose: start of a sentence that says what it does.
        examples: plural noun.
        recipe: what of the recipe is of this kind of data.
        preprocessing: what becomes of a request, one paragraph.
        limits: sentences on what its answers do not mean.
        refuses: sentences on requests that it does not answer.
        pipeline_tag: of the hub, such as image-classification; None for none.
        license: SPDX name of that of the pretrained weights; None where unknown.
        terms: lines on what weights and examples are under.
        code: how exports are called; None where no few lines can.
    """

    what: str
    purpose: str
    examples: str = "examples"
    recipe: str = ""
    preprocessing: str = ""
    limits: Sequence[str] = ()
    refuses: Sequence[str] = ()
    pipeline_tag: str | None = None
    license: str | None = None
    terms: Sequence[str] = ()
    code: SnippetCode | None = None


@dataclasses.dataclass(frozen=True)
class PageText:
    """What the page of kft.demo says.

    Attributes:
        title: a question that the model answers.
        prompt: on the field that files are dropped on.
        accept: types of files, as an HTML input takes them.
        explanation: what `Display.explain` shows; None where it shows nothing.
        text_prompt: on a field for text, whose UTF-8 is a request; None for no field.
        record_prompt: on a button that records with the microphone, as a WAV file that
            is a request; None for no button.
    """

    title: str
    prompt: str
    accept: str
    explanation: str | None = None
    text_prompt: str | None = None
    record_prompt: str | None = None
