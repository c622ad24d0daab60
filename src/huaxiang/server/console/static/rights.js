// What somebody allows, what they can take with them, and how they are erased.

import { h, put } from "./dom.js";

const SCOPES = ["analytics", "personalisation", "advertising", "service", "training"];

/** Save something as a file of the reader's. */
export function save(blob, name) {
  const address = URL.createObjectURL(blob);
  h("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

const dated = (name) => `${name}-${new Date().toISOString().slice(0, 10)}.json`;

/** The consents as switches. ctx: onConsent(scope, status, place) answers whether it was taken. */
export function createConsents(root, ctx) {
  const { say } = ctx;
  const rows = new Map(SCOPES.map((scope) => [scope, row(scope)]));
  const message = h("div", {});
  const list = h("ul", { class: "allowed" }, [...rows.values()].map(({ element }) => element));
  put(root, h("h2", {}, say.t("me.allow")), h("p", { class: "me-lead" }, say.t("me.allow.lead")), message, list);

  function row(scope) {
    const state = h("span", { class: "label allow-state" });
    const fault = h("div", { class: "fault", role: "alert" });
    const input = h("input", { type: "checkbox", role: "switch", class: "switch", id: `allow-${scope}`, "aria-describedby": `allow-${scope}-about`, on: { change } });
    let kept = false;

    function show(isGranted) {
      kept = isGranted;
      input.checked = isGranted;
      state.textContent = say.t(isGranted ? "me.allow.on" : "me.allow.off");
    }

    async function change() {
      state.textContent = say.t("me.wait");
      if (!(await ctx.onConsent(scope, input.checked ? "granted" : "denied", fault))) show(kept);
    }

    const element = h("li", { class: "allow" },
      h("div", { class: "allow-words" }, h("label", { for: input.id }, say.t(`me.allow.${scope}`)), h("p", { class: "quiet", id: `allow-${scope}-about` }, say.t(`me.allow.${scope}.detail`)), fault),
      h("span", { class: "allow-switch" }, state, input));
    return { element, show };
  }

  return {
    render(consents) {
      put(message);
      list.hidden = false;
      for (const [scope, { show }] of rows) show(consents[scope] === "granted");
    },
    failed: (node) => { list.hidden = true; put(message, node); },
  };
}

/** Taking one's data along, and being erased. ctx: attempt(place, work); onErased(receipt). */
export function createYours(root, ctx, dialog) {
  const { say, api, user } = ctx;
  const taken = h("p", { class: "said", role: "status" });
  const fault = h("div", { class: "fault", role: "alert" });

  const take = () => {
    taken.textContent = say.t("me.wait");
    return ctx.attempt(fault, async () => {
      save(await api.exported(user), dated("what-the-shop-knows-about-me"));
      taken.textContent = say.t("me.take.done");
    }).then((isDone) => { if (!isDone) taken.textContent = ""; });
  };
  put(root, h("h2", {}, say.t("me.yours")),
    h("div", { class: "yours" }, h("p", {}, say.t("me.take.detail")), h("button", { class: "main-button", type: "button", on: { click: take } }, say.t("me.take")), taken, fault),
    h("div", { class: "yours is-grave" }, h("p", {}, say.t("me.erase.detail")), h("button", { class: "grave-button", type: "button", on: { click: () => confirm(dialog, ctx) } }, say.t("me.erase"))));
}

/** Ask for the word before erasing; Escape and the second button leave everything as it is. */
function confirm(dialog, ctx) {
  const { say, api, user } = ctx;
  const word = say.t("me.erase.word");
  const fault = h("div", { class: "fault", role: "alert" });
  const go = h("button", { class: "grave-button", type: "submit", disabled: true }, say.t("me.erase.go"));
  const stay = h("button", { class: "me-button", type: "button", on: { click: () => dialog.close() } }, say.t("me.erase.stay"));
  const input = h("input", { class: "search", id: "erase-word", autocomplete: "off", autocapitalize: "characters", spellcheck: "false", on: { input: () => { go.disabled = !isSaid(); } } });
  const isSaid = () => input.value.trim().toLocaleUpperCase() === word;
  let isGoing = false;

  const erase = async (event) => {
    event.preventDefault();
    if (!isSaid() || isGoing) return;
    isGoing = true;
    go.textContent = say.t("me.wait");
    go.disabled = stay.disabled = true;
    await ctx.attempt(fault, async () => {
      const receipt = await api.erase(user);
      dialog.close();
      ctx.onErased(receipt);
    });
    isGoing = false;
    go.textContent = say.t("me.erase.go");
    go.disabled = stay.disabled = false;
  };
  put(dialog, h("form", { on: { submit: erase } },
    h("h2", { id: "ask-title" }, say.t("me.erase.title")), h("p", {}, say.t("me.erase.what")),
    h("label", { for: "erase-word" }, say.t("me.erase.type", { word })), input, fault,
    h("div", { class: "erase-acts" }, stay, go)));
  dialog.oncancel = (event) => { if (isGoing) event.preventDefault(); };
  dialog.showModal();
  input.focus();
}

/** What is left of somebody who was erased: the receipt, to read and to keep. */
export function receiptView({ say }, receipt) {
  const text = JSON.stringify(receipt, null, 2);
  const { erased_at: when, removed, n_devices: nDevices, not_reached: left } = receipt;
  return h("section", { class: "me-part receipt" },
    h("h1", { tabindex: "-1" }, say.t("me.erased")), when ? h("p", {}, say.t("me.erased.removed", { when: say.date(when), n: say.number(removed.events) })) : null,
    nDevices ? h("p", {}, say.t("me.erased.devices", { n: say.number(nDevices) })) : null,
    left?.length ? [h("p", {}, say.t("me.erased.left")), h("ul", {}, left.map((what) => h("li", {}, what)))] : null,
    h("p", {}, say.t("me.erased.detail")),
    h("button", { class: "main-button", type: "button", on: { click: () => save(new Blob([text], { type: "application/json" }), dated("erasure-receipt")) } }, say.t("me.erased.save")),
    h("pre", { class: "receipt-text", tabindex: "0", "aria-label": say.t("me.erased") }, text));
}
