"""The encoder that other tests stand on is an encoder."""

import pytest

from huaxiang.encoder import Encoder
from tests.contracts.encoder import EncoderContract
from tests.encoder.toy import ToyEncoder


class TestToyEncoder(EncoderContract):
    @pytest.fixture
    def encoder(self) -> Encoder:
        return ToyEncoder(d=32)
