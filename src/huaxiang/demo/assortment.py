# ruff: noqa: E501 - the rows of a table stay on one line each
"""What the simulated shop sells, as tables: families, lines, kinds, brands. Written for the simulator and read by nothing else.

One row of `LINES`: family | line | 产品线 | lowest-highest price (CNY) | days between repeat purchases or - |
traits | kinds | lines bought after it. One word in both languages is `English=中文`.
"""

from typing import Final

FAMILIES: Final = """
tea | Tea & Coffee | 茶与咖啡
kitchen | Teaware & Kitchen | 茶具厨房
food | Snacks & Pantry | 零食粮油
beauty | Skincare & Beauty | 护肤美妆
clothing | Clothing | 服饰
shoes | Shoes & Bags | 鞋靴箱包
audio | Phones & Audio | 手机影音
home | Home & Living | 家居生活
sport | Sports & Outdoors | 运动户外
baby | Mother & Baby | 母婴
pets | Pets | 宠物
books | Books & Stationery | 图书文具
"""

LINES: Final = """
tea | Green Tea | 绿茶 | 28-420 | 26 | origin pouch grade | Longjing Tea=龙井茶; Biluochun Tea=碧螺春; Sencha=煎茶; Maofeng Tea=毛峰 | Teapots; Cups & Mugs
tea | Black Tea | 红茶 | 25-360 | 28 | origin pouch grade | Keemun Tea=祁门红茶; Lapsang Souchong=正山小种; Breakfast Tea=早餐红茶 | Teapots; Biscuits & Pastries
tea | Oolong & Pu'er | 乌龙普洱 | 38-680 | 40 | origin pouch grade | Tieguanyin=铁观音; Ripe Pu'er Cake=普洱熟茶饼; Da Hong Pao=大红袍 | Teapots; Cups & Mugs
tea | Herbal Tea | 花草茶 | 18-120 | 30 | botanical pouch | Chrysanthemum Tea=菊花茶; Fruit Tea=水果茶; Herbal Infusion=花草茶 | Cups & Mugs; Honey & Spreads
tea | Coffee Beans | 咖啡豆 | 45-260 | 18 | roast pouch coffee_origin | Single-Origin Beans=单品咖啡豆; Espresso Blend=意式拼配豆; Drip Bags=挂耳咖啡 | Coffee Makers; Chocolate
kitchen | Teapots | 茶壶 | 58-980 | - | clay capacity style | Teapot=茶壶; Gaiwan=盖碗; Tea Set=茶具套装 | Green Tea; Oolong & Pu'er; Cups & Mugs
kitchen | Cups & Mugs | 杯具 | 19-260 | - | clay capacity style | Mug=马克杯; Tea Cup=品茗杯; Lidded Mug=盖杯 | Green Tea; Coffee Beans
kitchen | Coffee Makers | 咖啡器具 | 79-2600 | - | brew capacity | Pour-Over Set=手冲套装; Moka Pot=摩卡壶; Burr Grinder=磨豆机; French Press=法压壶 | Coffee Beans
kitchen | Cookware | 锅具 | 89-1500 | - | metal diameter | Frying Pan=煎锅; Wok=炒锅; Stockpot=汤锅; Casserole=炖锅 | Sauces & Spices; Kitchen Knives
kitchen | Kitchen Knives | 刀具 | 59-899 | - | steel diameter | Chef's Knife=主厨刀; Cleaver=中式菜刀; Paring Knife=水果刀 | Cookware
food | Nuts & Dried Fruit | 坚果果干 | 19-168 | 20 | flavour pouch | Cashews=腰果; Mixed Nuts=混合坚果; Almonds=巴旦木; Walnuts=核桃; Pistachios=开心果 | Green Tea
food | Biscuits & Pastries | 饼干糕点 | 12-128 | 16 | flavour pouch | Butter Cookies=黄油曲奇; Mung Bean Cakes=绿豆糕; Egg Rolls=蛋卷 | Black Tea
food | Chocolate | 巧克力 | 15-220 | 22 | flavour pouch | Dark Chocolate Bar=黑巧克力; Truffles=松露巧克力; Chocolate Box=巧克力礼盒 | Coffee Beans
food | Sauces & Spices | 酱料香料 | 9-98 | 35 | heat pouch | Chilli Oil=辣椒油; Chilli Sauce=辣酱; Hotpot Base=火锅底料; Sichuan Pepper=花椒粉 | Noodles & Rice; Cookware
food | Noodles & Rice | 米面 | 12-150 | 24 | grain sack | Noodles=面条; Vermicelli=粉丝; Porridge Mix=养生粥米 | Sauces & Spices
food | Honey & Spreads | 蜂蜜果酱 | 22-180 | 45 | grade pouch | Wildflower Honey=百花蜜; Acacia Honey=洋槐蜜; Peanut Butter=花生酱; Strawberry Jam=草莓果酱 | Herbal Tea
beauty | Face Cream | 面霜 | 59-1280 | 50 | skin active pot | Moisturiser=保湿面霜; Night Cream=晚霜; Eye Cream=眼霜 | Cleansers; Sheet Masks
beauty | Cleansers | 洁面 | 39-360 | 42 | skin active pot | Foam Cleanser=洁面慕斯; Cleansing Oil=卸妆油; Gel Cleanser=洁面啫喱 | Face Cream; Sunscreen
beauty | Sheet Masks | 面膜 | 29-320 | 21 | skin active | Sheet Mask=贴片面膜; Clay Mask=泥膜; Sleeping Mask=睡眠面膜 | Face Cream
beauty | Lip Colour | 唇妆 | 49-420 | - | shade finish | Lipstick=口红; Lip Gloss=唇釉; Lip Balm=润唇膏 | Cleansers
beauty | Sunscreen | 防晒 | 59-380 | 45 | skin spf pot | Sunscreen Lotion=防晒乳; Sun Stick=防晒棒; Tinted Sunscreen=隔离防晒霜 | Cleansers
clothing | Dresses | 连衣裙 | 129-1580 | - | fabric colour style | Midi Dress=中长连衣裙; Shirt Dress=衬衫裙; Slip Dress=吊带裙 | Handbags; Knitwear
clothing | Knitwear | 针织衫 | 99-1280 | - | fabric colour fit | Crew-Neck Jumper=圆领毛衣; Cardigan=开衫; Turtleneck=高领针织衫 | Trousers; Coats & Jackets
clothing | Shirts & T-Shirts | 衬衫T恤 | 59-680 | - | fabric colour fit | Oxford Shirt=牛津纺衬衫; T-Shirt=T恤; Polo Shirt=Polo衫 | Trousers
clothing | Trousers | 裤装 | 99-880 | - | fabric colour fit | Chinos=休闲裤; Wide-Leg Trousers=阔腿裤; Cropped Trousers=九分裤 | Shirts & T-Shirts; Trainers
clothing | Coats & Jackets | 外套大衣 | 299-3600 | - | shell colour fit | Trench Coat=风衣; Down Jacket=羽绒服; Bomber Jacket=飞行员夹克 | Knitwear; Leather Shoes
shoes | Trainers | 运动休闲鞋 | 159-1280 | - | upper colour | Running Shoes=跑鞋; Court Trainers=板鞋; Walking Shoes=健步鞋 | Running
shoes | Leather Shoes | 皮鞋 | 259-2200 | - | upper colour | Loafers=乐福鞋; Chelsea Boots=切尔西靴; Derby Shoes=德比鞋 | Trousers
shoes | Backpacks | 双肩包 | 129-1580 | - | upper colour volume | Laptop Backpack=电脑双肩包; Day Pack=轻便背包; Roll-Top Backpack=卷口背包 | Notebooks; Camping
shoes | Handbags | 手提包 | 169-3200 | - | upper colour style | Tote Bag=托特包; Crossbody Bag=斜挎包; Clutch=手拿包 | Dresses; Lip Colour
audio | Headphones | 耳机 | 99-2800 | - | link battery colour | Wireless Earbuds=真无线耳机; Over-Ear Headphones=头戴式耳机; Sport Earphones=运动耳机 | Chargers & Cables
audio | Speakers | 音箱 | 129-3600 | - | link battery | Bluetooth Speaker=蓝牙音箱; Bookshelf Speaker=书架音箱; Soundbar=回音壁 | Chargers & Cables
audio | Chargers & Cables | 充电器数据线 | 29-320 | - | watt port | Wall Charger=充电头; Power Bank=充电宝; Charging Cable=数据线 | Phone Cases
audio | Phone Cases | 手机壳 | 19-220 | - | case colour style | Phone Case=手机壳; Tablet Case=平板保护套; Earbud Case=耳机保护套 | Chargers & Cables
home | Bedding | 床品 | 129-2400 | - | fabric colour style | Duvet Cover Set=四件套; Pillow=枕头; Quilt=被子 | Candles & Scents; Curtains & Cushions
home | Lamps | 灯具 | 79-1880 | - | style glow | Desk Lamp=台灯; Floor Lamp=落地灯; Bedside Lamp=床头灯 | Bedding
home | Storage | 收纳 | 19-480 | - | wood volume style | Storage Box=收纳箱; Shelf Rack=置物架; Laundry Basket=脏衣篮 | Bedding
home | Curtains & Cushions | 窗帘靠垫 | 39-860 | - | fabric colour style | Blackout Curtain=遮光窗帘; Cushion Cover=抱枕套; Throw Blanket=盖毯 | Bedding; Lamps
home | Candles & Scents | 香薰 | 29-480 | 38 | scent burn | Scented Candle=香薰蜡烛; Reed Diffuser=无火香薰; Incense Sticks=线香 | Bedding
sport | Yoga | 瑜伽 | 49-680 | - | level colour | Yoga Mat=瑜伽垫; Yoga Block=瑜伽砖; Leggings=瑜伽裤 | Fitness
sport | Running | 跑步 | 39-880 | - | level season colour | Running Shorts=跑步短裤; Running Belt=跑步腰包; Windbreaker=跑步风衣 | Trainers; Headphones
sport | Camping | 露营 | 59-3200 | - | people season | Tent=帐篷; Sleeping Bag=睡袋; Camping Stove=露营炉; Folding Chair=折叠椅 | Backpacks; Coffee Makers
sport | Cycling | 骑行 | 49-1980 | - | level season | Cycling Helmet=骑行头盔; Bike Light=自行车灯; Cycling Jersey=骑行服 | Running
sport | Fitness | 健身 | 39-1680 | - | level load | Dumbbells=哑铃; Resistance Bands=弹力带; Kettlebell=壶铃 | Yoga
baby | Nappies & Wipes | 纸尿裤湿巾 | 35-260 | 14 | stage count | Nappies=纸尿裤; Baby Wipes=婴儿湿巾; Pull-Up Pants=拉拉裤 | Baby Clothes
baby | Feeding | 喂养 | 29-460 | - | stage feeder | Baby Bottle=奶瓶; Training Cup=学饮杯; Baby Bowl=宝宝碗 | Nappies & Wipes
baby | Baby Clothes | 婴儿服饰 | 39-380 | - | stage fabric colour | Bodysuit=连体衣; Sleep Sack=婴儿睡袋; Romper=爬服 | Toys
baby | Toys | 玩具 | 29-680 | - | stage theme | Building Blocks=积木; Plush Toy=毛绒玩具; Puzzle=拼图 | Picture Books
pets | Dog Food | 狗粮 | 49-480 | 25 | protein breed sack | Dry Dog Food=狗干粮; Dog Treats=狗零食; Wet Dog Food=狗罐头 | Pet Toys & Beds
pets | Cat Food | 猫粮 | 49-460 | 23 | protein sack | Dry Cat Food=猫干粮; Canned Cat Food=猫罐头; Freeze-Dried Treats=冻干零食 | Cat Litter
pets | Cat Litter | 猫砂 | 25-160 | 19 | litter sack | Clumping Litter=结团猫砂; Tofu Litter=豆腐猫砂; Mixed Litter=混合猫砂 | Cat Food
pets | Pet Toys & Beds | 宠物玩具窝垫 | 19-560 | - | breed colour | Cat Tree=猫爬架; Pet Bed=宠物窝; Chew Toy=磨牙玩具 | Dog Food; Cat Food
books | Notebooks | 笔记本 | 15-168 | 55 | paper colour | Dotted Notebook=点阵笔记本; Planner=手账本; Sketchbook=速写本 | Pens & Ink
books | Pens & Ink | 钢笔墨水 | 12-1280 | - | nib colour | Fountain Pen=钢笔; Gel Pen=中性笔; Calligraphy Pen=书法笔 | Notebooks
books | Art Supplies | 美术用品 | 25-580 | - | level count | Watercolour Set=水彩颜料; Brush Set=画笔套装; Coloured Pencils=彩色铅笔 | Notebooks
books | Picture Books | 绘本 | 28-180 | - | age theme | Picture Book=绘本; Pop-Up Book=立体书; Story Collection=故事集 | Toys
books | Cookery & Travel Books | 美食旅行书 | 35-260 | - | topic | Tea Handbook=茶事手册; Cookbook=家常菜谱; Travel Guide=旅行指南 | Cookware
"""

