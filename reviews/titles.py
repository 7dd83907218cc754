"""Titles nobody gives themselves towards a buyer: an invented one is an untruth (R4)."""

import re

# The only title the desk has is that of the person responsible after the sale.
RANK = (
    r"(?:总经理|副总|总监|总裁|董事长?|创始人|老板娘?|店长|店主|主任|厂长|经理|领导"
    r"|(?:厂家|工厂|品牌方?|厂方|总部|公司)(?:的)?(?:代表|负责人|人员|客服|专员)"
    r"|(?:平台|官方|淘宝|天猫|京东|拼多多|抖音)(?:的)?(?:客服|官方|工作人员|专员|代表|负责人)"
    r"|质检(?:员|专家|工程师)|工程师|律师|法务|消协|消费者协会|工商|市场监管)"
)
# In a name these stand alone; in a sentence they are everyday words.
_IN_A_NAME = re.compile(
    rf"(?:(?:高级|资深|首席|金牌)?(?:客服|售后|运营|品控|区域)?(?:部|中心)?(?:主管|组长|总管|部长|负责人|{RANK}))"
    r"|(?<=[\u4e00-\u9fff])总(?:监)?$|\b(?:(?:general|senior|customer service|after-sales) )*"
    r"(?:manager|director|supervisor|ceo|boss|owner|lawyer|engineer)\b",
    re.IGNORECASE,
)


def title_in(name: str) -> str:
    """The title that stands in a person's name: 客服主管 in 客服主管林. Empty: there is none."""
    found = _IN_A_NAME.search(name)
    return found[0].strip() if found else ""


def without_title(name: str) -> str:
    """The bare name: 客服主管林经理 → 林."""
    return " ".join(_IN_A_NAME.sub(" ", name).split())
