"""A process that decodes the files it is given in little memory.

usage: python -m tests.data.image.decode_within MAX_PIXELS MIB FILE...

It prints a JSON object of what became of each file: [in training, in an export], the
shape of the image or the message of the error.
"""

import json
import pathlib
import resource
import sys

import tensorflow as tf

from kft.data import bad_examples
from kft.data.image import decode, decode_graph
from tests.data import image_files


def main():
    max_pixels, mebibytes = map(int, sys.argv[1:3])
    readers = [
        tf.function(
            lambda payload, read=read: read(payload, max_pixels=max_pixels),
            input_signature=[tf.TensorSpec([], tf.string)],
        )
        for read in (decode.decode, decode_graph.decode_in_graph)
    ]
    # What is loaded, and the threads that are started, once.
    for payload in image_files.of_every_kind().values():
        _outcomes(readers, payload)
    pages = int(pathlib.Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + (mebibytes << 20)
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    payloads = [pathlib.Path(path).read_bytes() for path in sys.argv[3:]]
    print(json.dumps([_outcomes(readers, payload) for payload in payloads]))


def _outcomes(readers, payload):
    outcomes = []
    for read in readers:
        try:
            outcomes.append(read(tf.constant(payload)).shape.as_list())
        except tf.errors.OpError as error:
            outcomes.append(bad_examples.first_line(error))
    return outcomes


if __name__ == "__main__":
    main()
