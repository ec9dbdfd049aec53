"""What is known of characters in names, as tables. They were put together by hand for this gateway."""

from __future__ import annotations

from typing import Final

VARIANTS: Final = (
    "峰峯 群羣 强彊 升陞 棋碁棊 修脩 晋晉 彦彥 黄黃 吕呂 青靑 清淸 静靜 温溫 真眞 卫衞 启啓啟 恒恆 高髙 "
    "岩巖嵒巗 凉涼 冲沖 净淨 决決 况況 户戶戸 吴呉 录彔 悦悅 说説 锐鋭 脱脫 顔颜 产産 教敎 郎郞 既旣 姊姉 "
    "柏栢 泛汎 赞讃贊 睿叡 韵韻 咏詠 迹蹟 暖煖 烟煙 焰燄 秋秌穐 剑劒劔剣 宝寳寶 国囯圀囻 华崋 德徳悳惪 惠恵 "
    "凤鳯 丰豊 泽沢 樱桜 增増 步歩 频頻 徵徴 黑黒 每毎 姬姫 溪渓谿 鸡鶏鷄 龙竜 滝泷 亚亜 穗穂 齐斉 薰薫 "
    "勋勲勛 荣栄 学斈 觉覚 珍珎 俞兪 娘嬢 蝶蜨 粮糧 灯燈 杯盃 泪淚 线綫 胆膽 游遊 够夠 回囘廻 杰傑 昆崑崐 "
    "明眀 仑崙 淀澱 苏蘓甦 笋筍 炼鍊 伫佇 侠俠 众眾衆"
)
"""Other accepted ways of writing one character (异体字), groups with the usual one first.

Characters that became names of their own (堃 and 坤, 喆 and 哲, 甯 and 宁) are two characters and stay two.
"""

MIXED_SOUNDS: Final = {"re": "ri", "de": "te", "tuo": "tu", "chu": "chao", "qiao": "chao", "ga": "gao", "mo": "mu"}
"""Sounds that transcriptions mix: 日/热, 特/得, 图雅/托娅, 朝鲁/楚鲁/巧鲁, 高娃/嘎娃, 木/莫."""

FOLK_SURNAMES: Final = {"肖": "萧", "付": "傅", "闫": "阎", "代": "戴", "邱": "丘", "鄂": "敖"}
"""Surnames that offices write in two ways since the simplification of 1977, one → the other."""

FRONT_SURNAMES: Final = frozenset(
    "包白王韩何乌海吴李张陈金赵齐孟佟鲍宝云奇康胡刘杨于马罗梁高戴暴席陶苏谢邢蔡孙徐周郭鄂敖图那卜朱伊赛宋杭沙"
)
"""Surnames that Mongolian families bear in front of the name, or leave out."""

RARER_SURNAMES: Final = frozenset(
    "邰暴佟鲍席邢鄂敖卜沙安翟庄柳季葛穆骆蓝解柴辛管祝左涂谷祁舒耿牟路詹关苑凌费纪靳盛童苗庞樊兰殷施洪倪严牛温芦俞章鲁伍韦申"
    "尤毕聂焦向岳梅莫闵娄池单于华欧霍司游甘宁冷饶景隋褚阮蔺冉时柏米车巫卞戚仲屈成党晏窦裴栾封房阳简应符卓戈桂原初艾连苟谌全"
    "瞿楚屠敬靖宫衣古冀滕尚荣闻仇仝郁燕惠麦边查木明商皮臧练畅匡阚亢干计杭仁银尧郜郏郇璩寇逯闪虎雍双粟沃厉谯佘芮羿巩乜缪"
)
"""More Han surnames of one character, for what may stand in front of a name that is known to be a transcribed one."""

HAN_SURNAMES: Final = FRONT_SURNAMES | frozenset(
    "朱林何郭罗宋郑谢唐冯董萧肖程曹袁邓许傅付沈曾彭吕苏卢蒋贾丁魏薛叶阎闫余潘杜戴夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔崔康毛"
    "邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文甄海云哈达齐"
)
"""Surnames a short name may begin with: the most frequent, and those that families here bear."""

DOUBLE_SURNAMES: Final = frozenset(
    (
        "欧阳",
        "司马",
        "上官",
        "诸葛",
        "皇甫",
        "司徒",
        "慕容",
        "东方",
        "夏侯",
        "尉迟",
        "公孙",
        "令狐",
        "宇文",
        "长孙",
        "端木",
        "南宫",
        "独孤",
        "呼延",
        "轩辕",
        "闻人",
        "太史",
        "申屠",
    )
)
"""Han surnames of two characters."""

