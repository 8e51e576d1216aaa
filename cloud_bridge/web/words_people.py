"""Words of the login, one's own account, people and the audit, and lines that say why not.

More of `WORDS` and of `TOLD`, under the same keys.
"""

from typing import Final

PEOPLE_WORDS: Final[dict[str, tuple[str, str]]] = {
    # ---- the login
    "login": ("登录", "Log in"),
    "logout": ("退出", "Log out"),
    "login_off": ("这里没有启用登录。", "Nobody is asked for a login here."),
    "login_nobody": ("还没有用户。请在服务器上运行：", "There is no user yet. On the server:"),
    "login_wrong": ("用户名、密码或验证码不正确", "Name, password or code is wrong"),
    "login_late": ("尝试过多，请过几分钟再试", "Too many tries. Wait some minutes"),
    "login_lost": ("服务器没有应答", "The bridge does not answer"),
    "user_name": ("用户名", "Name"),
    "password": ("密码", "Password"),
    "code": ("验证码", "Code"),
    "code_hint": ("手机上的六位数字，如已启用", "six digits of your phone, if you have it"),
    "no_right": ("没有权限", "You may not do this"),
    "no_right_next": (
        "请用另一个用户登录，或请管理员给你所需的角色。",
        "Log in as somebody else, or ask an admin for the role.",
    ),
    # ---- one's own account
    "roles": ("角色", "Roles"),
    "where": ("可见机器", "Machines to see"),
    "everywhere": ("全部机器", "All machines"),
    "account_none": (
        "这里没有登录用户。要建立第一个用户，请在服务器上运行：",
        "Nobody is logged in here. For the first user, on the server:",
    ),
    "factor": ("两步验证", "Second factor"),
    "factor_on": ("两步验证已启用", "with a second factor"),
    "factor_off": ("未启用两步验证", "without a second factor"),
    "factor_needed": (
        "你的角色涉及钱款或用户：启用两步验证之前只能查看。",
        "Your roles decide about money or people: until you set up a second factor you can only look.",
    ),
    "factor_set": ("启用两步验证", "Set it up"),
    "factor_anew": ("换一部手机", "Another phone"),
    "factor_scan": ("用手机上的验证器扫码：", "Scan this with the authenticator on your phone:"),
    "factor_code": ("两步验证的二维码", "The code of the second factor"),
    "factor_type": ("或手工输入：", "Or type it:"),
    "factor_take": ("确认验证码", "Confirm the code"),
    "factor_done": ("两步验证已启用", "The second factor is set up"),
    "password_now": ("当前密码", "Password now"),
    "password_new": ("新密码", "New password"),
    "password_lead": (
        "至少 12 个字符。更改后其他登录全部失效。",
        "At least 12 characters. Every other session of yours ends with the change.",
    ),
    "password_change": ("更改密码", "Change it"),
    "password_done": ("密码已更改", "The password is changed"),
    # ---- people
    "people_page": ("人员", "People"),
    "people_lead": (
        "授权需要另一位管理员同意；停用立即生效。新用户、密码和两步验证在服务器上办理：wxvend bridge user。",
        "Rights need a second admin; shutting out works at once. New users, passwords and second factors are "
        "made on the server: wxvend bridge user.",
    ),
    "users": ("用户", "Users"),
    "users_none": ("还没有用户。请在服务器上运行：", "There is no user yet. On the server:"),
    "wishes": ("等待另一位管理员", "Waits for another admin"),
    "waits_for_admin": ("已提交，等待另一位管理员同意", "It waits for another admin"),
    "asked_by": ("申请人", "Asked by"),
    "agree": ("同意", "Agree"),
    "agree_another": ("须由另一位管理员同意", "another admin has to agree"),
    "refuse": ("拒绝", "Refuse"),
    "change": ("更改", "Change"),
    "machines_named": ("机器编号，用空格分开", "Machines, with blanks between"),
    "merchants": ("商户", "Merchants"),
    "reason": ("原因", "Reason"),
    "ask_rights": ("申请", "Ask for it"),
    "let_in": ("恢复登录", "Let in again"),
    "shut_out": ("已停用", "shut out"),
    "shut_out_do": ("停用", "Shut out"),
    "shut_out_means": (
        "立即退出，不能再登录。恢复需要两位管理员。",
        "is logged out now and not let in any more. Undoing it takes two admins.",
    ),
    "role.viewer": ("查看", "viewer"),
    "role.technician": ("技术员", "technician"),
    "role.operator": ("运营", "operator"),
    "role.finance": ("财务", "finance"),
    "role.admin": ("管理员", "admin"),
    # ---- the audit
    "audit_page": ("操作记录", "Audit"),
    "audit_lead": (
        "谁在何时因何做了什么。每一行都与之前各行相连，改动会被发现：",
        "Who did what, when and why. Each line is bound to all before it; a change of one shows:",
    ),
    "audit_none": ("还没有操作记录", "Nobody has done anything yet"),
    "number": ("编号", "No."),
    "by_whom": ("谁", "Who"),
    "deed": ("操作", "What"),
    "about_what": ("对象", "About"),
    "before_after": ("之前 → 之后", "Before → after"),
    "older_lines": ("更早", "Older"),
    "deed.login": ("登录", "logged in"),
    "deed.login_refused": ("登录被拒", "was not let in"),
    "deed.logout": ("退出", "logged out"),
    "deed.password": ("更改密码", "changed the password"),
    "deed.second_factor": ("启用两步验证", "set up a second factor"),
    "deed.user_add": ("新建用户", "made a user"),
    "deed.user_rights": ("更改权限", "gave other rights"),
    "deed.user_rights_asked": ("申请权限", "asked for rights"),
    "deed.user_rights_refused": ("拒绝授权", "refused rights"),
    "deed.user_password": ("重置密码", "set a password"),
    "deed.user_second_factor_off": ("重置两步验证", "took a second factor away"),
    "deed.user_disable": ("停用用户", "shut a user out"),
    "deed.user_enable": ("恢复用户", "let a user in again"),
    "deed.token_add": ("新建令牌", "made a token"),
    "deed.token_revoke": ("作废令牌", "revoked a token"),
    "deed.own_account": ("更改自己的账户", "changed an account"),
    "deed.see_fleet": ("查看机器", "looked at machines"),
    "deed.see_sales": ("查看销售", "looked at sales"),
    "deed.see_money": ("查看账目", "looked at money"),
    "deed.see_audit": ("查看操作记录", "looked at the audit"),
    "deed.handle_machine": ("操作机器", "had a machine do something"),
    "deed.refill": ("记录补货", "noted a refill"),
    "deed.refund": ("退款", "gave money back"),
    "deed.approve": ("复核", "was the second person"),
    "deed.decide_case": ("处理待办", "decided a case"),
    "deed.free_vend": ("免费出货", "gave goods for nothing"),
    "deed.edit_catalogue": ("更改商品", "changed the catalogue"),
    "deed.catalogue_drop": ("撤回商品更改", "dropped a change that waited"),
    "deed.catalogue_go_on": ("继续下发商品表", "let a roll-out go on"),
    "deed.stock_refilled": ("补入库存", "put pieces in"),
    "deed.stock_corrected": ("更正库存", "corrected a count"),
    "deed.acknowledge_alarm": ("处理告警", "looked after an alarm"),
    "deed.manage_people": ("管理人员", "managed people"),
    "deed.command.stop": ("停止销售", "stopped a machine"),
    "deed.command.start": ("恢复销售", "started a machine"),
    "deed.command.reboot": ("重启机器", "restarted a machine"),
    "deed.command.identify": ("显示机号", "had a machine show its name"),
    "deed.command.clear_lane": ("恢复货道", "brought a lane back"),
    "deed.command.refill": ("记录补货", "noted a refill"),
    "deed.alarm.acknowledge": ("接手告警", "took an alarm in hand"),
    "deed.alarm.snooze": ("暂缓告警", "put an alarm off"),
    "deed.alarm.wake": ("重新提醒告警", "had an alarm told again"),
}

PEOPLE_TOLD: Final[dict[str, str]] = {
    "too many tries. Try: later": "尝试过多，请稍后再试",
    "too many log in now. Try: in a minute": "同时登录的人过多，请一分钟后再试",
    "name, password or code is wrong": "用户名、密码或验证码不正确",
    "this session has ended. Try: log in again": "登录已失效，请重新登录",
    "password: found another one than yours now": "当前密码不正确",
    "password: found {count} characters, allowed {least} to {most}": (
        "密码有 {count} 个字符，应为 {least} 到 {most} 个"
    ),
    "password: found the name in it, or few different characters. Try: three words of your own": (
        "密码含有用户名或字符过于单一，请换成几个不相干的词"
    ),
    "code: found another one than the phone shows now. Try: the next one": "验证码不正确，请输入下一个",
    "found {person}, who asked for it himself; allowed: another admin": (
        "{person} 是申请人，须由另一位管理员同意"
    ),
    "found your own rights; allowed: an admin whom they are not about": (
        "涉及你本人的权限，须由另一位管理员同意"
    ),
    "found nothing that waits for {person}. Try: look again, somebody was quicker": (
        "{person} 已没有待处理的申请"
    ),
}
