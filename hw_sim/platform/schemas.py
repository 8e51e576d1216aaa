"""The request bodies of APIv3 Native as tables: create an order, close it, refund it.

From the member tables of "create an order" and "refund request"; labels as the platform's messages use them.
"""

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from hw_sim.platform.answers import ApiError, JsonObject, from_rfc3339
from hw_sim.platform.fields import Flag, Many, Rule, Text, Thing, Whole, check, refusal

# The expression that the platform itself names: no query, no fragment, no brackets.
_URL: Final = r"^https?://([^\s/?#\[\]\@]+\@)?([^\s/?#\@:]+)(?::\d{2,5})?([^\s?#\[\]]*)$"
_OUT_TRADE_NO: Final = r"^[0-9A-Za-z_\-*|]+\Z"
_OUT_REFUND_NO: Final = r"^[0-9A-Za-z_\-*|@]+\Z"
_TIME: Final = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)\Z"

_CURRENCY: Final = Text("货币类型", 16, pattern="^CNY\\Z")
_MCHID: Final = Text("直连商户号", 32, required=True)

_ORDER_GOODS: Final = Thing(
    "单品",
    {
        "merchant_goods_id": Text("商户侧商品编码", 32, required=True),
        "wechatpay_goods_id": Text("微信支付商品编码", 32),
        "goods_name": Text("商品名称", 256),
        "quantity": Whole("商品数量", required=True, least=1),
        "unit_price": Whole("商品单价", required=True),
    },
)
_STORE: Final = Thing(
    "商户门店信息",
    {
        "id": Text("门店编号", 32, required=True),
        "name": Text("门店名称", 256),
        "area_code": Text("地区编码", 32),
        "address": Text("详细地址", 512),
    },
)
ORDER: Final = Thing(
    "下单请求",
    {
        "appid": Text("公众号ID", 32, required=True),
        "mchid": _MCHID,
        "description": Text("商品描述", 127, required=True),
        "out_trade_no": Text("商户订单号", 32, required=True, least=6, pattern=_OUT_TRADE_NO),
        "time_expire": Text("交易结束时间", 64, pattern=_TIME),
        "attach": Text("附加数据", 128),
        "notify_url": Text("通知地址", 255, required=True, pattern=_URL),
        "goods_tag": Text("订单优惠标记", 32),
        "limit_pay": Many("指定支付方式", Text("支付方式", 32)),
        "support_fapiao": Flag("电子发票入口开放标识"),
        "amount": Thing(
            "订单金额",
            {"total": Whole("总金额", required=True, least=1), "currency": _CURRENCY},
            required=True,
        ),
        "detail": Thing(
            "优惠功能",
            {
                "cost_price": Whole("订单原价"),
                "invoice_id": Text("商品小票ID", 32),
                "goods_detail": Many("单品列表", _ORDER_GOODS),
            },
        ),
        "scene_info": Thing(
            "场景信息",
            {
                "payer_client_ip": Text("用户终端IP", 45, required=True, pattern=r"^[0-9A-Fa-f.:]+\Z"),
                "device_id": Text("商户端设备号", 32),
                "store_info": _STORE,
            },
        ),
        "settle_info": Thing("结算信息", {"profit_sharing": Flag("是否指定分账")}),
    },
)
CLOSE: Final = Thing("关单请求", {"mchid": _MCHID})
# The numbers in paths.
NUMBERS: Final[Mapping[str, Text]] = MappingProxyType(
    {
        "out_trade_no": Text("商户订单号", 32, required=True, least=6, pattern=_OUT_TRADE_NO),
        "transaction_id": Text("微信支付订单号", 32, required=True, pattern=r"^[0-9A-Za-z]+\Z"),
        "out_refund_no": Text("商户退款单号", 64, required=True, pattern=_OUT_REFUND_NO),
        "refund_id": Text("微信支付退款单号", 32, required=True, pattern=r"^[0-9A-Za-z]+\Z"),
        "complaint_id": Text("投诉单号", 64, required=True, pattern=r"^[0-9A-Za-z]+\Z"),
        "media_id": Text("媒体文件标识ID", 512, required=True, pattern=r"^[0-9A-Za-z_.-]+\Z"),
    }
)