TRAITS: Final = """
origin | origin | 产地 | Hangzhou=杭州; Fujian=福建; Yunnan=云南; Anhui=安徽; Sichuan=四川
pouch | pack size | 规格 | 50 g=50克; 100 g=100克; 250 g=250克; 500 g=500克
sack | pack size | 规格 | 1 kg=1千克; 2.5 kg=2.5千克; 5 kg=5千克; 10 kg=10千克
grade | grade | 等级 | first flush=头采; premium=特级; everyday=口粮级; organic=有机
botanical | botanical | 花草 | rose=玫瑰; jasmine=茉莉; chamomile=洋甘菊; osmanthus=桂花; peppermint=薄荷
roast | roast | 烘焙度 | light roast=浅烘; medium roast=中烘; dark roast=深烘
coffee_origin | origin | 产地 | Ethiopia=埃塞俄比亚; Colombia=哥伦比亚; Yunnan=云南; Sumatra=苏门答腊
clay | material | 材质 | purple clay=紫砂; porcelain=白瓷; glass=玻璃; celadon=青瓷; stoneware=粗陶
capacity | capacity | 容量 | 150 ml=150毫升; 250 ml=250毫升; 350 ml=350毫升; 600 ml=600毫升; 450 ml=450毫升
style | style | 风格 | minimalist=简约; vintage=复古; Chinese-style=国风; Nordic=北欧; Japanese=日式
metal | material | 材质 | stainless steel=不锈钢; cast iron=铸铁; aluminium=铝合金; copper=紫铜; titanium=钛
brew | material | 材质 | stainless steel=不锈钢; glass=玻璃; copper=紫铜; walnut=胡桃木
steel | material | 材质 | stainless steel=不锈钢; Damascus steel=大马士革钢; high-carbon steel=高碳钢; ceramic=陶瓷
diameter | size | 尺寸 | 18 cm=18厘米; 20 cm=20厘米; 24 cm=24厘米; 28 cm=28厘米
flavour | flavour | 口味 | original=原味; sea salt=海盐; matcha=抹茶; black sesame=黑芝麻; orange=香橙; honey=蜜香
heat | heat | 辣度 | mild=微辣; medium-hot=中辣; numbing hot=麻辣; extra hot=特辣
grain | grain | 谷物 | wheat=小麦; brown rice=糙米; buckwheat=荞麦; sweet potato=红薯
skin | skin type | 肤质 | dry skin=干性肌肤; oily skin=油性肌肤; sensitive skin=敏感肌; combination skin=混合肌
active | ingredient | 成分 | hyaluronic acid=玻尿酸; niacinamide=烟酰胺; ceramide=神经酰胺; camellia oil=山茶油; vitamin C=维C
pot | volume | 净含量 | 30 ml=30毫升; 50 ml=50毫升; 100 ml=100毫升; 150 ml=150毫升
shade | shade | 色号 | brick red=砖红; coral=珊瑚; rose=玫瑰; nude=裸色; plum=梅子; caramel=焦糖
finish | finish | 质地 | matte=哑光; satin=缎光; glossy=水光; velvet=丝绒
spf | protection | 防晒指数 | SPF30=SPF30; SPF50=SPF50; SPF50+ waterproof=SPF50+防水
fabric | material | 面料 | cotton=纯棉; linen=亚麻; wool=羊毛; silk=真丝; cashmere=羊绒; Tencel=天丝
colour | colour | 颜色 | black=黑色; white=白色; grey=灰色; navy=藏青; beige=米色; red=红色; forest green=墨绿; pink=粉色
fit | fit | 版型 | slim=修身; regular=合身; relaxed=宽松; oversized=廓形
upper | material | 材质 | leather=头层牛皮; suede=麂皮; canvas=帆布; mesh=网面; recycled nylon=再生尼龙
volume | volume | 容积 | 10 L=10升; 20 L=20升; 30 L=30升; 60 L=60升
link | connection | 连接 | Bluetooth 5.3=蓝牙5.3; wired=有线; 2.4 GHz=2.4G无线; USB-C=USB-C
battery | battery life | 续航 | 8 h=8小时; 24 h=24小时; 40 h=40小时; 60 h=60小时
watt | power | 功率 | 20 W=20瓦; 30 W=30瓦; 45 W=45瓦; 65 W=65瓦
glow | light | 光色 | warm white=暖光; neutral white=自然光; dimmable=可调光; colour-changing=彩光
port | port | 接口 | USB-C=USB-C; Lightning=Lightning; magnetic=磁吸; dual-port=双口
case | material | 材质 | silicone=硅胶; leather=头层牛皮; wheat straw=小麦秸秆; clear TPU=透明TPU
feeder | material | 材质 | silicone=硅胶; glass=玻璃; wheat straw=小麦秸秆; PPSU=PPSU
shell | material | 面料 | wool=羊毛; cotton=纯棉; recycled nylon=再生尼龙; cashmere=羊绒
wood | material | 材质 | bamboo=竹; oak=橡木; rattan=藤编; felt=毛毡; beech=榉木
scent | scent | 香调 | lavender=薰衣草; sandalwood=檀香; citrus=柑橘; osmanthus=桂花; cedar=雪松
burn | duration | 时长 | 20 hours=20小时; 40 hours=40小时; 60 hours=60小时
level | level | 适用水平 | beginner=入门; intermediate=进阶; professional=专业
season | season | 季节 | summer=夏季; winter=冬季; all-season=四季
people | size | 人数 | one-person=单人; two-person=双人; family=家庭
load | weight | 重量 | 2 kg=2公斤; 5 kg=5公斤; 10 kg=10公斤; 16 kg=16公斤
stage | age | 月龄 | newborn=新生儿; 3-6 months=3-6个月; 6-12 months=6-12个月; 1-3 years=1-3岁
count | count | 数量 | pack of 12=12件; pack of 24=24件; pack of 48=48件; pack of 80=80件
protein | protein | 主料 | chicken=鸡肉; salmon=三文鱼; beef=牛肉; duck=鸭肉; lamb=羊肉
breed | pet size | 体型 | small pets=小型; medium pets=中型; large pets=大型
litter | scent | 香型 | unscented=无香; green tea=绿茶味; activated charcoal=活性炭; peach=水蜜桃味
paper | paper | 纸张 | 80 gsm=80克; 100 gsm=100克; 160 gsm=160克; Tomoe-style=巴川纸
nib | nib | 笔尖 | extra-fine=EF尖; fine=F尖; medium=M尖; brush=软笔尖
age | age | 年龄 | ages 0-3=0-3岁; ages 3-6=3-6岁; ages 6-9=6-9岁
topic | topic | 主题 | Sichuan=川味; Jiangnan=江南; Silk Road=丝路; Mediterranean=地中海; tea mountain=茶山
theme | theme | 主题 | animal=动物; ocean=海洋; space=太空; forest=森林; farm=农场; vehicle=交通工具
"""
