// Every word of the interface in both languages, and how numbers, moments and money are written in them.

import { SHOPPER } from "./phrases.js";
import { SEARCH } from "./search_phrases.js";

/** key: [English, 中文] */
export const STRINGS = {
  "skip": ["Skip to the profile", "跳到画像"],
  "language": ["Language", "语言"],
  "release": ["Release", "版本"],
  "release.none": ["No release yet", "尚无版本"],
  "release.loading": ["Connecting…", "连接中…"],
  "latency": ["Last answer", "上次应答"],
  "ms": ["{n} ms", "{n} 毫秒"],
  "gone": ["The server does not answer. Trying again…", "服务器没有应答，正在重新连接…"],
  "back": ["Connected again", "已重新连接"],
  "retry": ["Try again", "重试"],
  "error": ["That did not work", "操作未成功"],
  "error.rejected": ["The event was not accepted", "事件未被接受"],
  "key.title": ["This shop asks for an API key", "此商店需要 API 密钥"],
  "key.wrong": ["The server does not know this key.", "服务器不认识该密钥。"],
  "key.detail": ["It is kept in this browser tab only.", "仅保存在当前标签页中。"],
  "key.label": ["API key", "API 密钥"],
  "key.open": ["Open", "打开"],
  "page.profiles": ["Profiles", "画像"],
  "audiences": ["Audiences", "人群"],
  "audience.title": ["Who is it to be?", "圈选哪些人？"],
  "audience.hint": ["Fields that are left empty ask for nothing; all the others must hold.", "留空的条件不限，其余条件须同时满足。"],
  "audience.count": ["Count", "计数"],
  "audience.brand": ["Interested in the brand", "感兴趣的品牌"],
  "audience.brand.such": ["any brand", "不限品牌"],
  "audience.category": ["Interested in the category, or one below it", "感兴趣的品类（含下级品类）"],
  "audience.category.such": ["any category", "不限品类"],
  "audience.searched": ["Searched for these words, and still looks", "搜过这些词，且仍在找"],
  "audience.searched.such": ["anything", "不限"],
  "audience.recency": ["Last seen, at most so many days ago", "最近到访，不超过多少天前"],
  "audience.recency.such": ["any time", "不限"],
  "audience.orders": ["Orders, at least", "订单数，至少"],
  "audience.orders.such": ["any number", "不限"],
  "audience.language": ["Reads and writes", "使用的语言"],
  "audience.language.any": ["Any language", "不限语言"],
  "audience.language.en": ["English", "英语"],
  "audience.language.zh": ["Chinese", "中文"],
  "audience.fewer": ["fewer than {n}", "少于 {n}"],
  "audience.people": ["people, counted just now", "人（刚刚统计）"],
  "audience.small": ["A group of fewer than {n} people is neither counted nor exported.", "少于 {n} 人的群体既不计数也不导出。"],
  "audience.rounded": ["Rounded down to a multiple of {n}, so that nobody is counted out of the difference of two answers.", "向下取整到 {n} 的倍数，以免从两次结果之差推出个人。"],
  "audience.excluded": ["Left out of every audience: {n} people who denied advertising or personalisation.", "不进入任何人群：拒绝广告或个性化的 {n} 人。"],
  "audience.write": ["Write the members to a file", "将成员写入文件"],
  "audience.none": ["No audience yet", "尚未圈选"],
  "audience.none.detail": ["Fill in what you look for, and count.", "填写条件，然后计数。"],
  "shoppers": ["Shoppers", "顾客"],
  "shoppers.search": ["Jump to an id…", "按编号查找…"],
  "shoppers.more": ["Show more", "显示更多"],
  "shoppers.empty": ["No shoppers yet", "还没有顾客"],
  "shoppers.empty.detail": ["People appear with their first event: POST /v1/events, or huaxiang import.", "收到第一条事件后，顾客会出现在这里：POST /v1/events 或 huaxiang import。"],
  "shoppers.none": ["No id begins with “{q}”", "没有以“{q}”开头的编号"],
  "shoppers.open": ["Open “{q}” as a new shopper", "将“{q}”作为新顾客打开"],
  "profile": ["Profile", "画像"],
  "profile.me": ["As the shopper sees it", "顾客看到的页面"],
  "profile.pick": ["Pick a shopper", "请选择一位顾客"],
  "profile.pick.detail": ["The profile, what it rests on, and what the shop would show next.", "查看画像、依据，以及商店接下来会推荐什么。"],
  "profile.stranger": ["Nothing is known of this shopper", "对这位顾客一无所知"],
  "profile.stranger.past": ["Nothing was known at this moment", "此刻尚无任何记录"],
  "profile.stranger.detail": ["The first event makes a profile.", "第一条事件就会生成画像。"],
  "profile.denied": ["Personalisation is not consented to, so no interests are read.", "未同意个性化，因此不读取兴趣。"],
  "profile.nothing": ["No interests yet", "还没有兴趣"],
  "recency": ["Last seen", "最近到访"],
  "orders": ["Orders", "订单"],
  "spend": ["Spend", "消费"],
  "active": ["Active days", "活跃天数"],
  "per.week": ["{n} / week", "每周 {n}"],
  "price.sensitivity": ["Price sensitivity", "价格敏感度"],
  "loyalty": ["Brand loyalty", "品牌忠诚度"],
  "busiest": ["Busy hours, UTC", "活跃时段（UTC）"],
  "buys.again": ["Again in 30 days", "30 天内复购"],
  "mood": ["Mood", "情绪"],
  "mood.positive": ["Positive", "积极"],
  "mood.neutral": ["Neutral", "中性"],
  "mood.negative": ["Negative", "消极"],
  "mood.none": ["Wrote nothing lately", "近期没有留言"],
  "mood.detail": ["{polarity}, confidence {confidence}", "{polarity}，置信度 {confidence}"],
  "needs": ["Looking for now", "当前需求"],
  "needs.none": ["Nothing open at the moment", "目前没有待满足的需求"],
  "need.search": ["Search", "搜索"],
  "need.unbought": ["Looked at, not bought", "看过未买"],
  "need.intent": ["What this visit looks like", "本次访问的意图"],
  "intent.browsing": ["Browsing", "随便逛逛"],
  "intent.comparing": ["Comparing", "正在比较"],
  "intent.about_to_buy": ["About to buy", "准备购买"],
  "intent.replenishing": ["Buying again", "回购补货"],
  "intent.gift": ["Looking for a gift", "挑选礼物"],
  "consents": ["Consents", "同意范围"],
  "consent.analytics": ["analytics", "统计分析"],
  "consent.personalisation": ["personalisation", "个性化"],
  "consent.advertising": ["advertising", "广告"],
  "consent.service": ["service", "服务"],
  "consent.training": ["training", "训练"],
  "granted": ["granted", "已同意"],
  "denied": ["denied", "已拒绝"],
  "edits": ["Edits of this profile", "画像修改"],
  "facet.category": ["Categories", "品类"],
  "facet.brand": ["Brands", "品牌"],
  "facet.price_band": ["Price level", "价位"],
  "facet.keyword": ["Words", "关键词"],
  "facet.attributes": ["Attributes", "属性"],
  "band.low": ["Low", "实惠"],
  "band.middle": ["Middle", "中等"],
  "band.high": ["High", "高端"],
  "half.life": ["half-life {n} d", "半衰期 {n} 天"],
  "confidence": ["comes back next time {n}", "下次再遇到的概率 {n}"],
  "last.seen": ["last seen {when}", "最近 {when}"],
  "show.all": ["Show all {n}", "显示全部 {n} 项"],
  "show.less": ["Show fewer", "收起"],
  "evidence.none": ["The events behind this are older than the list holds.", "相关事件早于列表范围。"],
  "evidence.of": ["Evidence: {what}", "依据：{what}"],
  "evidence.clear": ["Show all events", "显示全部事件"],
  "boost": ["Boost", "增强"],
  "mute": ["Mute", "屏蔽"],
  "remove": ["Remove", "移除"],
  "undo": ["Undo", "撤销"],
  "edited.boost": ["Boosted {what}", "已增强 {what}"],
  "edited.mute": ["Muted {what}", "已屏蔽 {what}"],
  "edited.remove": ["Removed {what}", "已移除 {what}"],
  "edited.add": ["Added {what}", "已添加 {what}"],
  "edited.exclude_event": ["Left an event out", "已排除一条事件"],
  "edited.undo": ["Took an edit back", "撤销了一次修改"],
  "time": ["As of", "截至"],
  "time.now": ["Now", "现在"],
  "time.back": ["Back to now", "回到现在"],
  "time.slider": ["The moment as of which everything is shown", "查看截至哪一时刻的情况"],
  "recommendations": ["Recommendations", "推荐"],
  "recommendations.short": ["For them", "推荐"],
  "recommendations.none": ["Nothing to recommend", "没有可推荐的商品"],
  "recommendations.none.detail": ["Every item is bought, muted or out of stock.", "所有商品均已购买、被屏蔽或缺货。"],
  "recommendations.untrained": ["No release yet", "尚无可用版本"],
  "recommendations.untrained.detail": ["Train one, and recommendations appear here by themselves:", "训练完成后，推荐会自动出现在这里："],
  "basis.profile": ["from the profile", "依据画像"],
  "basis.popularity": ["from what is popular", "依据热门"],
  "basis.session": ["from the session", "依据会话"],
  "basis.consent": ["without personal data", "不使用个人数据"],
  "arranged.boosts": ["rules of the shop lift or lower items", "店铺规则调整了顺序"],
  "arranged.pinned": ["pinned by the shop", "店铺固定了位置"],
  "arranged.diversity": ["varied", "兼顾多样"],
  "arranged.calm": ["low mood: nothing is promoted", "情绪低落：不推广"],
  "reason.interest": ["Interest in {what}", "兴趣：{what}"],
  "reason.followed": ["Goes with “{what}”", "与“{what}”相配"],
  "reason.meaning": ["Close to recent activity", "与近期行为相近"],
  "reason.elsewhere": ["Fits what they met in another of the shops", "与其在另一家店里看过的相合"],
  "reasons.checking": ["checking why …", "正在核对理由…"],
  "reason.popular": ["Popular in the shop now", "本店近期热门"],
  "reason.said": ["The shopper reads: {text}", "顾客看到：{text}"],
  "act.view_item": ["View", "查看"],
  "act.add_to_cart": ["Add to cart", "加购"],
  "act.purchase": ["Buy", "购买"],
  "act.dislike": ["Not for me", "不感兴趣"],
  "act.similar": ["Similar", "相似"],
  "act.similar.none": ["No similar items", "没有相似商品"],
  "act.past": ["As it was known on {when}; the past is read only.", "{when}时的情况，仅供查看。"],
  "done.view_item": ["Viewed “{what}”", "已查看“{what}”"],
  "done.add_to_cart": ["Added “{what}” to the cart", "已将“{what}”加入购物车"],
  "done.purchase": ["Bought “{what}”", "已购买“{what}”"],
  "done.dislike": ["“{what}” is not for them", "对“{what}”不感兴趣"],
  "card.new": ["New", "新"],
  "card.rank": ["Rank {n}", "第 {n} 名"],
  "cards.gone": ["Left the list: {names}", "已移出：{names}"],
  "out.of.stock": ["out of stock", "缺货"],
  "live": ["Live events", "实时事件"],
  "live.connecting": ["connecting", "连接中"],
  "live.on": ["live", "实时"],
  "live.paused": ["paused", "已暂停"],
  "live.paused.n": ["{n} waiting", "{n} 条待显示"],
  "live.off": ["reconnecting", "重连中"],
  "live.only": ["This shopper only", "仅看此顾客"],
  "live.pause": ["Pause", "暂停"],
  "live.resume": ["Resume", "继续"],
  "live.empty": ["Waiting for events", "等待事件"],
  "live.empty.detail": ["Each event shows here the moment it is accepted.", "事件被接受后会立即显示在这里。"],
  "history": ["This shopper's events", "该顾客的事件"],
  "history.short": ["Events", "事件"],
  "history.empty": ["No events yet", "还没有事件"],
  "history.none": ["No events before this moment", "此刻之前没有事件"],
  "items.more": ["and {n} more", "等 {n} 件"],
  "someone": ["anonymous", "匿名访客"],
  "catalogue": ["catalogue", "商品目录"],
  "now": ["now", "刚刚"],
  "minutes": ["{n} min ago", "{n} 分钟前"],
  "hours": ["{n} h ago", "{n} 小时前"],
  "days": ["{n} d ago", "{n} 天前"],
  "ev.view_item": ["Viewed", "查看"],
  "ev.select_item": ["Clicked", "点击"],
  "ev.view_item_list": ["Was shown", "曝光"],
  "ev.search": ["Searched", "搜索"],
  "ev.add_to_cart": ["Added to cart", "加入购物车"],
  "ev.remove_from_cart": ["Took out of cart", "移出购物车"],
  "ev.add_to_wishlist": ["Saved", "收藏"],
  "ev.view_cart": ["Looked at the cart", "查看购物车"],
  "ev.begin_checkout": ["Began checkout", "开始结算"],
  "ev.purchase": ["Bought", "购买"],
  "ev.refund": ["Returned", "退货"],
  "ev.review": ["Reviewed", "评价"],
  "ev.like": ["Liked", "喜欢"],
  "ev.dislike": ["Disliked", "不感兴趣"],
  "ev.share": ["Shared", "分享"],
  "ev.set_user": ["Traits set", "更新资料"],
  "ev.set_item": ["Item set", "更新商品"],
  "ev.delete_item": ["Item removed", "下架商品"],
  "ev.identify": ["Signed in", "登录识别"],
  "ev.consent": ["Consent", "同意"],
  "ev.profile_edit": ["Profile edit", "修改画像"],
  "ev.support_message": ["Wrote to support", "联系客服"],
  "ev.post": ["Posted", "发帖"],
};

