"""Facts about a buyer are facts: words that judge or insult the person are refused, with a better way. Pure.

PIPL art. 5, 6 and 28: true, needed, nothing sensitive; art. 45: the buyer may ask to read every word.
"""

import re
import unicodedata

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

_INSULTS = (
    "傻[逼比子瓜叉]|煞笔|沙比|sb|二逼|白痴|弱智|智障|脑残|神经病|有病吧|精神病|疯[子婆]|变态|垃圾人|人渣|贱[人货]|"
    "泼妇|无赖|流氓|混蛋|王八|废物|蠢[货猪]|他妈|妈的|滚蛋|狗[东屁]|死[胖穷]|乡巴佬|穷鬼|idiot|stupid|crazy|moron|asshole"
)
_JUDGEMENTS = (
    "难缠|难搞|难伺候|刁[蛮钻难]|不讲理|不讲道理|蛮不讲理|无理取闹|胡搅蛮缠|素质[低差]|没素质|人品|脾气[差坏大暴]|坏脾气|暴躁|"
    "小心眼|小气|抠门|贪小便宜|爱占便宜|占便宜|贪心|矫情|玻璃心|事[儿]?多|奇葩|脑子|智商|情商|作精|戏精|碰瓷|骗子|"
    "羊毛党|薅羊毛|职业差评|差评师|恶意买家|坏人|讨厌|烦人|没文化|文盲|势利|懒|"
    "difficult customer|greedy|rude|nasty|liar"
)
_SENSITIVE = (
    "宗教|信教|佛教|基督|伊斯兰|穆斯林|回族|维族|藏族|少数民族|党员|政治|怀孕|孕妇|残疾|癌|抑郁|艾滋|乙肝|"
    "身份证|银行卡|离婚|离异|单身|同性恋|月薪|工资|收入[高低]|没钱|穷|religion|pregnant|disabled|divorced"
)
_CLASSES: tuple[tuple[re.Pattern[str], object], ...] = (
    (re.compile(_INSULTS, re.IGNORECASE), gettext_lazy("“%(words)s” insults the buyer.")),
    (re.compile(_JUDGEMENTS, re.IGNORECASE), gettext_lazy("“%(words)s” judges the person.")),
    (
        re.compile(_SENSITIVE, re.IGNORECASE),
        gettext_lazy("“%(words)s” is nobody's business: belief, health, family and means are not kept."),
    ),
)
_BETWEEN = re.compile(r"[\s*·.。,，_\-​‌‍]+")


class NoFact(Exception):
    """The words are no fact about how to reach or treat the buyer; the message says why and what to write."""


def check_facts_only(text: str) -> None:
    """Raise NoFact when the text judges, insults or names what must not be kept. Spaces and signs put
    between the letters of a word hide nothing.
    """
    plain = unicodedata.normalize("NFKC", text)
    tight = _BETWEEN.sub("", plain)
    found = []
    for pattern, why in _CLASSES:
        words = dict.fromkeys(match.group() for match in (*pattern.finditer(plain), *pattern.finditer(tight)))
        if words:
            found.append(str(why) % {"words": "”“".join(words)})
    if found:
        found.append(_("Write what the buyer said, wants or did, for example “after eight in the evening”."))
        raise NoFact(" ".join(found))
