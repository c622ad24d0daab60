// What stands over the results: the box, for whom it is searched, how much their profile may count, and what is recorded.

import { createBox, createChooser } from "./completing.js";
import { debounce, h, put } from "./dom.js";

const SETTLED = 160;

/** The panel. Handlers: onAsk(text, scope), onUser(id), onBeside(isOn), onPersonal(share), onRecord(isOn); current(). */
export function createAsking(root, ctx, { onAsk, onUser, onBeside, onPersonal, onRecord, current }) {
  const { say } = ctx;
  const box = createBox(ctx, { onAsk, current });
  const chooser = createChooser(ctx, { onUser });
  const toggle = (id, on) => h("input", { type: "checkbox", role: "switch", class: "switch", id, on: { change: (event) => on(event.target.checked) } });
  const beside = toggle("find-beside", onBeside);
  const record = toggle("find-record", onRecord);
  const share = h("output", { class: "personal-share", for: "find-personal" });
  const settled = debounce(SETTLED, onPersonal);
  const slider = h("input", { type: "range", class: "personal-slider", id: "find-personal", min: "0", max: "1", step: "0.05", on: { input: () => { showShare(); settled(Number(slider.value)); } } });
  const needs = h("p", { class: "quiet ask-needs", id: "find-needs" }, say.t("find.beside.needs"));
  const about = h("p", { class: "quiet record-about", id: "find-record-about" });
  const told = h("p", { class: "record-told", role: "status" });
  const personal = h("div", { class: "choice-personal" }, h("label", { class: "label", for: "find-personal" }, say.t("find.personal")), slider, share);
  put(root, box.element,
    h("div", { class: "ask-row" }, chooser.element, h("div", { class: "choice-switch" }, beside, h("label", { for: "find-beside" }, say.t("find.beside"))), personal, needs),
    h("div", { class: "record-row" }, h("div", { class: "choice-switch" }, record, h("label", { for: "find-record" }, say.t("find.record"))), about, told));
  record.setAttribute("aria-describedby", about.id);

  function showShare() {
    share.textContent = say.percent(Number(slider.value));
  }

  return {
    focus: box.focus,
    /** Bring everything in line with what is asked. */
    show(asked, isRecorded) {
      box.show(asked.query);
      chooser.show(asked.user);
      const isNobody = asked.user === null;
      for (const input of [beside, slider]) {
        input.disabled = isNobody;
        if (isNobody) input.setAttribute("aria-describedby", needs.id);
        else input.removeAttribute("aria-describedby");
      }
      beside.checked = asked.isBeside && !isNobody;
      if (document.activeElement !== slider) slider.value = String(asked.personal);
      showShare();
      personal.classList.toggle("is-off", isNobody);
      needs.hidden = !isNobody;
      record.checked = isRecorded;
      about.textContent = say.t(!isRecorded ? "find.record.off" : isNobody ? "find.record.nobody" : "find.record.detail");
    },
    /** What was recorded last, or why it was not. */
    told(text, isBad = false) {
      told.textContent = text;
      told.title = text;
      told.classList.toggle("warn", isBad);
    },
  };
}
