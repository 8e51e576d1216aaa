"""One call of APIv2 without its wire: members in, a signed body out, and what an answer is worth.

Only what is signed with the merchant's secret is believed, be it yes or no. A refusal of the whole message
(`return_code` FAIL) is never signed: whatever it says, it is no answer.
"""

from collections.abc import Callable, Mapping
from typing import Final

from cloud_bridge.wechat import v2_xml
from cloud_bridge.wechat.exchange import Caller, Failure, NoAnswer, Reply, Success
from cloud_bridge.wechat.signing import NotVerified, Request
from cloud_bridge.wechat.v2_account import V2Account
from cloud_bridge.wechat.v2_codes import error_name, unsigned_name
from cloud_bridge.wechat.v2_signing import SIGN_TYPE, signed, verify
from cloud_bridge.wechat.v2_xml import Members
from cloud_bridge.wechat.words import within

_SHOWN_BYTES: Final = 160
_HEADERS: Final = {"Content-Type": "text/xml; charset=utf-8", "User-Agent": "wxvend"}


class V2Exchange:
    """Judges answers for one merchant; implements `client.Judge`."""

    def __init__(self, account: V2Account) -> None:
        self._account: Final = account

    def headers(self, _request: Request) -> dict[str, str]:
        """The headers of a request. Without the charset, Chinese text has failed as a wrong signature."""
        return dict(_HEADERS)

    def judge(self, status: int, _headers: Mapping[str, str], content: bytes) -> Reply:
        """What an answer is worth."""
        if status != 200:
            return NoAnswer("rate_limited" if status == 429 else f"http_{status}")
        try:
            members = v2_xml.read(content)
            if members.get("return_code") != "SUCCESS":
                return NoAnswer(unsigned_name(members.get("return_msg", "")))
            verify(members, self._account.key, at_least=self._account.sign_type)
        except (v2_xml.BadXml, NotVerified) as error:
            return NoAnswer(error.why)
        if (members.get("mch_id"), members.get("appid")) != (self._account.mchid, self._account.appid):
            return NoAnswer("other_merchant")
        match members.get("result_code"):
            case "SUCCESS":
                return Success(status, members)
            case "FAIL":
                code = members.get("err_code", "")
                said = within(f"{code} {members.get('err_code_des', '')}", _SHOWN_BYTES)
                return Failure(status, error_name(code), said)
            case _:
                return NoAnswer("bad_answer")


class V2Calls:
    """Makes calls as one merchant. `nonce` gives at most 32 random letters and digits."""

    def __init__(self, account: V2Account, client: Caller, *, nonce: Callable[[], str]) -> None:
        self._account: Final = account
        self._client: Final = client
        self._nonce: Final = nonce

    async def call(self, path: str, members: Members) -> Reply:
        """Sign these members now and send them."""
        return await self.send(path, body(self._account, members, nonce=self._nonce()))

    async def send(self, path: str, whole: bytes) -> Reply:
        """Send a body that is signed already."""
        return await self._client.call(Request("POST", path, whole))


def body(account: V2Account, members: Members, *, nonce: str) -> bytes:
    """The bytes of a call: the members, who calls, and the signature over all of it."""
    whole = {
        "appid": account.appid,
        "mch_id": account.mchid,
        "nonce_str": nonce,
        SIGN_TYPE: account.sign_type.value,
        **members,
    }
    return v2_xml.write(signed(whole, account.key, account.sign_type))
