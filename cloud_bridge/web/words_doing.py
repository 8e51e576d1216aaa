"""Words of what people do: buttons, what each of them means in fen and pieces, and what became of it."""

from typing import Final

DOING_WORDS: Final[dict[str, tuple[str, str]]] = {
    "doing": ("操作", "Do"),
    "doing.why": ("原因", "Reason"),
    "doing.why_hint": ("将永久保存", "it is kept for ever"),
    "doing.need_why": ("请先填写原因。", "Say why first."),
    "doing.busy": ("正在等待机器…", "Waiting for the machine…"),
    "doing.failed": ("未执行", "Not done"),
    "doing.done": ("已执行", "Done"),
    "doing.unsure": (
        "机器没有应答。无法得知是否已执行；如已执行，会出现在经过里。",
        "The machine did not answer. Nobody knows whether it was done; if so, the timeline will say it.",
    ),
    "doing.waits": ("等待第二人同意", "Waits for a second person"),
    "doing.approvals": ("待同意", "To agree"),
    # ---- a machine
    "doing.stop": ("停止销售", "Stop selling"),
    "doing.start": ("恢复销售", "Start selling"),
    "doing.reboot": ("空闲时重启", "Restart when idle"),
    "doing.identify": ("显示机号", "Show its name"),
    "doing.clear_lane": ("恢复货道", "Bring the lane back"),
    "doing.refill": ("记录补货", "Note the refill"),
    "doing.stop_means": (
        "这台机器将不再销售，重启后仍然如此。未付款的一单立即取消；已付款但未出货的会退款。",
        "This machine sells nothing any more, also after a restart. An unpaid sale ends now; what is paid "
        "meanwhile and not vended goes back.",
    ),
    "doing.start_means": ("这台机器将重新销售。", "This machine sells again."),
    "doing.reboot_means": (
        "当前一单结束后机器将重启，约两分钟内不销售。",
        "When the open sale has ended the computer restarts; nothing is sold for about two minutes.",
    ),
    "doing.identify_means": (
        "屏幕显示机号 20 秒，不影响正在进行的销售。",
        "The screen shows its name for 20 seconds; a sale that goes on is not touched.",
    ),
    "doing.clear_lane_means": (
        "货道通过自检（电机不转）后恢复销售。若再次失败两次会再次停用。",
        "The lane sells again once its self-test passes, which turns nothing. Two more failures take it out.",
    ),
    "doing.refill_means": ("将计入库存", "will be counted into the stock"),
    "doing.on_site": ("我在机器旁，已检查该货道", "I stand before it and looked at the lane"),
    "doing.lane": ("货道", "Lane"),
    "doing.pieces": ("放入件数", "Pieces put in"),
    "doing.fills_hint": (
        "填写本次放入的件数，不是补后的总数。",
        "Pieces that you put in now, not how many there are then.",
    ),
    "doing.fill_all": ("全部补满", "Fill all"),
    "doing.nothing_filled": ("没有填写件数。", "No pieces are filled in."),
    "doing.free": ("申请免费出货", "Ask for a free vend"),
    "doing.free_means": (
        "第二人同意后可在一天内出一件，不收款。",
        "one piece goes out for nothing within a day, once a second person has agreed.",
    ),
    "doing.give": ("现在出货", "Give it out now"),
    "doing.give_means": (
        "顾客须在机器前：机器立即免费出一件。未出货可再试，已出货不再出。",
        "whoever stands there gets one piece now, for nothing. Only if it fails may it be tried again.",
    ),
    "doing.in_lanes": ("件，货道数", "pieces, lanes"),
    # ---- a sale
    "doing.refund": ("退款", "Refund"),
    "doing.vended": ("确认已出货", "The goods are out"),
    "doing.close": ("已在别处处理", "Settled elsewhere"),
    "doing.refund_means": (
        "将退还顾客，不可撤销：",
        "goes back to the payer. This is never undone:",
    ),
    "doing.vended_means": (
        "不会退款。需要第二人同意：",
        "stays with the shop, and a second person has to agree:",
    ),
    "doing.close_means": (
        "账目将记为已在别处处理，系统不再退款：",
        "is written down as settled outside of these books, which will not refund it:",
    ),
    "doing.for_good": (
        "已出货，此处不能退款。如顾客确有理由，请在微信支付商户平台按付款单号退款。",
        "The goods are out, so nothing can be refunded here. If the payer is right, refund it in the "
        "merchant platform of WeChat Pay, by the payment number.",
    ),
    # ---- the second person
    "doing.approvals_none": ("没有待同意的事项。", "Nothing waits for a second person."),
    "doing.asked_by": ("申请人", "Asked by"),
    "doing.until": ("有效至", "Good until"),
    "doing.agree": ("同意", "Agree"),
    "doing.decline": ("拒绝", "Decline"),
    "doing.agree_means": ("立即执行，不可撤销：", "is done at once and never undone:"),
    "doing.second": ("第二人", "Second person"),
    "act.refund": ("人工退款", "Refund by hand"),
    "act.vended": ("按已出货处理", "Called goods out"),
    "act.free_vend": ("免费出货", "Free vend"),
    "act.case.closed": ("已在别处处理", "Settled elsewhere"),
    "stand.waiting": ("等待", "waiting"),
    "stand.done": ("已执行", "done"),
    "stand.declined": ("已拒绝", "declined"),
    "stand.expired": ("已过期", "expired"),
    "stand.failed": ("未成功", "failed"),
    # ---- why a machine did not
    "refused.offline": ("机器不在线，未执行", "the machine is not there; nothing was done"),
    "refused.no_answer": ("机器没有应答", "the machine did not answer"),
    "refused.busy": ("机器正忙，请稍后再试", "it is busy. Try again in a minute"),
    "refused.journal": ("机器账目不可信", "its journal is not believed"),
    "refused.late": ("指令到达太晚，未执行", "the command came too late; nothing was done"),
    "refused.session": ("机器刚刚重启，请再试", "it has just restarted. Try again"),
    "refused.leaving": ("已在等待重启", "it waits for its restart already"),
    "refused.self_test": ("货道自检未通过", "the lane's self-test did not pass"),
    "refused.no_such_lane": ("没有此货道", "there is no such lane"),
    "refused.unknown_command": ("机器软件太旧，不支持", "its software is too old for this"),
}

DOING_TOLD: Final[dict[str, str]] = {
    "lane {lane} is promised for nothing: {product}": "{lane} 号货道已免费保留：{product}",
    "authorised to vend, free of charge": "已授权免费出货",
    "not given out: {why}": "未出货：{why}",
    "{by}: stop; {was} -> {is}; {own}": "{by} 停止销售（{was} → {is}）：{own}",
    "{by}: start; {was} -> {is}; {own}": "{by} 恢复销售（{was} → {is}）：{own}",
    "{by}: start; {was} -> {is}": "{by} 恢复销售（{was} → {is}）",
    "{by}: reboot; {was} -> {is}; {at}; {own}": "{by} 要求重启（{was} → {is}），{at}：{own}",
    "{by}: identify; {was} -> {is}": "{by} 让机器显示机号（{was} → {is}）",
    "{by}: clear_lane {lane}; {was} -> {is}; {own}": "{by} 恢复货道 {lane}（{was} → {is}）：{own}",
    "{by}: clear_lane {lane}; {was} -> {is}": "{by} 恢复货道 {lane}（{was} → {is}）",
    "{by}: refill; {put}; {was} -> {is}; {own}": "{by} 补货 {put}（{was} → {is}）：{own}",
    "{by}: refill; {put}; {was} -> {is}": "{by} 补货 {put}（{was} → {is}）",
}
