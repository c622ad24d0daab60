# ruff: noqa: E501 - the rows of a table stay on one line each
"""The simulated shop's brands and the sentences of its descriptions. Written for the simulator and read by nothing else."""

from typing import Final

BRANDS: Final = """
tea | 云岫 3; 山间集 2; 半日闲 1; 岩上青 3; 雾里 2; 清和茶事 1; 一叶堂 2 | Fernleigh 2; Harrow & Pine 3; Dailybrew 1; Saltmarsh 2; North Roast 3; Copperbean 1
kitchen | 陶然里 2; 景和窑 3; 三餐记 1; 木石间 2; 匠心炉 3; 小满家 1 | Kettlewick 2; Ironvale 3; Bramblecook 1; Oakhearth 2; Stonebridge 3; Pantrio 1
food | 嚼味坊 1; 果然鲜 2; 稻香里 1; 蜀小椒 2; 甘棠记 3; 阿嬷家 1 | Nutwell 2; Crumb & Co 1; Maison Brune 3; Goldenfield 1; Redpepper Lane 2; Beehaven 3
beauty | 花间语 2; 素颜坊 1; 玉容集 3; 水木颜 2; 珂岚 3; 初见 1 | Lumera 2; Petalis 3; Clearday 1; Dewberry Lab 2; Ondine 3; Skinplain 1
clothing | 素衣 2; 锦里 3; 棉上 1; 知秋 2; 裁云 3; 日常衣橱 1; 青衿 2 | Wrenfield 2; Marlowe Row 3; Plainstitch 1; Hartley Moss 2; Aldersea 3; Basics Union 1; Juniper Lane 2
shoes | 行远 2; 履道 3; 轻足 1; 千里行 2; 皮匠世家 3; 步步家 1 | Strider & Co 2; Calder & Sons 3; Quickpace 1; Voyager Mill 2; Bellamy 3; Everywalk 1
audio | 音律 2; 听涛 3; 简电 1; 极鸣 2; 万磁 1; 凌波 3 | Sonaro 2; Audiveil 3; Voltmate 1; Hummingbox 2; Nightjar 3; Plugwise 1
home | 栖物 2; 拾光 1; 梵木 3; 竹里馆 2; 眠山 3; 家常记 1; 月下灯 2 | Loomhouse 2; Hearth & Fold 3; Simplenest 1; Tallow Row 2; Nordhem 3; Boxwell 1
sport | 山野志 2; 踏浪 1; 峰行者 3; 动力派 2; 极野 3; 轻燃 1 | Ridgeway 2; Summitline 3; Flexo 1; Pacer 2; Wildbivouac 3; Gymroot 1
baby | 小芽 2; 贝贝熊 1; 棉花糖 2; 初生记 3; 乐呵 1; 童谣 3 | Littlefern 2; Snugglebee 1; Tiny Harbour 3; Cubby 1; Mellow Moon 2; Oaklet 3
pets | 喵星球 2; 汪小宝 1; 本味 3; 爪爪 1; 毛孩子 2; 鲜粮记 3 | Pawfield 2; Whiskerly 1; Wild Bowl 3; Tailmates 1; Burrow & Bark 2; Purrhaps 3
books | 墨池 3; 纸间 2; 青简 1; 彩云轩 2; 小文房 1; 知行书局 3 | Inkwell Press 3; Papermoor 2; Quillday 1; Brightbrush 2; Foliant 3; Scribbly 1
"""
"""Family, then the brands that write Chinese and those that write English; the figure is the price tier, 1 to 3."""

LEADS: Final = frozenset(
    [
        "origin",
        "botanical",
        "roast",
        "coffee_origin",
        "clay",
        "metal",
        "brew",
        "steel",
        "flavour",
        "heat",
        "grain",
        "shade",
        "fabric",
        "colour",
        "upper",
        "case",
        "wood",
        "scent",
        "protein",
        "shell",
        "feeder",
        "theme",
        "paper",
        "link",
        "litter",
    ]
)
"""Traits that read well before the noun; the others stand at the end of a title."""

SERIES_EN: Final = [
    "Meadow",
    "Harbour",
    "Nimbus",
    "Willow",
    "Ember",
    "Cove",
    "Juniper",
    "Atlas",
    "Orchard",
    "Linden",
    "Aurora",
    "Pebble",
    "Summit",
    "Thistle",
    "Marlin",
    "Solstice",
    "Birch",
    "Lantern",
    "Drift",
    "Clover",
    "Heron",
    "Quarry",
    "Saffron",
    "Tide",
    "Hazel",
    "Fable",
    "Aspen",
    "Rowan",
    "Cinder",
    "Brook",
]
SERIES_ZH: Final = [
    "云栖",
    "素年",
    "听雨",
    "青山",
    "晚风",
    "初雪",
    "清欢",
    "半夏",
    "南枝",
    "星野",
    "竹影",
    "暖阳",
    "浮光",
    "小满",
    "白露",
    "溪山",
    "春信",
    "知味",
    "鹿鸣",
    "安然",
    "归田",
    "远山",
    "流萤",
    "朝露",
    "望舒",
    "晴川",
    "花信",
    "松间",
    "月白",
    "江南",
]