TRANSCRIBING: Final = frozenset(
    "额尔敦朝鲁阿拉坦苏日斯琴乌兰娜仁宝音那顺孟和敖登萨呼哈布云雅牧特木必力格克青勒古达来胡查图门吉莫根干锡"
    "林巴彦德满都旭通嘎其高娃塔托娅珊丹花莲琪陶毕仓夫白热思丽买提依努汗艾山不江汉玛赛居马伊包道扎赉赤铁龙嘉"
    "措卓西次央金旺堆贡加顿珠多杰增罗桑索南才让洛色普姆拥忠泽娘郎他合肉孜沙迪卡吾守夏帕再吐逊柯赞舍什赫希昂"
    "沁胜宁齐奈曼永荣套海照戈壁召浩毛脑拜亥劳塞扣浑尼楚伦温优奥罕诺恩牡莎茹太"
)
"""Characters that transcriptions use, and Han given names seldom: a name made of them is a transcribed one."""

_SHORT: Final = (
    "乌云 乌恩 乌兰 乌仁 乌日 宝音 宝力 宝力高 苏和 苏日 苏雅 高娃 白音 白乙拉 包力高 海日 云登 敖登 敖日 那仁 那顺 "
    "图雅 图门 诺敏 明根 图布新 萨如拉 赛罕 赛音 赛汉 莫德格 浩毕斯 陶格斯 韩德玛 胡日查 康巴 杭盖"
)
SHORT_TRANSCRIBED: Final = frozenset(_SHORT.split())
"""Short names of transcription that begin like a Han name, or hold a character that Han names have too."""

_WORDS: Final = (
    "格日勒 格日勒图 其其格 琪琪格 其木格 图雅 托娅 高娃 巴特尔 巴图 巴雅尔 巴雅尔图 布和 特木尔 铁木尔 "
    "吉日嘎拉 吉日格勒 陶克陶 陶克陶呼 毕力格 必力格 毕力格图 必力格图 宝力高 宝力道 包力道 木仁 牧仁 达来 白音 "
    "巴音 巴彦 苏和 巴根 巴根那 满都呼 满都拉 满都拉图 吉雅 吉雅图 那木拉 道尔吉 敖其尔 额尔敦 额尔德尼 "
    "额尔敦图 额尔敦巴图 阿拉坦 阿拉腾 阿木古郎 阿古拉 阿荣 阿茹娜 苏日 苏日娜 苏日图 苏日塔拉图 斯琴 斯琴图 "
    "乌兰 乌云 乌日娜 乌力吉 乌恩 乌恩其 娜仁 娜日苏 娜拉 那仁 那顺 那日苏 宝音 宝音图 孟和 孟根 敖登 萨仁 "
    "萨日娜 萨如拉 萨楚拉 呼和 呼格吉勒 呼格吉勒图 哈斯 哈斯图 朝克 朝克图 朝鲁 朝鲁门 青格勒 青格勒图 胡日查 "
    "图门 莫日根 查干 锡林 德力格尔 德力格尔玛 旭日 旭日干 通拉嘎 通嘎拉 额日德木 额日德木图 苏都 苏雅拉 "
    "苏雅拉图 巴达玛 巴达拉 扎木苏 青巴雅尔 图布新 赛音 赛罕 赛汉 伊德尔 照日格 照日格图 塔娜 珊丹 莲花 苏布德 "
    "海日 海日罕 金花 银花 丹巴 桑杰 桑布 扎布 朋斯克 森格 僧格 达日玛 道布 道布丹 诺敏 明根 敖日格乐 敖日其楞 "
    "乌日汗 乌日更 乌尼尔 乌仁 图娅 阿如汗 阿斯汗 布日古德 买买提 吐尔逊 艾山 艾合买提 阿不都 阿不都拉 阿卜杜 "
    "阿卜杜拉 古丽 依明 肉孜 卡德尔 沙迪克 哈力克 热依汗 木拉提 叶尔江 赛力克 扎西 卓玛 次仁 央金 旺堆 丹增 "
    "顿珠 多杰 平措 达瓦 尼玛 洛桑 拉姆 措姆 曲珍 白玛 索朗 格桑 贡布 罗布 益西 仁青"
)
NAME_WORDS: Final = frozenset(_WORDS.split())
"""Words that transcribed names are made of, each of them a name by itself: what ends with one was not cut short, or
nobody can tell."""

_PARTS: Final = (
    "吉吉喆 方方土堃 牛牛牛犇 水水水淼 火火火焱 土土土垚 金金金鑫 斌贝赟 文武贝赟 日文旻 日升昇 王月玥 "
    "玉月玥 王君珺 礻韦祎 示韦祎 羽中翀 中羽翀 由页𬱖 女青婧 王景璟 王炎琰 王宣瑄 王旬珣 王昆琨 王韦玮 "
    "日含晗 日成晟 日方昉 金容镕 钅容镕 金成铖 钅成铖 火宣煊 水丰沣 氵丰沣 氵昊淏 水昊淏 水浩淏 女予妤 "
    "女朱姝 龙天䶮 天龙䶮 女洁㛃 金宏𬭎 钅宏𬭎 日希晞 日羊旸 日旸旸 日韦暐 王玄玹 王凡玑 艹凡芃 草凡芃 "
    "火木火木燊 氵恬湉 水恬湉 立立竝 石石石磊 日日日晶 羽宏翃 日句昫"
)

PARTS: Final = {entry[:-1]: entry[-1] for entry in _PARTS.split()}
"""What clerks type for a character their system does not know → the character."""
