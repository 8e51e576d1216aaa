"""Tell whoever installs a bridge what his files for APIv2 hold, and what is wrong with any of them."""

from cloud_bridge.wechat.key_report import KeyReport, out_of_date, validity
from cloud_bridge.wechat.v2_account import API_V2_KEY_BYTES, V2Settings, look_v2


def describe_v2(settings: V2Settings, *, now_s: float) -> KeyReport:
    """Read every file that the settings name. `now_s` is Unix seconds. No secrets in what is said."""
    found = look_v2(settings)
    lines, mistakes = [], list(found.mistakes)
    if found.key is not None:
        lines.append(
            f"api_v2_key_file: {settings.api_v2_key_file}: {API_V2_KEY_BYTES} characters; signs calls, "
            f"notifications and order requests of APIv2 with {settings.sign_type}"
        )
    if found.certificate is not None:
        words = f"merchant_certificate_file: {settings.merchant_certificate_file}"
        lines.append(f"{words}: shown for refunds by APIv2, {validity(found.certificate, now_s)}")
        mistakes += out_of_date(words, found.certificate, now_s)
    return KeyReport(lines=tuple(lines), mistakes=tuple(mistakes))
