"""What the bridge writes into timelines and alarms, in Chinese, by its shape.

A place in braces keeps what stands there: `{why}` is a cause and `{name}` an alarm, shown in words; `{told}`
is a line of this table again; all others are names, numbers or a person's own words. The page shows a line
of another shape as it is. The first shape that fits is taken.
"""

from typing import Final

from cloud_bridge.web.desk_words import DESK_TOLD
from cloud_bridge.web.words_alarms import ALARM_TOLD
from cloud_bridge.web.words_catalogue import CATALOGUE_TOLD
from cloud_bridge.web.words_doing import DOING_TOLD
from cloud_bridge.web.words_people import PEOPLE_TOLD

TOLD: Final[dict[str, str]] = {
    **DESK_TOLD,
    **ALARM_TOLD,
    **PEOPLE_TOLD,
    **CATALOGUE_TOLD,
    **DOING_TOLD,
    # ---- before it is paid
    "lane {lane} was chosen: {product}, {fen}": "选择货道 {lane}：{product}，{fen}",
    "refused: {why}": "未接受：{why}",
    "the order is placed": "订单已创建",
    "the code goes to the machine": "付款码已发给机器",
    "a phone scanned the code of lane {lane}": "有手机扫了 {lane} 号货道的码",
    "lane {lane} is promised to a scan: {name}, {price}": "{lane} 号货道已为扫码者保留：{name}，{price}",
    "the order goes to the phone": "订单已发到顾客手机",
    "the platform gave no ticket for the scan": "微信支付未给出扫码订单的凭据",
    "the scan could not be answered in time": "未能及时答复扫码",
    "the platform refuses the order: {why}": "支付平台拒绝下单：{why}",
    "the platform does not answer": "支付平台无应答",
    "the pay window is over": "付款时间已过",
    "the machine closed the sale: {why}": "机器关闭了此单：{why}",
    "the machine restarted": "机器重启",
    "the order is closed, unpaid": "订单已关闭，未付款",
    # ---- paid
    "{fen} is paid ({why})": "已付 {fen}（{why}）",
    "authorised to vend": "已授权出货",
    "the machine is not linked: the authorisation waits": "机器不在线：授权等待中",
    "vending": "正在出货",
    "the goods are out": "已出货",
    "evidence: {said}": "证据：{said}",
    "the machine restarted while it was paid": "付款期间机器重启",
    "in doubt: {why}": "结果不明：{why}",
    "nobody knows whether the goods fell: {why}": "不知道商品是否掉出：{why}",
    # ---- money goes back
    "{fen} goes back: {why}": "退回 {fen}：{why}",
    "the refund is accepted": "退款已受理",
    "the refund was closed: once more, under the second number": "退款被关闭：以第二个单号再退一次",
    "{fen} is refunded": "已退款 {fen}",
    "{fen} went back by hand": "人工退回 {fen}",
    "the refund is not through after {count} tries": "退款尝试 {count} 次仍未完成",
    "the merchant's account does not hold the money": "商户余额不足",
    "the platform refuses the refund: {why}": "支付平台拒绝退款：{why}",
    "the platform gave back another amount": "平台退回的金额不符",
    "the platform closed the second refund as well": "第二次退款也被平台关闭",
    "the payer's account takes no refund": "付款人账户无法收款",
    "the goods fell after the refund was decided": "决定退款后商品掉出",
    # ---- causes in sentences
    "given up: {why}": "已放弃：{why}",
    "given back by hand": "人工退回",
    "found at the platform": "在平台上发现",
    "ordered by {by}: {said}": "由 {by} 决定：{said}",
    "ordered by {by}": "由 {by} 决定",
    # ---- cases
    "too many refunds in the fleet: a person decides": "退款过多：由人工决定",
    "a part went back by hand: a person gives the rest": "已人工退回一部分：余款由人工退回",
    "money went back by hand before the payment was known": "入账前已有人工退款",
    "paid a second time, {fen}: give one of them back by hand": "重复付款 {fen}：请人工退回其中一笔",
    "the machine gave goods out, and nobody paid as far as is known": "机器已出货，但未见付款",
    "a sale unknown to these books: {why}": "账目中没有的销售：{why}",
    "a payment that does not fit this sale was not accepted": "与本单不符的付款未被接受",
    "the goods were out, now the machine says {why}": "先报已出货，现在却报：{why}",
    "a refund waits for the machine's answer or for doubt": "退款等待机器应答",
    "the refund is asked for again, {why}": "再次请求退款，{why}",
    "the rest goes back as well, {why}": "余款也退还，{why}",
    "another merchant's platform speaks of this sale: it was not accepted": "另一商户提到本单：未接受",
    "the goods are out, says {by}: {said}": "{by} 说已出货：{said}",
    "{why}: settled by {by}: {said}": "{why}：由 {by} 结清：{said}",
    "{by} looks after it": "由 {by} 负责",
    # ---- a machine, and alarms
    "session {boot} begins": "会话 {boot} 开始",
    "alarm: {name} {told}": "告警：{name}，{told}",
    "alarm: {name}": "告警：{name}",
    "alarm over: {name}": "告警解除：{name}",
    "{why}: the machine sells nothing": "{why}：机器停止销售",
    "paid is not the price": "付款金额不是标价",
    "{day}: {count} without a cause, {fen}": "{day}：{count} 项未解释，{fen}",
    "the bill of {day} differs: {why}": "{day} 对账：{why}",
    "paid is not what was shown": "付款金额与显示不符",
    "a payment that is not ours": "不属于我们的付款",
    "paid, and unknown to these books": "已付款，但账目中没有",
    "lane {lane} gave back too often": "货道 {lane} 退款过多",
    "the machine gave back too often": "整机退款过多",
    "the machine speaks with another journal": "机器使用了另一份账目",
    "nothing this journal says is believed: give the machine a new one": "此账目不再可信：请为机器新建账目",
    "it speaks of {sale}, a sale of {machine}": "它提到 {machine} 的单号 {sale}",
    "a refund of {sale}, which these books do not know": "账目中没有的退款：{sale}",
    "the platform's answers are of no use: {why}. Try: wxvend bridge check-config": (
        "平台应答无效：{why}。请运行 wxvend bridge check-config"
    ),
    "the journal was made anew; confirm it": "账目已重新建立，请确认",
    "lane {lane}: {count} failures in a row": "货道 {lane}：连续失败 {count} 次",
    "lane {lane}: {why}": "货道 {lane}：{why}",
}
