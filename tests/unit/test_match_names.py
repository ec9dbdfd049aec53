"""Ways of writing a name: which are known, and which are somebody else's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.match import LEVELS
from gateway.core.match.writing.name_keys import name_key, name_keys
from gateway.core.match.writing.names import compare_names

WRITINGS = [
    # record, member, level
    ("张三", "张三", "equal"),
    (" 张　三 ", "张三", "equal"),
    ("ＪＯＨＮ ＳＭＩＴＨ", "John Smith", "equal"),
    ("张\u200b三\ufeff", "张三", "equal"),
    ("张三\U000e0100", "张三", "equal"),
    ("'张三", "张三", "variant"),
    ("王\ue863国", "王䶮国", "rare_lost"),
    ("張偉國", "张伟国", "variant"),
    ("吕志峯", "吕志峰", "variant"),
    ("黃靑", "黄青", "variant"),
    ("張建國(职工)", "张建国", "variant"),
    ("额尔敦·朝鲁", "额尔敦朝鲁", "transcribed"),
    ("额尔敦．朝鲁", "额尔敦·朝鲁", "equal"),
    ("额尔敦•朝鲁", "额尔敦朝鲁", "transcribed"),
    ("额尔敦 朝鲁", "额尔敦·朝鲁", "transcribed"),
    ("包额尔敦朝鲁", "额尔敦朝鲁", "transcribed"),
    ("额尔敦朝鲁", "包额尔敦朝鲁", "transcribed"),
    ("白白音吉日嘎拉", "白音吉日嘎拉", "transcribed"),
    ("额尔敦朝路", "额尔敦朝鲁", "transcribed"),
    ("额尔敦朝", "额尔敦朝鲁", "cut"),
    ("包额尔敦朝", "额尔敦朝鲁", "cut"),
    ("额尔敦?", "额尔敦朝鲁", "cut"),
    ("买买提·吐", "买买提·吐尔逊", "cut"),
    ("王?", "王喆", "rare_lost"),
    ("王□国", "王玥国", "rare_lost"),
    ("王??国", "王玥国", "rare_lost"),
    ("王喆", "王?", "rare_lost"),
    ("王哲", "王喆", "rare_homophone"),
    ("王伟坤", "王伟堃", "rare_homophone"),
    ("王伟堃", "王伟坤", "homophone"),
    ("王昀云", "王昀赟", "homophone"),
    ("王吉吉", "王喆", "rare_spelt"),
    ("王（方方土）", "王堃", "rare_spelt"),
    ("王zhe国", "王喆国", "rare_spelt"),
    ("王(ZHE)", "王喆", "rare_spelt"),
    ("肖伟", "萧伟", "folk_surname"),
    ("付晓明", "傅晓明", "folk_surname"),
    ("张?国", "张伟国", "lost"),
    ("张*国", "张伟国", "hidden"),
    ("张?", "张伟", "typo"),
    ("张**", "张伟国", "hidden"),
    ("张韦国", "张伟国", "homophone"),
    ("张莉", "张丽", "homophone"),
    ("张伟", "张伟国", "typo"),
    ("张国伟", "张伟国", "typo"),
    ("张伟明", "张伟国", "typo"),
    ("买买提", "买买提·吐尔逊", "typo"),
    ("买买提·", "买买提·吐尔逊", "cut"),
    ("额尔敦", "额尔敦朝鲁", "surname"),
    ("张丽", "张伟", "surname"),
    ("欧阳明", "欧阳国伟", "surname"),
    ("乌兰琪琪格", "乌兰其其格", "sounds_alike"),
    ("莫日根图雅", "莫日根托娅", "surname"),
    ("琪琪格", "其其格", "sounds_alike"),
    ("特木尔", "铁木尔", "typo"),
    ("白诺敏", "诺敏", "transcribed"),
    ("包乌云", "乌云", "transcribed"),
    ("王金龙", "金龙", "differs"),
    ("林海", "张林海", "typo"),
    ("李偉國(本人)", "李伟国", "variant"),
    ("王丽(小)", "王丽", "newborn"),
    ("王丽（双胞胎）", "王丽", "newborn"),
    ("王丽（张伟代）", "王丽", "newborn"),
    ("王丽(男)", "王丽", "newborn"),
    ("额尔敦\u02d9朝鲁", "额尔敦·朝鲁", "equal"),
    ("王眀", "王明", "variant"),
    ("张三之子", "张三", "newborn"),
    ("张三之女", "张三", "newborn"),
    ("张三(婴儿)", "张三", "newborn"),
    ("张三婴", "张三", "newborn"),
    ("张三之长女", "张三", "newborn"),
    ("张三之子A", "张三", "newborn"),
    ("李四", "张三", "differs"),
    ("?", "张三", "differs"),
    ("·", "张三", "differs"),
    ("JOHN SMITH", "Smith John", "variant"),
    ("Smith, John", "SMITH JOHN", "variant"),
    ("JOHNSMITH", "SMITH JOHN", "variant"),
    ("García José", "GARCIA JOSE", "variant"),
    ("JEAN-PAUL MARTIN", "MARTIN JEAN PAUL", "variant"),
    ("WILLIAMSON CHRISTO", "WILLIAMSON CHRISTOPHER", "cut"),
    ("JOHN SMITH", "JOHN MICHAEL SMITH", "lost"),
    ("JOHN SMYTH", "JOHN SMITH", "typo"),
    ("MARY SMITH", "JOHN SMITH", "surname"),
    ("IVAN PETROV", "JOHN SMITH", "differs"),
    ("WANG WEI", "王伟", "homophone"),
    ("WEI WANG", "王伟", "homophone"),
    # Hidden on purpose: what is shown agrees, and so it does with a brother's.
    ("王*", "王䶮", "hidden"),
    ("王＊", "王䶮", "hidden"),
    ("王×", "王䶮", "hidden"),
    ("王*", "王*", "equal"),
    ("王䶮", "王*", "hidden"),
    ("欧阳*", "欧阳明", "hidden"),
    ("欧*明", "欧阳明", "hidden_surname"),
    ("*卫东", "张卫东", "hidden_surname"),
    ("**", "张伟国", "hidden_surname"),
    ("张*强", "张伟国", "differs"),
    ("李*国", "张伟国", "differs"),
    ("JOHN S****", "JOHN SMITH", "hidden_surname"),
    ("CHRISTOPHER W*****", "CHRISTOPHER WILLIAMSON", "hidden_surname"),
    # Lost on the way, as old systems lose what they cannot write.
    ("王〓", "王䶮", "rare_lost"),
    ("王■", "王䶮", "rare_lost"),
    ("王\ufffd", "王䶮", "rare_lost"),
    ("土默特·格日勒图", "格日勒图", "family_in_front"),
    ("格日勒图", "土默特·格日勒图", "family_in_front"),
    ("巴雅尔·苏日娜", "苏日娜", "family_in_front"),
    ("邰其其格", "其其格", "family_in_front"),
    ("巴雅尔·高娃", "高娃", "differs"),
    ("邰乌云", "乌云", "differs"),
    ("其其格", "琪琪格", "sounds_alike"),
    ("阿卜杜", "阿不都", "sounds_alike"),
    ("旦增", "丹增", "sounds_alike"),
    ("格日勒", "格日乐", "sounds_alike"),
    ("杜玉", "杜玉𬍛", "rare_dropped"),
    ("杜", "杜𬍛", "surname"),
    ("包格日勒", "包格日勒图", "typo"),
    ("德力格尔", "德力格尔玛", "typo"),
    ("土默特·格日勒", "土默特·格日勒图", "typo"),
    ("包格日勒?", "包格日勒图", "lost"),
    ("⻰建国", "龙建国", "equal"),
    ("⻩⻢", "黄马", "equal"),
    ("杜玉&#181083;", "杜玉𬍛", "equal"),
    ("杜玉&#x2C35B;", "杜玉𬍛", "equal"),
    ("土默特\u1427格日勒图", "土默特·格日勒图", "equal"),
    ("土默特\u318d格日勒图", "土默特·格日勒图", "equal"),
    ("ІVАN PETROV", "IVAN PETROV", "equal"),
]


@pytest.mark.parametrize(("written", "of", "level"), WRITINGS)
def test_a_name_agrees_at_its_level(written: str, of: str, level: str) -> None:
    assert compare_names(written, of) == level


@pytest.mark.parametrize(("one", "other"), [("张喆", "张哲伟"), ("王宁", "王甯国"), ("李堃", "李玥")])
def test_characters_of_their_own_are_no_variants(one: str, other: str) -> None:
    assert compare_names(one, other) in ("surname", "typo", "differs")


ASKING = [
    ("張偉國", "张伟国"),
    ("张?国", "张伟国"),
    ("?伟国", "张伟国"),
    ("张伟?", "张伟国"),
    ("张韦国", "张伟国"),
    ("张国", "张喆国"),
    ("张?", "张伟"),
    ("?伟", "张伟"),
    ("王zhe国", "王喆国"),
    ("王吉吉", "王喆"),
    ("包额尔敦朝鲁", "额尔敦朝鲁"),
    ("额尔敦朝鲁", "包额尔敦朝鲁"),
    ("包额尔敦", "额尔敦·朝鲁"),
    ("额尔敦•朝鲁", "额尔敦朝鲁"),
    ("白?花", "白云花"),
    ("肖伟", "萧伟"),
    ("JOHN SMITH", "SMITH JOHN"),
    ("SMITHJOHN", "SMITH JOHN"),
    ("王（方方土）", "王堃"),
    ("王喆", "王ZHE"),
]


@pytest.mark.parametrize(("written", "of"), ASKING)
def test_a_spoiled_name_asks_for_a_key_its_owner_is_found_by(written: str, of: str) -> None:
    assert name_key(written) in name_keys(of)


def test_a_member_has_five_keys_at_most() -> None:
    assert max(len(name_keys(of)) for _, of in ASKING) <= 5


ANY_NAME = st.text(st.sampled_from("张王李喆玥伟国额尔敦朝鲁包·•?□*()（ ABCzé吉方土之子婴萧肖"), max_size=8)


@given(ANY_NAME, ANY_NAME)
def test_every_pair_of_names_has_a_level(one: str, other: str) -> None:
    assert compare_names(one, other) in LEVELS["name"]


@given(ANY_NAME)
def test_a_name_equals_itself(name: str) -> None:
    assert compare_names(name, name) == "equal"
