"""Whose clocks a call has to respect: where the buyer lives, by address and number. Pure.

All of China has one official clock (Asia/Shanghai). Xinjiang and Tibet open and close two hours later in
practice, so their calling hours are counted on Asia/Urumqi (UTC+6) as well: from 11:00 Beijing time when the
shop calls from 09:00. A large country counts by its outermost zones, an unsure number by every zone it may
be in.
"""

from functools import lru_cache
from zoneinfo import ZoneInfo

import phonenumbers
from phonenumbers import timezone as phone_zones

CHINA = "Asia/Shanghai"
CHINESE_CODE = 86

# What an address begins with → its clocks. The longest that fits counts.
_PLACES: dict[str, tuple[str, ...]] = {
    "新疆": ("Asia/Urumqi",),
    "西藏": ("Asia/Urumqi",),
    "香港": ("Asia/Hong_Kong",),
    "澳门": ("Asia/Macau",),
    "台湾": ("Asia/Taipei",),
    "臺灣": ("Asia/Taipei",),
    "日本": ("Asia/Tokyo",),
    "韩国": ("Asia/Seoul",),
    "新加坡": ("Asia/Singapore",),
    "马来西亚": ("Asia/Kuala_Lumpur",),
    "泰国": ("Asia/Bangkok",),
    "越南": ("Asia/Ho_Chi_Minh",),
    "菲律宾": ("Asia/Manila",),
    "印度尼西亚": ("Asia/Jakarta", "Asia/Jayapura"),
    "印尼": ("Asia/Jakarta", "Asia/Jayapura"),
    "阿联酋": ("Asia/Dubai",),
    "美国": ("America/New_York", "America/Los_Angeles"),
    "加拿大": ("America/Toronto", "America/Vancouver"),
    "英国": ("Europe/London",),
    "德国": ("Europe/Berlin",),
    "法国": ("Europe/Paris",),
    "意大利": ("Europe/Rome",),
    "西班牙": ("Europe/Madrid",),
    "荷兰": ("Europe/Amsterdam",),
    "俄罗斯": ("Europe/Moscow", "Asia/Vladivostok"),
    "澳大利亚": ("Australia/Sydney", "Australia/Perth"),
    "澳洲": ("Australia/Sydney", "Australia/Perth"),
    "新西兰": ("Pacific/Auckland",),
}
# The last word of an address in Latin letters.
_COUNTRIES = {
    "hong kong": "香港",
    "macau": "澳门",
    "macao": "澳门",
    "taiwan": "台湾",
    "japan": "日本",
    "korea": "韩国",
    "singapore": "新加坡",
    "malaysia": "马来西亚",
    "thailand": "泰国",
    "vietnam": "越南",
    "philippines": "菲律宾",
    "indonesia": "印尼",
    "usa": "美国",
    "united states": "美国",
    "canada": "加拿大",
    "united kingdom": "英国",
    "uk": "英国",
    "germany": "德国",
    "france": "法国",
    "italy": "意大利",
    "spain": "西班牙",
    "netherlands": "荷兰",
    "russia": "俄罗斯",
    "australia": "澳大利亚",
    "new zealand": "新西兰",
}


def place_of(address: str) -> str:
    """The part of the world with a clock of its own that the address names; empty: China's usual clock."""
    text = address.strip().removeprefix("中国").lstrip(" ,，")
    found = max((place for place in _PLACES if text.startswith(place)), key=len, default="")
    if found:
        return found
    last = text.rstrip(" .").lower()
    return next((place for word, place in _COUNTRIES.items() if last.endswith((f" {word}", f",{word}"))), "")


@lru_cache(maxsize=4096)
def _zones_of_phone(phone: str) -> tuple[str, ...]:
    """The zones a number from outside China may be in; none for a Chinese or unreadable one."""
    try:
        number = phonenumbers.parse(phone, "CN")
    except phonenumbers.NumberParseException:
        return ()
    if number.country_code == CHINESE_CODE:
        return ()
    return tuple(zone for zone in phone_zones.time_zones_for_number(number) if zone != "Etc/Unknown")


def buyer_zones(address: str, phone: str) -> tuple[ZoneInfo, ...]:
    """Every clock on which it has to be a decent hour for the buyer; empty: nothing is known but the shop's.

    A call is permitted only when it is on all of them: somebody with an address in Hangzhou and a Japanese
    number may be in either place.
    """
    address_zones = _PLACES.get(place_of(address), (CHINA,) if address.strip() else ())
    return tuple(ZoneInfo(name) for name in dict.fromkeys((*address_zones, *_zones_of_phone(phone.strip()))))
