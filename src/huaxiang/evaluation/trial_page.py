"""The page of a trial: a verdict, how it was reached, what the log is like, and ten people; English or 中文."""

import html
import re
from collections.abc import Sequence
from typing import Any, Final, Literal

from huaxiang.evaluation.plots import bars
from huaxiang.evaluation.trial import Shopper, Trial

Language = Literal["en", "zh"]
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d")
_STYLE: Final = (
    "body{font:16px/1.5 system-ui,sans-serif;margin:2.5em auto;max-width:60em;padding:0 1em;color:#222}"
    "h1{margin-bottom:.2em}h2{margin-top:2em;border-bottom:1px solid #ddd}td,th{padding:.3em .8em;text-align:left;"
    "border-bottom:1px solid #eee;vertical-align:top}.verdict{font-size:1.3em}.person{border:1px solid #ddd;"
    "border-radius:8px;padding:.8em 1.2em;margin:1em 0}.hit{background:#d9f2e3;border-radius:4px;padding:0 .3em}"
    ".small{color:#555;font-size:.9em}.facet{display:inline-block;background:#eef3f8;border-radius:1em;padding:0 .7em;"
    "margin:.1em .2em}"
)
_SAID: Final[dict[str, dict[Language, str]]] = {
    "title": {"en": "What your log is worth", "zh": "您的日志能做什么"},
    "until": {
        "en": "Everything before {moment} was learned from; what {n} people took new from then to {end} was asked.",
        "zh": "学习 {moment} 之前的全部记录；检验 {n} 位顾客从那时到 {end} 新选择的商品。",
    },
    "purchase": {"en": "A purchase is what counts.", "zh": "以购买为准。"},
    "event": {"en": "The log has no purchases; any interest counts.", "zh": "日志中没有购买；任何兴趣行为都算。"},
    "better": {
        "en": "huaxiang is ahead of every other model here, by more than chance explains.",
        "zh": "huaxiang 领先这里的所有其他模型，且差距超出偶然。",
    },
    "some": {
        "en": "huaxiang is ahead of {names} by more than chance explains; of {others} this log cannot tell.",
        "zh": "huaxiang 对 {names} 的领先超出偶然；对 {others}，这份日志无法判定。",
    },
    "none": {
        "en": "This log cannot tell whether huaxiang is ahead: the differences are within what chance explains.",
        "zh": "这份日志无法判定 huaxiang 是否领先：差距在偶然范围之内。",
    },
    "worse": {
        "en": "huaxiang is behind {names} here, by more than chance explains.",
        "zh": "在这里 huaxiang 落后于 {names}，且差距超出偶然。",
    },
    "ten": {
        "en": "Of what they took, {ours} stood among the ten that huaxiang shows; {theirs} among the ten most popular.",
        "zh": "顾客选择的商品中，{ours} 在 huaxiang 推荐的十件之内；{theirs} 在最热门的十件之内。",
    },
    "figures": {"en": "Figures", "zh": "指标"},
    "health": {"en": "The log", "zh": "日志"},
    "people": {"en": "Ten people, drawn by chance", "zh": "随机抽取的十位顾客"},
    "before": {"en": "lately", "zh": "近期"},
    "shown": {"en": "recommended", "zh": "推荐"},
    "then": {"en": "then took", "zh": "随后选择"},
    "rules": {"en": "Rules", "zh": "规则"},
    "prices": {"en": "{} prices", "zh": "价位 {}"},
    "next": {"en": "Go on with it", "zh": "继续"},
}
_HEALTH: Final[dict[str, dict[Language, str]]] = {
    "events": {"en": "events", "zh": "事件"},
    "users": {"en": "users", "zh": "用户"},
    "anonymous": {"en": "anonymous visitors", "zh": "匿名访客"},
    "items": {"en": "items met", "zh": "涉及商品"},
    "unknown_items": {"en": "items that nothing describes", "zh": "没有描述的商品"},
    "first": {"en": "from", "zh": "起"},
    "last": {"en": "to", "zh": "止"},
}


