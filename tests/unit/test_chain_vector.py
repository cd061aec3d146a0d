"""The chain of the journal against frozen bytes, made once by another program over the standard library (HKDF, RFC 5869, and
HMAC, RFC 2104): widths, labels, genesis and order cannot change unseen, nor can a journal of before be read otherwise."""

from gateway.domain.seal import GENESIS, Anchor, Sealer, anchor_mac, next_
from gateway.stores.journal_tables import pack, pseudonym, set_of

SEALER = Sealer(bytes(range(32)))
ANNE, ZOE = -6012554242720405260, -3851590771120476542
FIRST = "9f8656a8b5bc9524a63cb9554dc1dd3c1bf0eb4217e7dd6ccd51f6e34b149837"
SECOND = "464ff3f24830424be04c291ce35b494aea5c683342fc833adfb6c747237e4081"
SIGNED = {
    "debut": "a3e5d2a6a76c6e2902a66371f18e33f32cf7917d4f7f9ff09b66bc9f124c92b1",
    "fin": "9f9a132e8f0e7795a0ef22a63184d2be10793d7ecebbda2757fe6957622794e4",
    "horloge": "bfd32b266ae26fa9ef7b6b0b41a7fedba9a44c617efa6f5e4286db3accd7af06",
}


def test_e1_the_chain_is_the_one_of_the_frozen_bytes() -> None:
    assert Anchor(0, bytes(32)) == GENESIS
    first = next_(SEALER, GENESIS, b'{"acte":"LECTURE"}', pack([ZOE, ANNE]))
    second = next_(SEALER, first, b'{"acte":"PURGE"}', pack([ANNE]))
    assert (str(first), str(second)) == (f"1:{FIRST}", f"2:{SECOND}")
    assert {name: anchor_mac(SEALER, name, second).hex() for name in SIGNED} == SIGNED


def test_e1_persons_and_their_sets_have_the_frozen_codes() -> None:
    assert (pseudonym(SEALER, "anne"), pseudonym(SEALER, "zoe")) == (ANNE, ZOE)
    assert pack([ZOE, ANNE]).hex() == "ca8c6699ab30ee82ac8f1dc5a9e1e8f4"
    assert set_of(SEALER, [ZOE, ANNE]) == set_of(SEALER, [ANNE, ZOE]) == -6729345225217870363
