"""What `--weights` may be; no TensorFlow here."""

import pytest

from kft import errors
from kft.backbones import weights_flag


def test_the_home_of_an_unknown_user_has_no_weights() -> None:
    with pytest.raises(errors.ConfigError) as caught:
        weights_flag.check("~no_such_user_of_kft/my.weights.h5")
    assert "no file '~no_such_user_of_kft/my.weights.h5'" in str(caught.value)
    assert "folder '~no_such_user_of_kft' does not exist" in str(caught.value)