const WORDS = { ...STRINGS, ...SHOPPER, ...SEARCH };
const CODES = { en: 0, zh: 1 };
const LOCALES = { en: "en-GB", zh: "zh-CN" };
const CJK = /\p{Script=Han}/u;

/** The language asked for in the address, kept from last time, or the browser's. */
export function startLanguage(address, kept, browser) {
  const asked = new URLSearchParams(address).get("lang") ?? kept ?? (browser ?? "").slice(0, 2);
  return asked in CODES ? asked : "en";
}

/** Words and formats of one language. */
export function speak(language) {
  const at = CODES[language];
  const locale = LOCALES[language];
  const plain = new Intl.NumberFormat(locale, { maximumFractionDigits: 1 });
  const whole = new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: 0 });
  const day = new Intl.DateTimeFormat(locale, { year: "numeric", month: "short", day: "numeric" });
  const short = new Intl.DateTimeFormat(locale, { month: "short", day: "numeric" });
  const moment = new Intl.DateTimeFormat(locale, { year: "numeric", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit" });
  const t = (key, said = {}) => {
    const text = WORDS[key]?.[at];
    if (text === undefined) throw new Error(`no words for ${key}`);
    return text.replace(/\{(\w+)\}/g, (_, name) => String(said[name]));
  };
  return {
    language, t,
    has: (key) => key in WORDS,
    number: (value) => plain.format(value),
    percent: (value) => (Math.abs(value) > 0 && Math.abs(value) < 0.005 ? `<${whole.format(0.01)}` : whole.format(value)),
    day: (value) => day.format(new Date(value)),
    short: (value) => short.format(new Date(value)),
    moment: (value) => moment.format(new Date(value)),
    /** A day as it is said: with its year only where it is another one. */
    date: (value, now = Date.now()) => new Date(value).toLocaleDateString(locale, { day: "numeric", month: "long", ...(new Date(value).getFullYear() === new Date(now).getFullYear() ? {} : { year: "numeric" }) }),
    list: (names) => new Intl.ListFormat(locale, { type: "conjunction" }).format(names),
    either: (names) => new Intl.ListFormat(locale, { type: "disjunction" }).format(names),
    money: (amount, currency) => money(locale, amount, currency),
    ago: (value, now = Date.now()) => ago(t, short, value, now),
    /** The character that stands for a name: its first Chinese one in Chinese, else its first letter. */
    initial(name) {
      const letters = [...name.trim()];
      return (language === "zh" && letters.find((letter) => CJK.test(letter))) || letters.find((letter) => /[\p{L}\p{N}]/u.test(letter)) || "·";
    },
  };
}

function money(locale, amount, currency) {
  const n = amount >= 1000 || Number.isInteger(amount) ? 0 : 2;
  const digits = { maximumFractionDigits: n, minimumFractionDigits: n };
  try {
    return new Intl.NumberFormat(locale, currency ? { style: "currency", currency, currencyDisplay: "narrowSymbol", ...digits } : digits).format(amount);
  } catch {
    return `${new Intl.NumberFormat(locale, digits).format(amount)} ${currency}`;
  }
}

function ago(t, short, value, now) {
  const minutes = (now - Date.parse(value)) / 60_000;
  if (minutes < 1) return t("now");
  if (minutes < 60) return t("minutes", { n: Math.floor(minutes) });
  if (minutes < 24 * 60) return t("hours", { n: Math.floor(minutes / 60) });
  if (minutes < 7 * 24 * 60) return t("days", { n: Math.floor(minutes / 1440) });
  return short.format(new Date(value));
}
