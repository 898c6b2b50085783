"""Attention, with a mask and without."""

import numpy as np

from kft.backbones import attention_parts


def test_without_a_mask_every_step_is_read() -> None:
    queries, keys = np.random.default_rng(0).normal(size=(2, 2, 5, 8)).astype("f4")
    layer = attention_parts.AttentionShares(2)
    found = np.asarray(layer(queries, keys))
    np.testing.assert_array_equal(found, layer(queries, keys, np.ones([2, 5], "i4")))
    np.testing.assert_allclose(found.sum(-1), np.ones([2, 2, 5]), rtol=1e-5)
    mask = np.ones([2, 5], "i4")
    mask[:, 3] = 0
    assert not np.asarray(layer(queries, keys, mask))[..., 3].any()
    assert found[..., 3].all()