def trial_page(trial: Trial, name: str, language: Language, quarantined: Sequence[tuple[str, int]] = ()) -> str:
    """One page that needs nothing else.

    Args:
        name: of the file. quarantined: why rows were not taken, and how many.
    """
    said = {key: words[language] for key, words in _SAID.items()}
    n = len(trial.report.row("huaxiang").answers)
    when = said["until"].format(moment=trial.moment.date(), end=trial.end.date(), n=f"{n:,}")
    parts = [
        f"<h1>{said['title']}</h1><p class=small>{_safe(name)}</p>",
        f'<p class="verdict">{_safe(verdict(trial, language))}</p>',
        f"<p>{_safe(share_found(trial, said['ten']))}</p><p>{_safe(when)} {said[trial.asked]}</p>",
        f"<h2>{said['figures']}</h2>{_figures(trial)}",
        f"<h2>{said['health']}</h2>{_health(trial, language, quarantined)}",
        f"<h2>{said['people']}</h2>{''.join(_person(each, said) for each in trial.shoppers)}",
        f"<h2>{said['rules']}</h2><p class=small>{_safe(trial.report.about['protocol'])}</p>{_left_out(trial)}",
        f"<h2>{said['next']}</h2><pre>huaxiang import {_safe(name)} --yes\nhuaxiang train\nhuaxiang serve</pre>",
    ]
    return (
        f'<!doctype html><html lang="{language}"><meta charset="utf-8"><title>{said["title"]}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style>{"".join(parts)}</html>\n'
    )


def verdict(trial: Trial, language: Language) -> str:
    """One sentence, by the paired intervals of ndcg@10."""
    found = {key.removeprefix("huaxiang - ").split(",")[0]: v for key, v in trial.report.about["differences"].items()}
    ahead = [name for name, (_, low, _) in found.items() if low > 0.0]
    behind = [name for name, (_, _, high) in found.items() if high < 0.0]
    others = [name for name in found if name not in ahead]
    kind = "worse" if behind else "better" if not others else "some" if ahead else "none"
    join = "、" if language == "zh" else ", "
    return _SAID[kind][language].format(names=join.join(behind or ahead), others=join.join(others))


def share_found(trial: Trial, said: str) -> str:
    """Recall of ours and of popularity, in per cent."""
    ours, theirs = (trial.report.row(name).figures["recall@10"] for name in ("huaxiang", "popularity"))
    return said.format(ours=f"{ours:.1%}", theirs=f"{theirs:.1%}")


def _figures(trial: Trial) -> str:
    rows = {row.model: row.figures for row in trial.report.rows}
    drawn = bars("ndcg@10", {name: (row["ndcg@10"], *row["intervals"]["ndcg@10"]) for name, row in rows.items()})
    columns = ("ndcg@10", "recall@10", "mrr@10", "coverage@10", "novelty@10", "fit_seconds")
    head = "".join(f"<th>{name}</th>" for name in ("", *columns))
    body = "".join(
        f"<tr><td>{_safe(name)}</td>{''.join(f'<td>{row[column]:.4g}</td>' for column in columns)}</tr>"
        for name, row in rows.items()
    )
    return f"{drawn}<table><tr>{head}</tr>{body}</table>"


def _health(trial: Trial, language: Language, quarantined: Sequence[tuple[str, int]]) -> str:
    rows = [(words[language], trial.health.get(key)) for key, words in _HEALTH.items()]
    rows += [(f"{kind}", n) for kind, n in trial.health.get("by_event", {}).items()]
    rows += [(f"✗ {reason}", n) for reason, n in quarantined]
    cells = (f"<tr><td>{_safe(name)}</td><td>{_safe(_number(value))}</td></tr>" for name, value in rows)
    return f"<table>{''.join(cells)}</table>"


def _person(each: Shopper, said: dict[str, str]) -> str:
    named = ((said["prices"].format(f.value) if f.facet == "price_band" else f.value, f.score) for f in each.facets())
    facets = "".join(f'<span class="facet">{_safe(value)} {score:.0%}</span>' for value, score in named)
    before = "; ".join(f"{_safe(name)} <span class=small>{day}</span>" for name, day in each.before)
    shown = "; ".join(f'<span class="hit">✓ {_safe(name)}</span>' if hit else _safe(name) for name, hit in each.shown)
    return (
        f'<div class="person"><b>{_safe(each.user_id)}</b> {_safe(each.profile.summary)}<div>{facets}</div><table>'
        f"<tr><th>{said['before']}</th><td>{before}</td></tr><tr><th>{said['shown']}</th><td>{shown}</td></tr>"
        f"<tr><th>{said['then']}</th><td>{'; '.join(map(_safe, each.then))}</td></tr></table></div>"
    )


def _left_out(trial: Trial) -> str:
    lines = [*trial.report.about["left_out"], trial.report.about.get("ranker", {}).get("why", "")]
    return "".join(f"<p class=small>{_safe(line)}</p>" for line in lines if line)


def _number(value: Any) -> str:
    """A number with its thousands, a moment without its seconds."""
    if isinstance(value, str) and _MOMENT.match(value):
        return value[:16].replace("T", " ")
    return f"{value:,}" if isinstance(value, int) else str(value if value is not None else "-")


def _safe(text: Any) -> str:
    return html.escape(str(text))
