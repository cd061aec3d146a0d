"""Webhooks are signed as Standard Webhooks 1.0.0 says."""

import base64
import re
import time
from typing import Any

import pytest

from fixtures.gateway_process import ROOT
from fixtures.webhook_receiver import is_signed
from gateway.webhooks.signing import WebhookMessage, read_secrets

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # of the specification's own test vectors: it opens nothing
MESSAGE = WebhookMessage("msg_p5jXN8AQM9LWM0D4loKWxJek", b'{"test": 2432232314}')


def test_the_published_example_is_signed_as_published() -> None:
    assert MESSAGE.headers(read_secrets(SECRET), 1614265330.9) == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_two_secrets_sign_in_order_and_either_is_enough() -> None:
    other = f"whsec_{base64.b64encode(bytes(range(24))).decode()}"
    both = read_secrets(f"{other}, {SECRET}")
    headers = MESSAGE.headers(both, 1614265330)
    first, second = headers["webhook-signature"].split(" ")
    assert second == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert first != second
    for secret in both:
        assert is_signed([secret], headers, MESSAGE.body)
    assert not is_signed([bytes(32)], headers, MESSAGE.body)
    assert not is_signed(both, headers, MESSAGE.body + b" ")
    assert not is_signed(both, {**headers, "webhook-timestamp": "1614265331"}, MESSAGE.body)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "whsec_",
        "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "whsec_pas-du-base64!",
        f"whsec_{base64.b64encode(bytes(23)).decode()}",
        f"whsec_{base64.b64encode(bytes(65)).decode()}",
        f"{SECRET},",
        f"{SECRET},{SECRET},{SECRET}",
    ],
)
def test_what_is_no_secret_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(ValueError, match=r"attendu|au plus") as refusal:
        read_secrets(text)
    assert text[6:16] not in str(refusal.value) or not text[6:16]


def test_the_code_that_receivers_are_shown_accepts_ours_and_nothing_else() -> None:
    page = (ROOT / "docs/webhooks.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    names: dict[str, Any] = {}
    exec(shown, names)  # noqa: S102 - our own page
    right = MESSAGE.headers(read_secrets(SECRET), time.time())
    old = MESSAGE.headers(read_secrets(SECRET), time.time() - 301)
    other = f"whsec_{base64.b64encode(bytes(32)).decode()}"
    assert names["verifier"](SECRET, right, MESSAGE.body)
    for secret, headers, body in ((other, right, MESSAGE.body), (SECRET, old, MESSAGE.body), (SECRET, right, b"{}")):
        assert not names["verifier"](secret, headers, body)
    both = MESSAGE.headers(read_secrets(f"{other},{SECRET}"), time.time())
    assert names["verifier"](SECRET, both, MESSAGE.body)