USES: Final = """
tea | for slow mornings=适合悠闲的清晨; to share after dinner=适合饭后与家人分享; for the office cup=办公室随手一泡; as a small present=小小伴手礼
kitchen | for everyday cooking=适合日常下厨; for two at the table=适合两人小聚; for a small kitchen=小厨房也放得下; for guests and feasts=宴客也体面
food | for afternoon tea=下午茶好搭档; for the family pantry=家中常备; for a long train ride=出行路上解馋; for the late shift=加班夜里的慰藉
beauty | for morning and night=早晚皆可使用; for dry winter days=换季干燥时的好帮手; for travel=出差旅行轻松携带; for first-time users=新手也容易上手
clothing | for the commute=通勤百搭; for weekends=周末出游舒适自在; for cool evenings=早晚温差大时正好; for warm days=夏日清爽不闷热
shoes | for all-day walking=走一天也不累脚; for the office=通勤上班皆宜; for short trips=短途旅行够用; for rainy days=小雨天也不怕
audio | for the daily commute=通勤路上隔绝嘈杂; for the desk=书桌上的好伙伴; for sport=运动出汗也稳固; for films at home=在家观影更沉浸
home | for a calm bedroom=让卧室安静下来; for rented flats=租房党友好; for the reading corner=阅读角的点睛之笔; for the living room=客厅里恰到好处
sport | for the first month of training=入门训练首选; for weekend trips=周末出行轻装上阵; for home workouts=在家就能练; for long distances=长距离更从容
baby | for gentle little hands=呵护娇嫩的宝宝; for naps and nights=午睡夜睡都合适; for days out=外出携带方便; for little explorers=陪伴宝宝探索世界
pets | for the pickiest pets=再挑剔的毛孩子也喜欢; for indoor pets=室内饲养适用; for lively puppies and kittens=活泼幼宠的日常; for older pets=年长宠物也友好
books | for daily notes=每日记录; for beginners=零基础友好; for bedtime reading=睡前共读; for a thoughtful gift=送礼有心意
"""

MERITS: Final = """
tea | Picked by hand and packed within a week.=手工采摘，一周内封装。; A clean finish with a sweet aftertaste.=汤色清亮，回甘持久。; Resealable bag keeps it fresh.=密封袋装，锁住新鲜。
kitchen | Easy to clean and made to last.=易清洗，经久耐用。; Well balanced in the hand.=手感趁手，做工扎实。; Comes in a padded box.=加厚礼盒，运输无忧。
food | No artificial colours or preservatives.=不添加人工色素和防腐剂。; Baked and packed in small batches.=小批量制作，当日封装。; Individually wrapped portions.=独立小包装，分享方便。
beauty | Tested on sensitive skin, free of perfume.=敏感肌测试，不含香精。; Absorbs quickly and never feels sticky.=吸收快，不黏腻。; A little goes a long way.=少量即可，经济耐用。
clothing | Keeps its shape after washing.=机洗不易变形。; Soft on the skin, with neat seams.=亲肤柔软，走线工整。; Cut for easy movement.=立体剪裁，活动自如。
shoes | Water-repellent and easy to wipe clean.=防泼水，脏了一擦就净。; Reinforced stitching at the points of wear.=受力处加固车线。; Light and well padded.=轻盈且有足够缓震。
audio | Two-year warranty and quick support.=两年质保，售后响应快。; Small enough for a coat pocket.=小巧便携，口袋就能装下。; Tested for ten thousand uses.=万次插拔与跌落测试。
home | Ready to use out of the box.=开箱即用，省心省力。; Free of strong smells and harmful dyes.=环保无异味。; Easy to care for, year after year.=好打理，经年耐用。
sport | Dries fast and packs small.=速干，收纳体积小。; Non-slip surface with a firm feel.=防滑表面，支撑扎实。; Reflective details for safety.=反光细节，夜间更安全。
baby | Rounded edges, nothing to swallow.=圆角设计，无小零件。; Free of BPA and fragrance.=不含双酚A，无香精。; Easy to wash and quick to dry.=易清洗，干得快。
pets | Approved by vets and fussy pets.=兽医推荐，挑剔的主子也满意。; Sealed against damp and smells.=密封防潮，锁住气味。; Free of harmful colourings.=不含有害色素。
books | Comes in a slim gift box.=附精致礼盒。; Chosen by our own editors.=编辑部亲选。; Made with care for paper and planet.=用心选材，环保工艺。
"""
