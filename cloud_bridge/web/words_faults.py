"""Words for what goes wrong in a machine: common faults, what to do about each, what drivers call theirs.

`fault.*` and `next.*` go by a fault's name (a lane's `fault`), `why.*` by a driver's. More of `WORDS`.
"""

from typing import Final

# name: what it is (zh, en), what to do (zh, en)
_FAULTS: Final[dict[str, tuple[tuple[str, str], tuple[str, str]]]] = {
    "channel_absent": (
        ("没有此货道", "there is no such lane"),
        ("核对商品表与主板的货道", "compare the catalogue's lanes with the board's"),
    ),
    "no_drop": (
        ("未检测到掉货", "nothing was seen to fall"),
        (
            "查看货道是否空或商品悬挂，再测试出货",
            "look for a piece that hangs; then test-vend the lane",
        ),
    ),
    "jam": (
        ("卡货", "a product is stuck"),
        ("取出卡住的商品，再测试出货", "free the product, then test-vend the lane"),
    ),
    "motor_timeout": (
        ("电机未到位", "the motor did not finish"),
        ("检查电机的到位开关，再测试出货", "check the motor's home switch, then test-vend the lane"),
    ),
    "motor_open": (
        ("电机未连接", "the motor is not connected"),
        ("检查插头与线缆，或更换电机", "check plug and cable, or change the motor"),
    ),
    "motor_overcurrent": (
        ("电机过载", "the motor draws too much"),
        ("疏通弹簧；再次发生则测量电机", "free the spiral; the second time, measure the motor"),
    ),
    "sensor_fault": (
        ("掉货检测故障", "the drop sensor has failed"),
        ("清洁两侧检测条并检查插头", "clean both strips and check their plugs"),
    ),
    "lift_fault": (
        ("升降机故障", "the lift has failed"),
        ("查看升降通道内有无商品，再手动升降", "look for a product in the shaft; then move the lift by hand"),
    ),
    "pickup_door": (
        ("取货门故障", "the pick-up door has failed"),
        ("查看门后有无商品，再开关一次", "look behind the door, then open and close it once"),
    ),
    "product_in_hatch": (
        ("取货口有商品", "a product lies in the hatch"),
        ("取走商品；若为空则清洁传感器", "take it out; clean the sensor if there is none"),
    ),
    "busy": (
        ("主板忙", "the board is busy"),
        (
            "一分钟后再看；若不变，请查看主板状态",
            "look again in a minute; then read the board's state",
        ),
    ),
    "comm_lost": (
        ("主板无应答", "the board does not answer"),
        ("检查电源、线缆与地址", "check power, cable and address"),
    ),
    "temp_sensor": (
        ("温度传感器故障", "the temperature is not known"),
        ("检查探头插头；决定须冷藏的商品", "check the probe's plug; decide about goods that must stay cold"),
    ),
}

FAULT_WORDS: Final[dict[str, tuple[str, str]]] = {
    **{f"fault.{name}": words for name, (words, _) in _FAULTS.items()},
    **{f"stop.{name}": words for name, (words, _) in _FAULTS.items()},
    **{f"next.{name}": todo for name, (_, todo) in _FAULTS.items()},
    "next.temperature_unknown": _FAULTS["temp_sensor"][1],
    # ---- what drivers call their boards' codes
    "why.over_current": ("电机过流", "the motor draws too much"),
    "why.motor_driver": ("电机驱动短路", "the motor's driver has a short"),
    "why.motor_not_in_place": ("电机不在原位", "the motor is not at its place"),
    "why.lane_fault": ("货道故障", "the lane has a fault"),
    "why.lane_type": ("货道类型不符", "the lane is of another type"),
    "why.refused": ("主板拒绝", "the board refused"),
    "why.result_pending": ("上次结果未读", "an earlier result waits"),
    "why.lock_not_open": ("锁未打开", "the lock did not open"),
    "why.vend_failure": ("机器报出货失败", "the machine reports a failed vend"),
    "why.failed": ("出货失败", "the vend failed"),
    "why.door_open": ("门未关", "a door is open"),
    "why.board_absent": ("驱动板无应答", "the motors' board does not answer"),
    "why.contradictory": ("主板前后不一", "the board contradicts itself"),
}