_COMPLAINED: Final = Text("被诉商户号", 64, required=True)
_MEDIA: Final = Text("媒体文件标识ID", 512)
COMPLAINT_RESPONSE: Final = Thing(
    "投诉回复",
    {
        "complainted_mchid": _COMPLAINED,
        "response_content": Text("回复内容", 600, required=True),  # 200 characters
        "response_images": Many("回复图片", _MEDIA),
        "jump_url": Text("跳转链接", 512),
        "jump_url_text": Text("跳转链接文案", 128),
        "mini_program_jump_info": Thing(
            "跳转小程序信息",
            {
                "appid": Text("小程序AppID", 32, required=True),
                "path": Text("小程序路径", 512, required=True),
                "text": Text("小程序文案", 128, required=True),
            },
        ),
    },
)
VIOLATION_ADDRESS: Final = Thing(
    "违规通知地址", {"notify_url": Text("通知地址", 255, required=True, pattern=_URL)}
)
COMPLAINT_COMPLETE: Final = Thing("投诉处理完成", {"complainted_mchid": _COMPLAINED})
COMPLAINT_ADDRESS: Final = Thing("投诉通知地址", {"url": Text("通知地址", 255, required=True, pattern=_URL)})
REFUND_PROGRESS: Final = Thing(
    "退款审批结果",
    {
        "action": Text("审批动作", 16, required=True, pattern="^(APPROVE|REJECT)\\Z"),
        "launch_refund_day": Whole("预计发起退款时间"),
        "reject_reason": Text("拒绝退款原因", 600),
        "reject_media_list": Many("拒绝退款的举证图片列表", _MEDIA),
        "remark": Text("备注", 600),
    },
)

_REFUND_GOODS: Final = Thing(
    "退款商品",
    {
        "merchant_goods_id": Text("商户侧商品编码", 32, required=True),
        "wechatpay_goods_id": Text("微信支付商品编码", 32),
        "goods_name": Text("商品名称", 256),
        "unit_price": Whole("商品单价", required=True),
        "refund_amount": Whole("商品退款金额", required=True),
        "refund_quantity": Whole("商品退货数量", required=True, least=1),
    },
)
_REFUND_FROM: Final = Thing(
    "退款出资账户",
    {
        "account": Text("出资账户类型", 32, required=True, pattern="^(UN)?AVAILABLE\\Z"),
        "amount": Whole("出资金额", required=True),
    },
)
REFUND: Final = Thing(
    "退款请求",
    {
        "transaction_id": Text("微信支付订单号", 32),
        "out_trade_no": Text("商户订单号", 32, pattern=_OUT_TRADE_NO),
        "out_refund_no": Text("商户退款单号", 64, required=True, pattern=_OUT_REFUND_NO),
        "reason": Text("退款原因", 80),
        "notify_url": Text("退款结果回调url", 256, pattern=_URL),
        "funds_account": Text("退款资金来源", 32, pattern="^(AVAILABLE|UNSETTLED)\\Z"),
        "amount": Thing(
            "金额信息",
            {
                "refund": Whole("退款金额", required=True, least=1),
                "total": Whole("原订单金额", required=True, least=1),
                "currency": Text("退款币种", 16, required=True, pattern="^CNY\\Z"),
                "from": Many("退款出资账户及金额", _REFUND_FROM),
            },
            required=True,
        ),
        "goods_detail": Many("退款商品", _REFUND_GOODS),
    },
)


def parsed(body: bytes, rule: Rule) -> JsonObject:
    """Read a request body and hold it against its table. Raises ApiError 400 PARAM_ERROR."""
    try:
        value = json.loads(body.decode())
        json.dumps(value, ensure_ascii=False).encode()  # half a surrogate pair is no text
    except (ValueError, RecursionError) as exc:
        raise ApiError(400, "PARAM_ERROR", "请求体不是合法的 JSON") from exc
    if not isinstance(value, dict):
        raise ApiError(400, "PARAM_ERROR", "请求体不是 JSON 对象")
    check(rule, value)
    _check_time(value.get("time_expire"))
    return value


def _check_time(value: Any) -> None:
    if value is None:
        return
    try:
        from_rfc3339(value)
    except ValueError as exc:  # well-formed, and yet no time: month 13
        raise refusal("/body/time_expire", value, "输入源“/body/time_expire”不是合法的时间") from exc
