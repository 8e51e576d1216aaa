"""Words of the alarms' page, of alarms that the bridge raises about machines, and lines about both.

More of `WORDS` and of `TOLD`, under the same keys.
"""

from typing import Final

ALARM_WORDS: Final[dict[str, tuple[str, str]]] = {
    # ---- alarms
    "stop.machine_offline": ("机器离线", "a machine is gone"),
    "next.machine_offline": (
        "检查机器的电源和网络；期间它不出码，已付款的单会转退款或人工",
        "see to its power and network; it shows no code meanwhile, and what was paid is looked after",
    ),
    "stop.broker_lost": ("与消息服务器断开", "the broker is not there"),
    "next.broker_lost": (
        "检查消息服务器和网络；期间机器不出码，收款核对照常",
        "see to broker and network; machines show no code meanwhile, payments are looked after",
    ),
    "stop.link_flapping": ("网络时断时续", "a link comes and goes"),
    "next.link_flapping": (
        "检查信号、天线、网卡和流量卡；断续时机器会少卖",
        "look at signal, antenna and SIM card; it sells less as long as it lasts",
    ),
    "stop.door_left_open": ("机门长时间未关", "a door is left open"),
    "next.door_left_open": (
        "请人到场关门；若已关好，检查门开关",
        "have it closed; if it is, check its switch",
    ),
    "stop.temperature_range": ("温度超出范围", "a temperature is out of its range"),
    "next.temperature_range": (
        "检查压缩机、风扇和门封；范围在 [alerts.machines] 中设置",
        "look at compressor, fan and seal; the range is in [alerts.machines]",
    ),
    "stop.no_sale": ("长时间没有销售", "nothing was sold for too long"),
    "next.no_sale": (
        "到场试买一次：屏幕、二维码、键盘是否正常；节假日可暂停提醒",
        "buy something there: do screen, code and keypad work? On a holiday, snooze it",
    ),
    # ---- the page
    "alarms_page": ("告警", "Alarms"),
    "alarms_lead": (
        "每个故障一行，最要紧的在前。处理后会自动解除。",
        "One line for each fault, the gravest first. A fault that is mended ends by itself.",
    ),
    "alarms_none": (
        "没有告警。故障发生时会出现在这里，并通知设置中的各方。",
        "No alarm stands. A fault appears here, and whoever is named in the settings is told.",
    ),
    "weight.urgent": ("紧急", "Urgent"),
    "weight.warning": ("注意", "Warning"),
    "weight.note": ("提示", "Note"),
    "flaps": ("时有时无，一小时内次数", "comes and goes, times within the hour"),
    "gone_now": ("此刻未出现", "not there right now"),
    "acked_by": ("负责人", "Looked after by"),
    "snoozed_until": ("暂停提醒至", "Told to nobody until"),
    "told_to": ("已通知", "Told to"),
    "told_to_none": ("尚未通知任何人", "nobody was told yet"),
    "act_ack": ("由我负责", "I look after it"),
    "act_snooze": ("暂停提醒", "Snooze"),
    "act_wake": ("重新提醒", "Tell others again"),
    "alarm_why": ("原因或打算", "Why, or what you will do"),
    "for_how_long": ("多久", "For how long"),
    "snooze.60": ("1 小时", "1 hour"),
    "snooze.240": ("4 小时", "4 hours"),
    "snooze.1440": ("1 天", "1 day"),
    "snooze.4320": ("3 天", "3 days"),
    "alarms_over": ("最近 24 小时已解除", "Over within 24 hours"),
    "alarms_over_none": ("最近 24 小时没有解除的告警。", "No alarm ended within 24 hours."),
    "over_at": ("解除", "Over"),
    "stood_for": ("持续", "Stood for"),
    "needs_why": ("请先写下原因", "Say why first"),
}

ALARM_TOLD: Final[dict[str, str]] = {
    "the bridge has no link to the broker: it hears no machine": "服务器与消息服务器断开，收不到机器消息",
    "nothing was heard of it for {minutes} min and more": "超过 {minutes} 分钟没有消息",
    "its link came back {count} times within an hour": "一小时内重连 {count} 次",
    "its door is open for {minutes} min and more": "机门打开超过 {minutes} 分钟",
    "{celsius} °C, allowed {lowest} to {highest} °C": "{celsius} °C，允许 {lowest} 至 {highest} °C",
    "no sale for {hours} h, when {number} were to be expected": (
        "{hours} 小时没有销售，按往常应有 {number} 笔"
    ),
    "{by} looks after the alarm {name}: {said}": "{by} 负责告警“{name}”：{said}",
    "{by} has the alarm {name} told to nobody for {minutes} min: {said}": (
        "{by} 暂停告警“{name}”{minutes} 分钟：{said}"
    ),
    "{by} has the alarm {name} told again: {said}": "{by} 恢复告警“{name}”的提醒：{said}",
}
